// Different clients in one room: Firefox, Chromium, and a page without our SDK.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, openFirefox, visitor, witness } from '../lib/browser.mjs';
import { until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';
import { startStatic } from '../lib/static.mjs';
import { signToken } from '../lib/token.mjs';

let server;
let pages;
let chromium;
let firefox;

before(async () => {
  server = await startServer();
  pages = await startStatic();
  chromium = await openChromium();
  firefox = await openFirefox();
});

after(async () => {
  await Promise.allSettled([chromium?.close(), firefox?.close()]);
  pages?.stop();
  await server?.stop();
});

let inChromium;
let inFirefox;
let room;

test('Firefox and Chromium see and hear each other', async () => {
  inChromium = await Visit.open(await visitor(chromium), server);
  await inChromium.enterLobby('Chromium');
  room = await inChromium.createRoom({ name: 'two browsers', size: 4 });
  await inChromium.join();
  inFirefox = await Visit.open(await visitor(firefox), server);
  await inFirefox.standBefore(room, { name: 'Firefox' });
  await inFirefox.join();
  await inChromium.seeMoving(1);
  await inChromium.hear(1);
  await inFirefox.seeMoving(1);
  await until('Firefox hears', () => inFirefox.witness.heardLevels(), (levels) => levels.some((level) => level > 0));
  assert.deepEqual(await inChromium.liveOffers(), [1]);
  assert.deepEqual(await inFirefox.liveOffers(), [1]);
});

for (const [name, browser] of [['Chromium', () => chromium], ['Firefox', () => firefox]]) {
  test(`a page of ${name} without the SDK joins by the published shapes, and everyone sees it and is seen by it`, async () => {
    const context = await visitor(browser());
    const page = await context.newPage();
    await page.goto(pages.url);
    await page.waitForFunction('window.join');
    const token = signToken({ name: 'Raw' });
    const joined = await page.evaluate((options) => window.join(options), { url: server.url, token, room });

    assert.equal(joined.me.name, 'Raw');
    assert.deepEqual(joined.slots.map((slot) => slot.kind), ['audio', 'audio', 'audio', 'video', 'video', 'video', 'video']);
    assert.deepEqual(joined.room.participants.map((participant) => participant.name), ['Chromium', 'Firefox', 'Raw']);
    for (const participant of joined.room.participants) assert.deepEqual(Object.keys(participant).sort(), ['id', 'name', 'state', 'user']);
    for (const track of joined.tracks) assert.deepEqual(Object.keys(track).sort(), ['id', 'kind', 'muted', 'muted_by_moderator', 'participant', 'source']);
    assert.equal(joined.tracks.filter((track) => track.participant === joined.me.id).length, 2);

    const raw = witness(page);
    await until('two moving videos', () => raw.look(), (videos) => videos.filter((video) => video.light > 8 && video.moved > 0.3).length === 2);
    await until('two audio streams', () => raw.flow(), (rows) => rows.filter((row) => row.kind === 'audio').length === 2);
    for (const visit of [inChromium, inFirefox]) {
      await visit.seePeople(3);
      await visit.seeMoving(2);
    }
    const map = await page.evaluate(() => window.session.map());
    assert.equal(map.slots.filter((slot) => slot.track).length, 4);
    assert.equal((await page.evaluate(() => window.leave())).ok, true);
    for (const visit of [inChromium, inFirefox]) await visit.seePeople(2);
    await context.close();
  });
}
