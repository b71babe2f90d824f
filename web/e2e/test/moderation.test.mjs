// Who hears and sees whom, by choice: for oneself, by the host for everyone, and a shared screen that appears and goes. Two Chromiums.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { sleep, until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { rest, startServer } from '../lib/server.mjs';

let server;
let browser;
let host;
let guest;
let room;

before(async () => {
  server = await startServer();
  browser = await openChromium({ args: ['--auto-select-desktop-capture-source=Entire screen'] });
  host = await Visit.open(await visitor(browser), server);
  await host.enterLobby('Host');
  room = await host.createRoom({ name: 'order', size: 4 });
  await host.join();
  guest = await Visit.open(await visitor(browser), server);
  await guest.standBefore(room, { name: 'Guest' });
  await guest.join();
  for (const visit of [host, guest]) {
    await visit.seeMoving(1);
    await visit.hear(1);
  }
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Bytes of sound that come in within a second. */
async function soundIn(visit) {
  const bytes = async () => (await visit.witness.inbound()).filter(({ kind }) => kind === 'audio').reduce((sum, row) => sum + row.bytesReceived, 0);
  const start = await bytes();
  await sleep(1_000);
  return (await bytes()) - start;
}

test('who is muted for oneself is not even sent, and comes back', async () => {
  assert.ok(await soundIn(guest) > 0);
  await guest.choose('Host', 'mute-for-me');
  await until('no byte of sound', () => soundIn(guest), (bytes) => bytes === 0);
  await host.hear(1);
  await guest.choose('Host', 'mute-for-me');
  await guest.hear(1);
});

test('whom the host mutes stays muted, is told so, and is heard again when the host says so', async () => {
  await host.choose('Guest', 'moderate-mic');
  assert.match(await (await guest.see('moderation-notice')).innerText(), /host muted your mic/i);
  await until('no byte of sound', () => soundIn(host), (bytes) => bytes === 0);
  for (const _ of [1, 2]) await guest.find('mic-button').click();
  assert.equal(await soundIn(host), 0, 'unmuting oneself changes nothing');

  await guest.leave();
  await guest.standBefore(room);
  await guest.join();
  await guest.see('moderation-notice');
  await host.seeMoving(1);
  assert.equal(await soundIn(host), 0, 'nor does coming back');

  await host.choose('Guest', 'moderate-mic');
  await guest.find('moderation-notice').waitFor({ state: 'detached' });
  await host.hear(1);
});

test('only the host has a say, and a backend', async () => {
  const tile = guest.find('tile').filter({ has: guest.page.locator('.tile-name', { hasText: 'Host' }) }).first();
  await tile.hover();
  await tile.getByTestId('tile-menu').click();
  await tile.getByTestId('mute-for-me').waitFor();
  for (const testId of ['moderate-mic', 'moderate-cam', 'kick-button']) assert.equal(await tile.getByTestId(testId).count(), 0);
  await guest.page.keyboard.press('Escape');

  const { participants } = await rest(server, 'GET', `/v1/rooms/${room}`);
  const { id } = participants.find(({ name }) => name === 'Guest');
  await patch(id, ['camera']);
  await host.seeMoving(0);
  assert.match(await (await guest.see('moderation-notice')).innerText(), /camera/);
  await patch(id, []);
  await host.seeMoving(1);
});

async function patch(participant, muted) {
  const response = await fetch(`${server.url}/v1/rooms/${room}/participants/${participant}`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer devkey:devsecret-devsecret-devsecret-32ch', 'content-type': 'application/json' },
    body: JSON.stringify({ muted }),
  });
  assert.equal(response.status, 204);
}

test('a shared screen stands beside the face, and leaves no empty tile; nobody offers anew for it', async () => {
  assert.equal(await host.find('screen-tile').count(), 0);
  await guest.find('screen-button').click();
  await guest.see('sharing-notice');
  await host.see('screen-tile');
  const screen = await until('the screen', () => host.page.evaluate(() => document.querySelector('[data-testid="screen-video"]')?.videoWidth ?? 0), (width) => width > 320);
  assert.ok(screen > 320);
  assert.equal(await host.find('tile-video').count(), 1, 'the face stays');
  await guest.find('stop-sharing').click();
  await host.find('screen-tile').waitFor({ state: 'detached' });
  await host.seeMoving(1);
  for (const visit of [host, guest]) assert.deepEqual(await visit.liveOffers(), [1]);
});

test('the figures name every track with its state', async () => {
  const tile = host.find('tile').filter({ has: host.page.locator('.tile-name', { hasText: 'Guest' }) }).first();
  await tile.hover();
  await tile.getByTestId('tile-menu').click();
  await tile.getByTestId('stats-button').click();
  await host.see('stats-dialog');
  const lines = () => host.find('stats-line').evaluateAll((rows) => rows.map((row) => ({ ...row.dataset, text: row.innerText })));
  const seen = await until('flowing lines', lines, (rows) => rows.filter(({ state }) => state === 'flows').length >= 4);
  assert.ok(seen.some(({ kind, text }) => kind === 'video' && /Guest/.test(text) && /kbit/.test(text)), JSON.stringify(seen));
  assert.ok(seen.some(({ kind, text }) => kind === 'audio' && /You/.test(text)), JSON.stringify(seen));
});
