// The server crashes in the middle of a call and comes back.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';

/** The page's back-off grows to seven seconds, and the server must be there for one of its tries. */
const BACK_MS = 30_000;

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

test('after a crash of the server both find themselves in the room again, with media and with what was written', async () => {
  const [host, friend] = await Promise.all([1, 2].map(async () => Visit.open(await visitor(browser), server)));
  await host.enterLobby('Host');
  const room = await host.createRoom({ name: 'still here', size: 2 });
  await host.join();
  await friend.standBefore(room, { name: 'Friend' });
  await friend.join();
  await host.seeMoving(1);
  await friend.seeMoving(1);
  await host.say('before the crash');
  await friend.seeMessage('before the crash');

  await server.kill();
  await Promise.all([host.see('reconnecting-banner'), friend.see('reconnecting-banner')]);
  await server.startAgain();

  for (const visit of [host, friend]) {
    await visit.find('reconnecting-banner').waitFor({ state: 'hidden', timeout: BACK_MS });
    await visit.seePeople(2);
    await visit.seeMoving(1);
    await visit.hear(1);
    assert.deepEqual(await visit.liveOffers(), [1], 'a new PeerConnection, with one offer');
  }
  await friend.say('after the crash');
  await host.seeMessage('after the crash');
  await host.seeMessage('before the crash');
});
