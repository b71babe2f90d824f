// Whatever people write stays what they wrote: two hundred texts that would be scripts, wherever a text of somebody's is shown, and the
// letters of the world as they are.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { createServer, enterServers, invite } from '../lib/community.mjs';
import { until } from '../lib/figures.mjs';
import { NAMES, PAYLOADS } from '../lib/payloads.mjs';
import { startServer } from '../lib/server.mjs';
import { Client } from '../lib/socket.mjs';

const WIDE = { width: 1280, height: 720 };

/** The server's limits. */
const ROLES = 90;
const CATEGORIES = 48;

let server;
let browser;
/** At the page, where all is shown. */
let reader;
/** The same person by socket: what it says needs no keyboard. */
let writer;
let id;
let channel;
let secret;
const dialogs = [];

before(async () => {
  assert.ok(PAYLOADS.length >= 200);
  server = await startServer({ env: { ZZAN_CHAT_INTERVAL_MS: '0', ZZAN_LIMITS_GUESTS_PER_MIN: '1000', ZZAN_LIMITS_EVENTS_PER_S: '10000' } });
  browser = await openChromium();
  const context = await visitor(browser, { viewport: WIDE });
  await context.addInitScript(countHits);
  reader = await enterServers(context, server, 'Reader');
  reader.page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  id = await createServer(reader, 'scripts');
  secret = (await invite(reader)).split('/').at(-1);
  const token = await reader.page.evaluate(() => JSON.parse(localStorage.getItem('zzan.guest')).token);
  writer = await Client.connect(server, { token });
  const { servers } = await writer.ask('server:list', {});
  channel = servers[0].channels.find(({ kind }) => kind === 'text').id;
});

after(async () => {
  writer?.close();
  await browser?.close();
  await server?.stop();
});

/** Runs in every page and frame before anything else: what a payload calls, and whatever the policy had to stop. */
function countHits() {
  const state = { hits: 0, stopped: [] };
  window.__scripts = state;
  const hit = () => void (state.hits += 1);
  Object.defineProperty(window, 'hit', { value: hit });
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => state.stopped.push(`${violatedDirective} ${blockedURI}`));
}

/** Nothing ran, nothing had to be stopped from running, nothing went anywhere. */
async function nothingRan() {
  // What would run when the browser comes to it.
  await reader.page.evaluate(() => new Promise((done) => setTimeout(done, 150)));
  assert.deepEqual(await reader.page.evaluate(() => window.__scripts), { hits: 0, stopped: [] });
  assert.deepEqual(dialogs, []);
  assert.equal(new URL(reader.page.url()).origin, server.url);
  const foreign = await reader.page.evaluate(() => document.querySelectorAll('#root script, #root iframe, #root object, #root embed, #root link, #root style, #root base, #root meta, #root form[action], #root img[src=x]').length);
  assert.equal(foreign, 0, 'no element came of a text');
}

const texts = (locator) => locator.evaluateAll((found) => found.map((one) => one.textContent));

async function send(text) {
  await writer.ask('chat:send', { channel, nonce: crypto.randomUUID(), text });
}

test('the counter of this file counts, and the page’s policy stops what would run', async () => {
  const page = await reader.page.context().newPage();
  await page.goto(server.url);
  await page.evaluate(() => {
    window.hit();
    document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="hit()">');
  });
  await until('the policy spoke', () => page.evaluate(() => window.__scripts.stopped.length), (count) => count > 0);
  assert.equal(await page.evaluate(() => window.__scripts.hits), 1);
  await page.close();
});

test('messages are shown as they were written', async () => {
  for (const text of PAYLOADS) await send(text);
  await until('all messages', () => reader.find('chat-message').count(), (count) => count === PAYLOADS.length, { within: 30_000 });
  assert.deepEqual(await texts(reader.find('chat-text')), PAYLOADS);
  await nothingRan();
});

