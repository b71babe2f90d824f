// Application data through the SDK: Chromium and Firefox, and a token that may not send any.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, openFirefox, visitor } from '../lib/browser.mjs';
import { until } from '../lib/figures.mjs';
import { rest, startServer } from '../lib/server.mjs';
import { startStatic } from '../lib/static.mjs';
import { signToken } from '../lib/token.mjs';

let server;
let pages;
let room;
const browsers = [];
const seats = {};

before(async () => {
  server = await startServer();
  pages = await startStatic();
  room = (await rest(server, 'POST', '/v1/rooms', { name: 'data', capacity: 4 })).id;
  browsers.push(await openChromium(), await openFirefox());
  const grants = { room, room_join: true, can_publish: true, can_subscribe: true, can_publish_data: false };
  await enter('Chromium', browsers[0]);
  await enter('Firefox', browsers[1]);
  await enter('Mute', browsers[0], grants);
  // A channel of somebody who has just come may be closed yet, and a lossy message to it is lost.
  for (const [from, others] of [['Chromium', ['Firefox', 'Mute']], ['Firefox', ['Chromium']]]) {
    await until(`the channels of ${others}`, async () => {
      await seats[from].send('are you there?', true);
      const heard = await Promise.all(others.map((name) => seats[name].heard()));
      return heard.every((messages) => messages.some(({ participant }) => participant === seats[from].me.id));
    });
  }
  for (const { page } of Object.values(seats)) await until('quiet', () => page.evaluate(async () => {
    const before = window.data.length;
    await new Promise((done) => setTimeout(done, 300));
    return window.data.length === before;
  }));
  for (const { page } of Object.values(seats)) await page.evaluate(() => void window.data.splice(0));
});

after(async () => {
  await Promise.allSettled(browsers.map((browser) => browser.close()));
  pages?.stop();
  await server?.stop();
});

async function enter(name, browser, grants) {
  const page = await (await visitor(browser)).newPage();
  await page.goto(`${pages.url}/sdk.html`);
  await page.waitForFunction('window.join');
  const me = await page.evaluate((options) => window.join(options), { url: server.url, token: signToken({ name, grants }), room });
  seats[name] = { page, me, heard: () => page.evaluate('window.data'), send: (text, reliable) => page.evaluate(([text, reliable]) => window.send(text, reliable), [text, reliable]) };
}

for (const [from, to] of [['Chromium', 'Firefox'], ['Firefox', 'Chromium']]) {
  test(`what ${from} sends reaches everyone else, with its sender`, async () => {
    const { me } = seats[from];
    const lossy = `lossy from ${from}`;
    assert.equal(await seats[from].send(`reliable from ${from} 짠`, true), true);
    await until('the lossy channel is open', () => seats[from].send(lossy, false));
    for (const name of [to, 'Mute']) {
      const expected = [{ participant: me.id, reliable: true, text: `reliable from ${from} 짠` }, { participant: me.id, reliable: false, text: lossy }];
      const heard = await until(`${name} hears both`, seats[name].heard, (heard) => heard.filter(({ participant }) => participant === me.id).length === 2);
      assert.deepEqual(heard.filter(({ participant }) => participant === me.id).sort((a, b) => b.reliable - a.reliable), expected);
    }
    assert.ok((await seats[from].heard()).every(({ participant }) => participant !== me.id), 'nobody hears oneself');
  });
}

test('a hundred messages at once arrive in order, and what is too much is refused at once', async () => {
  const before = (await seats.Firefox.heard()).length;
  const sent = await seats.Chromium.page.evaluate(() => Array.from({ length: 150 }, (_, n) => window.send(String(n), true)));
  const taken = sent.filter((answer) => answer === true).length;
  assert.ok(taken >= 90 && taken < 150, `${taken} taken`);
  assert.deepEqual([...new Set(sent)], [true, 'rate_limited']);
  const heard = await until('all that was taken', seats.Firefox.heard, (heard) => heard.length === before + taken);
  assert.deepEqual(heard.slice(before).map(({ text }) => text), Array.from({ length: taken }, (_, n) => String(n)));
});

test('too long a message, and one of a token that may not, are refused', async () => {
  assert.equal(await seats.Chromium.send('x'.repeat(16_385), true), 'too_large');
  assert.equal(await seats.Mute.send('let me', true), 'forbidden');
  assert.deepEqual(seats.Mute.me.rights, { publish: true, subscribe: true, data: false, administer: false });
});
