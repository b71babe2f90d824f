// The screens that everybody sees, as axe sees them: names, roles, contrast, headings. What it finds is a fault of the page.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { accept, createServer, enterServers, invite } from '../lib/community.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';

const WIDE = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 780 };

let axe;
let server;
let browser;

before(async () => {
  axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
  server = await startServer({ env: { ZZAN_CHAT_INTERVAL_MS: '0' } });
  browser = await openChromium();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Nothing that moves: what is seen half-way has the contrast of half-way. */
const still = (viewport, locale) => visitor(browser, { viewport, locale, reducedMotion: 'reduce' });

/** What axe finds on the page, as `rule: element`. */
async function faults(visit) {
  await visit.page.evaluate(axe);
  return visit.page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`));
  });
}

async function isFine(visit, screen) {
  assert.deepEqual(await faults(visit), [], screen);
}

test('the lobby, the door of a room and a call have no faults', async () => {
  for (const [viewport, locale] of [[WIDE, 'en-US'], [PHONE, 'ko-KR']]) {
    const host = await Visit.open(await still(viewport, locale), server);
    await host.see('name-gate');
    await isFine(host, 'name gate');
    await host.enterLobby('하나');
    await isFine(host, 'lobby');
    await (await host.see('create-room')).click();
    await host.see('room-name-input');
    await isFine(host, 'dialog of a new room');
    await host.page.keyboard.press('Escape');
    const room = await host.createRoom({ name: '막걸리 한 잔', size: 2 });
    await isFine(host, 'door');
    await host.join();
    const guest = await Visit.open(await still(viewport, locale), server);
    await guest.standBefore(room, { name: 'Dooly' });
    await guest.join();
    await host.seeMoving(1);
    await isFine(host, 'call');
    for (const visit of [host, guest]) await visit.page.context().close();
  }
});

test('the screens of servers have no faults, on a desktop and on a phone', async () => {
  const owner = await enterServers(await still(WIDE, 'ko-KR'), server, '하나');
  await isFine(owner, 'without a server');
  await createServer(owner, '술친구');
  const path = await invite(owner);
  await owner.say('오늘 일곱 시에 모여요');
  await owner.say('늦으시는 분은 말씀해 주세요');
  for (const viewport of [WIDE, PHONE]) {
    const guest = await enterServers(await still(viewport, 'en-US'), server, 'Dooly');
    await guest.goto(path);
    await guest.see('accept-invite');
    await isFine(guest, 'invitation');
    await accept(guest, path);
    await guest.seeMessage('늦으시는');
    await guest.say('@하나, on my way');
    await owner.seeMessage('on my way');
    await isFine(guest, 'channel');
    await (await guest.see('bell')).click();
    await guest.see('inbox');
    await isFine(guest, 'inbox');
    await guest.page.keyboard.press('Escape');
    await guest.page.context().close();
  }
  await isFine(owner, 'channel with what others said');
  await (await owner.see('bell')).click();
  await owner.see('inbox-entry');
  await isFine(owner, 'inbox with entries');
  await owner.page.keyboard.press('Escape');
  await owner.find('search-input').fill('일곱');
  await owner.find('search-input').press('Enter');
  await owner.see('search-status');
  await isFine(owner, 'search');
  await owner.find('search-clear').click();
  await owner.find('open-calendar').click();
  await owner.find('create-schedule').click();
  await owner.see('schedule-title-input');
  await isFine(owner, 'dialog of an entry');
  await owner.find('schedule-title-input').fill('송년회');
  await owner.find('schedule-dialog-submit').click();
  await owner.see('schedule');
  await isFine(owner, 'calendar');
});