test('so are answers, edits and what is written by hand', async () => {
  const [text] = PAYLOADS;
  await writer.ask('chat:send', { channel, nonce: 'reply', text: 'answer', reply_to: 1 });
  await reader.seeMessage('answer');
  assert.ok((await texts(reader.find('chat-quote'))).some((quote) => quote.includes(text)));
  await writer.ask('chat:edit', { channel, seq: 2, text: `edited ${text}` });
  await until('the edit', async () => (await texts(reader.find('chat-text')))[1], (shown) => shown === `edited ${text}`);
  await reader.say(`by hand ${text}`);
  await until('one’s own', async () => (await texts(reader.find('chat-text'))).at(-1), (shown) => shown === `by hand ${text}`);
  await nothingRan();
});

test('names of channels and categories', async () => {
  for (const name of NAMES) await writer.ask('channel:create', { server: id, name });
  for (const name of NAMES.slice(0, CATEGORIES)) await writer.ask('category:create', { server: id, name });
  const names = reader.find('channel').locator('.channel-name');
  await until('all channels', () => names.count(), (count) => count === NAMES.length + 2, { within: 30_000 });
  const shown = new Set(await texts(names));
  assert.deepEqual(NAMES.filter((name) => !shown.has(name)), []);
  const categories = new Set(await texts(reader.find('category').locator('h3')));
  assert.deepEqual(NAMES.slice(0, CATEGORIES).filter((name) => !categories.has(name)), []);
  const last = reader.find('channel').filter({ has: reader.page.locator('.channel-name').getByText(NAMES[0], { exact: true }) }).first();
  await last.getByTestId('text-channel').click();
  await reader.page.locator('.channel-head h1').getByText(NAMES[0], { exact: true }).waitFor();
  await nothingRan();
});

test('names of servers, in the list, the title and the invitation', async () => {
  for (const name of NAMES) {
    await writer.ask('server:update', { server: id, name });
    await until(`the server is called ${name}`, () => reader.find('server-name').textContent(), (shown) => shown === name, { every: 5 });
  }
  assert.ok((await reader.page.title()).includes(NAMES.at(-1)));
  await nothingRan();
  const page = await reader.page.context().newPage();
  for (const name of NAMES.slice(0, 30)) {
    await writer.ask('server:update', { server: id, name });
    await page.goto(`${server.url}/i/${secret}`);
    const heading = page.getByTestId('invitation-name');
    await heading.waitFor();
    assert.equal(await heading.textContent(), `Join ${name}`);
    assert.deepEqual(await page.evaluate(() => window.__scripts), { hits: 0, stopped: [] });
  }
  await page.close();
});

test('nicknames', async () => {
  const { members } = await writer.ask('member:list', { server: id });
  const row = reader.find('member').locator('.member-name');
  for (const nickname of NAMES) {
    await writer.ask('member:update', { server: id, user: members[0].user.id, nickname });
    await until(`the nickname is ${nickname}`, () => row.first().textContent(), (shown) => shown === nickname, { every: 5 });
  }
  assert.equal(await reader.page.locator('.status-name').textContent(), NAMES.at(-1));
  await nothingRan();
});

test('names of people, who come, write and are in a call', async () => {
  const { servers } = await writer.ask('server:list', {});
  const voice = servers[0].channels.find(({ kind }) => kind === 'voice').id;
  await writer.ask('channel:update', { server: id, channel: voice, capacity: 50 });
  const names = NAMES.filter((_, n) => n % 9 === 0);
  await reader.goto(`/s/${id}/${channel}`);
  await reader.see('channel-view');
  const people = [];
  for (const name of names) {
    const person = await Client.connect(server, { name });
    await person.ask('invite:accept', { secret });
    await person.ask('chat:send', { channel, nonce: 'n', text: 'hello' });
    await person.join((await person.ask('channel:open', { channel: voice })).room);
    people.push(person);
  }
  await until('all members', () => reader.find('member').count(), (count) => count === names.length + 1);
  for (const [where, locator] of [
    ['members', reader.find('member').locator('.member-name')],
    ['authors', reader.find('chat-message').locator('.line-author')],
    ['the call', reader.find('voice-people').locator('.person-text')],
  ]) {
    const shown = new Set(await texts(locator));
    assert.deepEqual(names.filter((name) => !shown.has(name)), [], where);
  }
  await nothingRan();
  for (const person of people) person.close();
});

