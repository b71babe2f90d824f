// Simulcast between Chromium and Firefox, both ways: small tiles get small pictures, paused ones nothing, and what nobody can use isn't sent.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep, until } from '../lib/figures.mjs';
import { enlarge, openPair, received, sending, sent, shrink, untilOff } from '../lib/layers.mjs';
import { startServer } from '../lib/server.mjs';

/** Generous, as test machines are busy: the promises (1 s, 3 s) are asserted by `npm run bench:layers`. */
const ENLARGED_MAX_MS = 8_000;
const OFF_MAX_MS = 8_000;

let server;
let pair;

before(async () => {
  server = await startServer();
  pair = await openPair(server);
});

after(async () => {
  await pair?.close();
  await server?.stop();
});

for (const [from, to] of [['Chromium', 'Firefox'], ['Firefox', 'Chromium']]) {
  test(`${from} sends to ${to} what its tile can use, and stops what nobody uses`, async (t) => {
    const [publisher, subscriber] = [pair.visits[from], pair.visits[to]];
    await until('three layers', () => sent(publisher), (layers) => ['q', 'h', 'f'].every((rid) => layers[rid] > 0), { within: 20_000 });
    await shrink(subscriber);
    const offMs = await untilOff(publisher, ['h', 'f']);
    assert.deepEqual(await sending(publisher), ['q'], 'the low layer alone');
    const small = await until('a small picture', () => received(subscriber), ({ frameWidth }) => frameWidth > 0 && frameWidth <= 320);
    const lowBitrate = await bitrate(subscriber);

    const enlargedMs = await enlarge(subscriber);
    const large = await received(subscriber);
    assert.ok(large.frameWidth > small.frameWidth, `${large.frameWidth} after ${small.frameWidth}`);
    assert.equal(large.freezeCount, small.freezeCount, 'no freeze');
    t.diagnostic(`small ${small.frameWidth} px at ${Math.round(lowBitrate / 1_000)} kbit/s; enlarged to ${large.frameWidth} px in ${Math.round(enlargedMs)} ms; unused layers off after ${Math.round(offMs)} ms`);
    assert.ok(enlargedMs <= ENLARGED_MAX_MS, `${enlargedMs} ms`);
    assert.ok(offMs <= OFF_MAX_MS, `${offMs} ms`);
  });

  test(`${to} pauses ${from}'s picture: not one byte comes, and nothing is sent`, async (t) => {
    const [publisher, subscriber] = [pair.visits[from], pair.visits[to]];
    await subscriber.choose(from, 'hide-for-me');
    const offMs = await untilOff(publisher, ['q', 'h', 'f']);
    const before = await received(subscriber);
    await sleep(2_000);
    assert.equal((await received(subscriber)).bytesReceived, before.bytesReceived);
    assert.deepEqual(await sending(publisher), []);
    t.diagnostic(`the publisher's last byte came ${Math.round(offMs)} ms after the pause`);
    assert.ok(offMs <= OFF_MAX_MS, `${offMs} ms`);
    await subscriber.choose(from, 'hide-for-me');
    await subscriber.seeMoving(1);
  });
}

async function bitrate(subscriber) {
  const before = await received(subscriber);
  await sleep(1_000);
  return ((await received(subscriber)).bytesReceived - before.bytesReceived) * 8;
}
