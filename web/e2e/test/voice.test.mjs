// A voice room of twenty-five: three people with a page and a camera, and a crowd of microphones.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { rest, startServer } from '../lib/server.mjs';
import { startStatic } from '../lib/static.mjs';
import { signToken } from '../lib/token.mjs';

const CROWD = 22;
/** Voices that one hears at once, see docs/protocol.md. */
const POOL_SLOTS = 5;

let server;
let pages;
let browser;
let room;
let visits;
let crowd;
let ids;

before(async () => {
  server = await startServer();
  pages = await startStatic();
  browser = await openChromium();
  room = (await rest(server, 'POST', '/v1/rooms', { name: '음성 채널', kind: 'voice', capacity: 50 })).id;
});

after(async () => {
  await browser?.close();
  pages?.stop();
  await server?.stop();
});

/** Who has a ring on somebody's page. */
const rings = (visit) => visit.page.locator('[data-testid="person"][data-speaking="true"]').evaluateAll((people) => people.map((person) => person.dataset.participant));

test('twenty-five are in one room, and three of them see each other', async () => {
  visits = await Promise.all(['하나', 'Two', 'Three'].map(async (name) => {
    const visit = await Visit.open(await visitor(browser), server);
    await visit.standBefore(room, { name });
    await visit.join();
    return visit;
  }));
  // Their microphones beep all the time: only the crowd is to be heard.
  for (const visit of visits) await visit.find('mic-button').click();
  crowd = await (await visitor(browser)).newPage();
  await crowd.goto(`${pages.url}/crowd`);
  await crowd.waitForFunction('window.sitAll');
  const tokens = Array.from({ length: CROWD }, (_, n) => signToken({ name: `Crowd ${n + 1}` }));
  ids = await crowd.evaluate((options) => window.sitAll(options), { url: server.url, room, tokens });
  await until('the crowd connects', () => crowd.evaluate(() => window.connected()), (count) => count === CROWD, { within: 20_000 });
  for (const visit of visits) {
    await until('everyone is listed', () => visit.find('person').count(), (count) => count === CROWD + 3);
    await visit.seeMoving(2);
    await visit.hear(0);
  }
});

test('one who speaks is heard by all, and has a ring on every page', async () => {
  await crowd.evaluate(() => window.speak([7]));
  for (const visit of visits) {
    await visit.hear(1);
    await until('a ring', () => rings(visit), (speaking) => speaking.length === 1 && speaking[0] === ids[7]);
  }
  await crowd.evaluate(() => window.speak([]));
  await visits[0].hear(0);
});

test('of eight who speak five are heard, and all eight have a ring', async () => {
  await crowd.evaluate(() => window.speak([1, 3, 5, 7, 9, 11, 13, 15]));
  for (const visit of visits) {
    await visit.hear(POOL_SLOTS);
    await until('eight rings', () => rings(visit), (speaking) => speaking.length === 8);
  }
});

test('a person who leaves the crowd is off every list, and the others go on', async () => {
  await crowd.evaluate(() => window.speak([20]));
  await visits[2].leave();
  for (const visit of visits.slice(0, 2)) {
    await until('one fewer', () => visit.find('person').count(), (count) => count === CROWD + 2);
    await visit.seeMoving(1);
    await visit.hear(1);
  }
  assert.deepEqual(await rings(visits[0]), [ids[20]]);
});