test('names of roles', async () => {
  const names = NAMES.slice(-ROLES);
  for (const name of names) await writer.ask('role:create', { server: id, name, permissions: [], rank: 1 });
  await reader.find('server-menu').click();
  await (await reader.see('menu-roles')).click();
  await until('all roles', () => reader.find('role').count(), (count) => count === names.length + 4);
  const shown = new Set(await texts(reader.find('role').locator('.row-text')));
  assert.deepEqual(names.filter((name) => !shown.has(name)), []);
  await nothingRan();
  await reader.page.keyboard.press('Escape');
});

test('titles and descriptions of the calendar', async () => {
  const starts_at = new Date().toISOString();
  for (const [n, description] of PAYLOADS.entries()) await writer.ask('schedule:create', { server: id, title: NAMES[n % NAMES.length], description, starts_at });
  await (await reader.see('open-calendar')).click();
  await until('all entries', () => reader.find('schedule').count(), (count) => count === PAYLOADS.length);
  const titles = new Set(await texts(reader.find('schedule-title')));
  assert.deepEqual(NAMES.filter((title) => !titles.has(title)), []);
  const descriptions = new Set(await texts(reader.find('schedule-description')));
  assert.deepEqual(PAYLOADS.filter((text) => !descriptions.has(text)), []);
  await nothingRan();
  await reader.page.keyboard.press('Escape');
});

test('Korean, emoji, combining and right-to-left letters stay what they are', async () => {
  const written = [
    '다 같이 건배! ㅋㅋㅋ ㅠㅠ',
    '\u1112\u1161\u11ab\u1100\u1173\u11af',
    '👩‍👩‍👧‍👦🏳️‍🌈👨🏽‍🚀🇰🇷',
    'e\u0301 a\u0308\u0304 q\u0307\u0323 Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢',
    'مرحبا بالعالم 123 שלום',
    '\u2067שלום\u2069 then left to right',
    '𝓀𝑜𝓇𝑒𝒶 𠜎 🀄',
    'line one\nline two\n\tindented',
  ];
  for (const text of written) await send(text);
  await until('all of them', async () => (await texts(reader.find('chat-text'))).slice(-written.length), (shown) => JSON.stringify(shown) === JSON.stringify(written));
});

test('texts count by characters as people count them on the wire: code points', async () => {
  const input = await reader.see('chat-input');
  await input.fill('🍻'.repeat(4_001));
  assert.ok(await reader.find('chat-send').isDisabled());
  await input.fill('🍻'.repeat(4_000));
  await input.press('Enter');
  await until('it is there', async () => [...(await texts(reader.find('chat-text'))).at(-1)].length, (length) => length === 4_000);
  await reader.find('server-menu').click();
  await (await reader.see('menu-create-channel')).click();
  const name = await reader.see('channel-name-input');
  await name.fill('🍻'.repeat(65));
  assert.ok(await reader.find('channel-dialog-submit').isDisabled());
  await name.fill('🍻'.repeat(64));
  await reader.find('channel-dialog-submit').click();
  await reader.find('channel-dialog').waitFor({ state: 'detached' });
  await until('the channel', async () => (await texts(reader.find('channel').locator('.channel-name'))).includes('🍻'.repeat(64)));
});

test('the Enter that ends a Hangul composition sends nothing, the next one sends once', async () => {
  const input = await reader.see('chat-input');
  await input.click();
  const before = await reader.find('chat-message').count();
  const devtools = await reader.page.context().newCDPSession(reader.page);
  for (const text of ['ㅎ', '하', '한', '한ㅈ', '한잔']) await devtools.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  // What an input method leaves of the Enter that commits a composition: a key of code 229, sent while composing.
  const enter = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 229 };
  await devtools.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...enter });
  await devtools.send('Input.dispatchKeyEvent', { type: 'keyUp', ...enter });
  await devtools.send('Input.insertText', { text: '한잔' });
  assert.equal(await input.inputValue(), '한잔');
  assert.equal(await reader.find('chat-message').count(), before);
  await input.press('Enter');
  await until('it is sent', async () => (await texts(reader.find('chat-text'))).at(-1), (text) => text === '한잔');
  const { messages } = await writer.ask('chat:history', { channel, limit: 5 });
  assert.equal(messages.filter(({ text }) => text === '한잔').length, 1);
});
