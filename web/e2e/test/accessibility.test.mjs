// The screens that everybody sees, as axe sees them: names, roles, contrast, headings. What it finds is a fault of the page.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { accept, createServer, enterServers, invite } from '../lib/community.mjs';
import { Visit } from '../lib/page.mjs';
import { rest, startServer } from '../lib/server.mjs';

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

/** What is opened, and known by a test id or a locator, has no faults once it is filled; Escape closes it. */
async function isFineOnce(visit, shown, open = async () => {}, fill = async () => {}) {
  const [target, screen] = typeof shown === 'string' ? [visit.find(shown), shown] : [shown, 'menu'];
  await open();
  await target.first().waitFor();
  await fill();
  await isFine(visit, screen);
  await visit.page.keyboard.press('Escape');
  await target.first().waitFor({ state: 'detached' });
  // What it was opened from.
  await visit.page.keyboard.press('Escape');
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

test('the dialogs of a server have no faults', async () => {
  const owner = await enterServers(await still(WIDE, 'en-US'), server, 'Owner');
  await createServer(owner, 'Reading club');
  const guest = await enterServers(await still(WIDE, 'en-US'), server, '둘리');
  await accept(guest, await invite(owner));
  await owner.find('member').filter({ hasText: '둘리' }).waitFor();

  const inMenu = (item) => async () => {
    await owner.find('server-menu').click();
    await (await owner.see(item)).click();
  };
  await isFineOnce(owner, owner.page.getByRole('menu'), () => owner.find('server-menu').click());
  await isFineOnce(owner, 'channel-dialog', inMenu('menu-create-channel'), async () => {
    await owner.find('channel-name-input').fill('quiet');
    await owner.find('channel-private').check();
  });
  await isFineOnce(owner, 'category-dialog', inMenu('menu-create-category'));
  await isFineOnce(owner, 'roles-dialog', inMenu('menu-roles'));
  await isFineOnce(owner, 'role-dialog', async () => {
    await inMenu('menu-roles')();
    await (await owner.see('create-role')).click();
  });
  await isFineOnce(owner, 'server-settings', inMenu('menu-settings'));
  await isFineOnce(owner, 'owner-leaves', inMenu('menu-leave'));
  await isFineOnce(owner, 'create-server-dialog', () => owner.find('create-server').click());
  await isFineOnce(owner, 'invite-dialog', () => owner.find('open-invite').click(), async () => {
    await owner.find('invite-whom').fill('a@example.com');
    await owner.find('invite-person').click();
    await owner.see('invite-refused');
  });
  const openMember = () => owner.find('member').filter({ hasText: '둘리' }).click();
  await isFineOnce(owner, 'member-dialog', openMember);
  await isFineOnce(owner, 'confirm-button', async () => {
    await openMember();
    await (await owner.see('kick-member')).click();
  });
  await isFineOnce(owner, 'ban-reason', async () => {
    await openMember();
    await (await owner.see('ban-member')).click();
  });
});

test('what is done with messages has no faults, on a desktop and on a phone', async () => {
  const owner = await enterServers(await still(WIDE, 'ko-KR'), server, '하나');
  await createServer(owner, '막걸리파');
  const path = await invite(owner);
  await owner.say('첫 번째 안주는 파전');
  const line = (visit, text) => visit.find('chat-message').filter({ hasText: text });
  const openMenu = async (visit, text) => {
    await line(visit, text).hover();
    await line(visit, text).getByTestId('chat-actions').click();
  };
  const act = async (visit, text, action) => {
    await openMenu(visit, text);
    await line(visit, text).getByTestId(action).click();
  };
  await isFineOnce(owner, owner.page.getByRole('menu'), () => openMenu(owner, '파전'));
  await act(owner, '파전', 'chat-pin');
  await line(owner, '파전').getByTestId('chat-pinned').waitFor();
  await act(owner, '파전', 'chat-edit');
  await isFineOnce(owner, 'chat-edit-input');
  await act(owner, '파전', 'chat-reply');
  await owner.say('좋아요');
  await act(owner, '좋아요', 'menu-react');
  await (await owner.see('emoji-picker')).getByTestId('emoji').first().click();
  await act(owner, '좋아요', 'menu-react');
  await isFineOnce(owner, 'emoji-picker');
  await owner.say('지울 말');
  await act(owner, '지울 말', 'chat-delete');
  await (await owner.see('confirm-button')).click();
  for (const viewport of [WIDE, PHONE]) {
    const guest = await enterServers(await still(viewport, 'en-US'), server, 'Dooly');
    await accept(guest, path);
    await line(guest, '좋아요').getByTestId('reaction').waitFor();
    await guest.find('open-pins').click();
    await guest.see('pinned');
    await isFine(guest, 'pins');
    await guest.find('pins-close').click();
    await isFineOnce(guest, 'mention-list', () => guest.find('chat-input').pressSequentially('@'));
    await guest.page.context().close();
  }
});

test('meeting notes, devices and figures have no faults, on a desktop and on a phone', async () => {
  const owner = await enterServers(await still(WIDE, 'ko-KR'), server, '하나');
  await createServer(owner, '개발팀');
  const path = await invite(owner);
  for (const viewport of [WIDE, PHONE]) {
    const guest = await enterServers(await still(viewport, 'en-US'), server, 'Dooly');
    await accept(guest, path);
    if (viewport === PHONE) await guest.find('open-channels').click();
    await guest.find('voice-channel').click();
    await guest.join();
    await isFine(guest, 'alone in a voice channel');
    await isFineOnce(guest, 'device-dialog', () => guest.find('devices-button').click());
    await guest.find('notes-button').click();
    await guest.see('note-name');
    await isFine(guest, 'no note yet');
    await guest.find('note-name').fill('Weekly');
    await guest.find('note-start').click();
    await (await guest.see('note-input')).fill('first point');
    await guest.find('note-add').click();
    await guest.see('note-text');
    await isFine(guest, 'running note');
    await guest.find('note-end').click();
    await (await guest.see('confirm-button')).click();
    await (await guest.see('note')).click();
    await guest.see('note-reader');
    await isFine(guest, 'note that is read');
    await guest.page.context().close();
  }
});

test('a direct channel has no faults, on a desktop and on a phone', async () => {
  const { users } = await rest(server, 'POST', '/v1/direct-channels', {
    subject: 'product-31',
    name: '필름 카메라',
    users: [{ id: 'buyer-7', name: '하나' }, { id: 'seller-2', name: '두리' }],
    metadata: { state: 'on_sale', price: 35_000, currency: 'KRW', place: '시청역' },
  });
  for (const [viewport, { url }] of [[WIDE, users[0]], [PHONE, users[1]]]) {
    const { pathname, hash } = new URL(url);
    const visit = await Visit.open(await still(viewport, 'ko-KR'), server, pathname + hash);
    await visit.see('subject');
    await visit.say('아직 있나요?');
    await isFine(visit, 'direct channel');
    await visit.page.context().close();
  }
});
