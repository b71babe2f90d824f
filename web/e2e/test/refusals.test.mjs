// What people are told when they can't get in.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { sleep } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { rest, startServer } from '../lib/server.mjs';

let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await openChromium();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a wrong password is named, and the right one lets in afterwards', async () => {
  const host = await Visit.open(await visitor(browser), server);
  await host.enterLobby('Host');
  const room = await host.createRoom({ name: 'locked', size: 2, password: '짠짠짠' });
  await host.join();
  const guest = await Visit.open(await visitor(browser), server);
  await guest.standBefore(room, { name: 'Guest', password: 'wrong' });
  await guest.clickJoin();
  assert.match(await guest.errorText(), /password isn’t right/i);
  await guest.find('password-input').fill('짠짠짠');
  await guest.join();
  await guest.seeMoving(1);
  for (const visit of [host, guest]) await visit.page.context().close();
});

test('a link opens its room under the name that the shop gave, and says so when it has expired or is used up', async () => {
  const room = await rest(server, 'POST', '/v1/rooms', { name: 'by link', capacity: 2 });
  const link = await rest(server, 'POST', `/v1/rooms/${room.id}/links`, { ttl_s: 60, max_uses: 1, name: '민수' });
  assert.ok(Date.parse(link.expires_at) > Date.now());
  const guest = await Visit.open(await visitor(browser, { locale: 'ko-KR' }), server, link.url);
  await guest.join();
  assert.match((await guest.names()).join(), /민수/);

  const late = await Visit.open(await visitor(browser), server, link.url);
  assert.match(await late.errorText(), /link doesn’t work any more/i);
  const short = await rest(server, 'POST', `/v1/rooms/${room.id}/links`, { ttl_s: 1, max_uses: 5 });
  await sleep(Math.max(0, Date.parse(short.expires_at) - Date.now()) + 1_100);
  const expired = await Visit.open(await visitor(browser, { locale: 'ko-KR' }), server, short.url);
  await expired.find('name-input').fill('지은');
  await expired.clickJoin();
  assert.match(await expired.errorText(), /링크/);
  for (const visit of [guest, late, expired]) await visit.page.context().close();
});

test('a room that has never been is said not to be there', async () => {
  const visit = await Visit.open(await visitor(browser), server);
  await visit.standBefore('nosuchroom', { name: 'Lost' });
  await visit.clickJoin();
  assert.match(await visit.errorText(), /no such room/i);
  await visit.page.context().close();
});

test('who denies the camera is told how to allow it, and can still join, be seen as present and see the others', async () => {
  const denying = await openChromium({ fakeUi: false });
  try {
    const host = await Visit.open(await visitor(browser), server);
    await host.enterLobby('Host');
    const room = await host.createRoom({ name: 'one is shy', size: 2 });
    await host.join();
    const shy = await Visit.open(await visitor(denying, { permissions: [] }), server);
    await shy.standBefore(room, { name: 'Shy' });
    assert.match(await (await shy.see('device-problem')).innerText(), /camera and microphone are blocked. allow them/i);
    await shy.join();
    await shy.seeMoving(1);
    await host.seePeople(2);
    await host.page.context().close();
  } finally {
    await denying.close();
  }
});
