// What the shop decides by itself. That it opens real rooms is tested end to end, in web/e2e, against the real server.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { configFrom } from '../src/config.js';
import { parseName } from '../src/form.js';
import { html } from '../src/html.js';
import { shop } from '../src/shop.js';
import { Tables } from '../src/tables.js';
import { texts } from '../src/texts.js';

let server, base;

before(async () => {
  server = shop(configFrom({ ZZAN_URL: `http://127.0.0.1:${await closedPort()}` }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${server.address().port}`;
});

after(() => {
  server.close();
  server.closeAllConnections();
});

async function closedPort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

function post(path, fields, headers = {}) {
  return fetch(base + path, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: base, ...headers },
    body: new URLSearchParams(fields),
  });
}

const ORDER = '11111111-2222-4333-8444-555555555555';

test('the shelf is shown in the browser\'s language, and in the chosen one afterwards', async () => {
  const korean = await fetch(base, { headers: { 'accept-language': 'ko-KR,ko;q=0.9' } });
  assert.match(await korean.text(), /달빛 생막걸리.*9,800원/s);
  const english = await fetch(`${base}/?lang=en`, { headers: { 'accept-language': 'ko-KR' } });
  assert.match(await english.text(), /Moonlight makgeolli.*₩9,800/s);
  assert.match(english.headers.get('set-cookie'), /^lang=en/);
});

test('both languages have the same words', () => {
  assert.deepEqual(Object.keys(texts.ko).sort(), Object.keys(texts.en).sort());
  assert.deepEqual(Object.keys(texts.ko.errors).sort(), Object.keys(texts.en.errors).sort());
});

test('when zzan is down the visitor gets a page that says so and a way to try again', async () => {
  const response = await post('/p/pine-soju/together', { name: '민수', seats: '4', order: ORDER });
  assert.equal(response.status, 502);
  const page = await response.text();
  assert.match(page, /data-error="zzan"/);
  assert.match(page, /href="\/p\/pine-soju"/);
});

test('a form with a bad name or seat count comes back with what was typed, as text', async () => {
  const tooLong = await post('/p/pine-soju/together', { name: '<script>alert(1)</script>', seats: '4', order: ORDER });
  assert.equal(tooLong.status, 422);
  const page = await tooLong.text();
  assert.match(page, /data-testid="form-error"/);
  assert.ok(page.includes('value="&lt;script&gt;alert(1)&lt;/script&gt;"'));
  assert.ok(!page.includes('<script>alert'));
  const seats = await post('/p/pine-soju/together', { name: '민수', seats: '5', order: ORDER });
  assert.equal(seats.status, 422);
});

test('a form sent from another site is refused', async () => {
  const fields = { name: '민수', seats: '4', order: ORDER };
  for (const headers of [{ origin: 'https://evil.example' }, { origin: '' }, { 'sec-fetch-site': 'cross-site' }]) {
    assert.equal((await post('/p/pine-soju/together', fields, headers)).status, 403);
  }
});

test('an oversize form, another content type and unknown paths are refused without an error in the server', async () => {
  assert.equal((await post('/p/pine-soju/together', { name: 'x'.repeat(5_000) })).status, 413);
  const json = await fetch(`${base}/p/pine-soju/together`, {
    method: 'POST',
    headers: { origin: base, 'content-type': 'application/json' },
    body: '{}',
  });
  assert.equal(json.status, 415);
  for (const path of ['/p/nothing', '/t/short', '/../src/main.js', '/%2e%2e/package.json', '/shop.css/x']) {
    assert.equal((await fetch(base + path)).status, 404, path);
  }
  assert.equal((await fetch(`${base}/t/${'a'.repeat(22)}`)).status, 410);
  assert.equal((await fetch(base, { method: 'DELETE' })).status, 404);
});

test('no page lets scripts, frames or forms of others in', async () => {
  const policy = (await fetch(base)).headers.get('content-security-policy');
  for (const rule of ["default-src 'none'", "script-src 'self'", "frame-src 'none'", "form-action 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(rule), rule);
  }
});

test('markup takes text from people as text', () => {
  assert.equal(html`<p title="${'"><img>'}">${['<b>', html`<i>${'&'}</i>`]}${false}</p>`.toString(), '<p title="&quot;&gt;&lt;img&gt;">&lt;b&gt;<i>&amp;</i></p>');
});

test('names lose control characters and are one to twenty characters long', () => {
  assert.equal(parseName('  민수\u202e\n \u200b 님 '), '민수 님');
  assert.equal(parseName('🍶'.repeat(20)), '🍶'.repeat(20));
  for (const bad of ['', '   ', '\u200b', 'x'.repeat(21), null]) assert.equal(parseName(bad), undefined);
});

test('the same order opens one table', () => {
  const tables = new Tables();
  const row = { order: ORDER, slug: 'pine-soju', roomId: 'r', capacity: 4, host: '민수' };
  assert.equal(tables.open(row), tables.open(row));
  assert.notEqual(tables.open(row), tables.open({ ...row, order: ORDER.replace('1', '2') }));
});

test('a full shop forgets its oldest tables, never its newest', () => {
  const tables = new Tables();
  const ids = Array.from({ length: 1_100 }, (_, n) => tables.open({ order: `${n}`, slug: 's', roomId: 'r', capacity: 2, host: 'h' }).id);
  assert.equal(ids.filter((id) => tables.find(id)).length, 1_000);
  assert.ok(tables.find(ids.at(-1)));
  assert.equal(tables.find(ids[0]), undefined);
});

test('wrong configuration names the key, the value and what is allowed', () => {
  assert.throws(() => configFrom({ PORT: '70000' }), /PORT=70000: give a port between 0 and 65535/);
  assert.throws(() => configFrom({ ZZAN_URL: 'ftp://x' }), /ZZAN_URL=ftp:\/\/x: give an http or https URL/);
  assert.throws(() => configFrom({ ZZAN_KEY: 'mine' }), /ZZAN_SECRET is missing/);
});
