// End-to-end encryption by encoded transforms: the server forwards what it can't read, with simulcast and without.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor, witness } from '../lib/browser.mjs';
import { sleep, until } from '../lib/figures.mjs';
import { rest, startServer } from '../lib/server.mjs';
import { startStatic } from '../lib/static.mjs';
import { signToken } from '../lib/token.mjs';

let server;
let pages;
let browser;

before(async () => {
  server = await startServer();
  pages = await startStatic();
  browser = await openChromium({ args: ['--force-fieldtrials=WebRTC-LegacySimulcastLayerLimit/Disabled/'] });
});

after(async () => {
  await browser?.close();
  pages?.stop();
  await server?.stop();
});

async function enter(room, name, secret, simulcast, client = 'e2ee.html') {
  const page = await (await visitor(browser, { camera: null })).newPage();
  await page.goto(`${pages.url}/${client}`);
  await page.waitForFunction('window.join');
  await page.evaluate((options) => window.join(options), { url: server.url, token: signToken({ name }), room, secret, simulcast });
  return { page, witness: witness(page), report: () => page.evaluate('window.report()') };
}

const moving = (videos) => videos.some((video) => video.light > 8 && video.moved > 0.3);

for (const simulcast of [false, true]) {
  const how = simulcast ? 'with simulcast' : 'without simulcast';

  test(`who has the key sees and hears, ${how}; layers switch as ever`, async (t) => {
    const room = (await rest(server, 'POST', '/v1/rooms', { name: 'sealed', capacity: 2 })).id;
    const [ann, bob] = [await enter(room, 'Ann', 'one key', simulcast), await enter(room, 'Bob', 'one key', simulcast)];
    for (const seat of [ann, bob]) await until('a moving picture', () => seat.witness.look(), moving, { within: 20_000 });
    const { decrypted, refused } = await until('decrypted frames', bob.report, (counts) => counts.decrypted > 50);
    assert.ok(refused <= 2, `${refused} of ${decrypted + refused} refused`);
    await bob.witness.listen().then((peaks) => assert.ok(peaks.some((peak) => peak > 0.01), `${peaks}`));
    if (simulcast) {
      const width = async () => Math.max(...(await bob.witness.inbound()).map(({ frameWidth }) => frameWidth));
      const ask = (size) => bob.page.evaluate((size) => {
        const { ask, map } = window.session;
        const tracks = map().slots.filter(({ track }) => track).map(({ track }) => track);
        return Promise.all(tracks.map((track) => ask('media:subscribe', { track, ...size })));
      }, size);
      await ask({ width: 240, height: 135 });
      await until('the low layer', width, (width) => width === 240, { within: 20_000 });
      await ask({ width: 960, height: 540 });
      await until('the high layer', width, (width) => width === 960, { within: 20_000 });
      t.diagnostic('240 px and 960 px by the sizes asked for');
    }
    for (const seat of [ann, bob]) await seat.page.context().close();
  });

  test(`who has another key gets bytes and nothing to see, ${how}`, async () => {
    const room = (await rest(server, 'POST', '/v1/rooms', { name: 'sealed', capacity: 2 })).id;
    const [ann, eve] = [await enter(room, 'Ann', 'one key', simulcast), await enter(room, 'Eve', 'another key', simulcast)];
    await until('refused frames', eve.report, (counts) => counts.refused > 50, { within: 20_000 });
    await sleep(1_000);
    assert.equal((await eve.report()).decrypted, 0);
    const video = (await eve.witness.inbound()).find(({ kind, packetsReceived }) => kind === 'video' && packetsReceived > 0);
    assert.equal(video.framesDecoded, 0);
    for (const seat of [ann, eve]) await seat.page.context().close();
  });
}

test('the SDK gives an application every sender and receiver to encrypt and decrypt', async () => {
  const room = (await rest(server, 'POST', '/v1/rooms', { name: 'sealed', capacity: 4 })).id;
  const [ann, bob, eve] = [await enter(room, 'Ann', 'one key', true, 'sdk.html'), await enter(room, 'Bob', 'one key', true, 'sdk.html'), await enter(room, 'Eve', 'another key', true, 'sdk.html')];
  for (const seat of [ann, bob]) await until('a moving picture', () => seat.witness.look(), moving, { within: 20_000 });
  await until('refused frames', eve.report, (counts) => counts.refused > 50, { within: 20_000 });
  assert.equal((await eve.report()).decrypted, 0);
  for (const seat of [ann, bob, eve]) await seat.page.context().close();
});
