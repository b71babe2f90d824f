// Whatever people write stays what they wrote: two hundred texts that would be scripts, wherever a text of somebody's is shown, and the
// letters of the world as they are.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { createServer, enterServers, invite } from '../lib/community.mjs';
import { until } from '../lib/figures.mjs';
import { NAMES, PAYLOADS } from '../lib/payloads.mjs';
import { rest, startServer } from '../lib/server.mjs';
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
  server = await startServer({ env: { ZZAN_CHAT_INTERVAL_MS: '0', ZZAN_LIMITS_GUESTS_PER_MIN: '1000', ZZAN_LIMITS_EVENTS_PER_S: '10000', ZZAN_LIMITS_REST_PER_S: '10000' } });
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

test('so is what is quoted above an answer', async () => {
  const written = PAYLOADS.map((text, n) => (n === 1 ? `edited ${PAYLOADS[0]}` : text));
  for (const n of written.keys()) await writer.ask('chat:send', { channel, nonce: `quote ${n}`, text: `quoted ${n}`, reply_to: n + 1 });
  const quotes = () => texts(reader.find('chat-message').filter({ has: reader.page.getByTestId('chat-text').filter({ hasText: /^quoted \d+$/ }) }).getByTestId('chat-quote').locator('span'));
  await until('all quotes', quotes, (shown) => JSON.stringify(shown) === JSON.stringify(written), { within: 30_000 });
  await nothingRan();
});

test('so is what a search finds, whatever is searched for', async () => {
  await reader.find('search-input').fill('hit');
  await reader.find('search-input').press('Enter');
  await reader.find('found').first().waitFor();
  for (;;) {
    const count = await reader.find('found').count();
    if ((await reader.find('search-more').count()) === 0) break;
    await reader.find('search-more').click();
    await until('more results', () => reader.find('found').count(), (now) => now > count);
  }
  const shown = new Set(await texts(reader.find('found-text')));
  assert.deepEqual(PAYLOADS.filter((text, n) => n !== 1 && text.toLowerCase().includes('hit') && !shown.has(text)), []);
  await nothingRan();
  for (const text of PAYLOADS.filter((_, n) => n % 12 === 0)) {
    await reader.find('search-input').fill(text);
    await reader.find('search-input').press('Enter');
    await until('an end', async () => (await reader.find('found').count()) + (await reader.find('search-problem').count()), (count) => count > 0);
  }
  await nothingRan();
  await reader.find('search-clear').click();
});

test('so are names of files, shown as links and as pictures that don’t come', async () => {
  const names = NAMES.filter((name) => !/[/\\]/.test(name));
  assert.ok(names.length >= 40, String(names.length));
  for (const [n, mime] of ['text/html', 'image/png'].entries()) {
    for (let from = 0; from < names.length; from += 10) {
      const attachments = names.slice(from, from + 10).map((name) => ({ url: `https://127.0.0.1:9/${from}`, name, mime, size_bytes: 1 }));
      await writer.ask('chat:send', { channel, nonce: `files ${n} ${from}`, text: '', attachments });
    }
    const times = n + 1;
    await until('all files', async () => {
      // A picture is fetched when it is near.
      await reader.page.evaluate(async () => {
        for (const one of document.querySelectorAll('[data-testid="picture"]')) {
          one.scrollIntoView();
          await new Promise(requestAnimationFrame);
        }
      });
      return (await texts(reader.find('file-name'))).length;
    }, (count) => count === names.length * times, { within: 30_000 });
    const shown = await texts(reader.find('file-name'));
    assert.deepEqual(names.filter((name) => shown.filter((one) => one === name).length < times), [], mime);
  }
  await nothingRan();
  await reader.page.reload();
  await reader.see('channel-view');
});

test('names of channels and categories', async () => {
  for (const name of NAMES) await writer.ask('channel:create', { server: id, name });
  for (const name of NAMES.slice(0, CATEGORIES)) await writer.ask('category:create', { server: id, name });
  const names = reader.find('channel').locator('.channel-name');
  await until('all channels', () => names.count(), (count) => count === NAMES.length + 2, { within: 30_000 });
  await until('all categories', () => reader.find('category').count(), (count) => count === CATEGORIES + 2, { within: 30_000 });
  const shown = new Set(await texts(names));
  assert.deepEqual(NAMES.filter((name) => !shown.has(name)), []);
  await until('all categories', () => reader.find('category').count(), (count) => count === CATEGORIES + 2);
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
  const { members } = await writer.ask('member:list', { server: id });
  const idOf = (name) => members.find(({ user }) => user.name === name).user.id;
  await send(names.map((name) => `<@${idOf(name)}>`).join(' '));
  const mentions = () => texts(reader.find('chat-message').last().getByTestId('mention'));
  await until('who is mentioned', mentions, (shown) => JSON.stringify(shown) === JSON.stringify(names.map((name) => `@${name}`)));
  const [odd] = names.filter((name) => /^<\S+ /.test(name));
  await reader.find('chat-input').click();
  await reader.page.keyboard.type(`@${odd.split(' ')[0]}`);
  await reader.find('mention-option').filter({ has: reader.page.getByText(odd, { exact: true }) }).click();
  assert.equal(await reader.find('chat-input').inputValue(), `@${odd} `);
  await reader.page.keyboard.press('Enter');
  await until('a name by hand', mentions, (shown) => shown.length === 1 && shown[0] === `@${odd}`);
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
  const { servers } = await writer.ask('server:list', {});
  const roles = servers[0].roles.filter(({ kind }) => kind === 'custom').slice(0, 40);
  await send(roles.map((role) => `<@&${role.id}>`).join(' '));
  await until('roles are mentioned', () => texts(reader.find('chat-message').last().getByTestId('mention')), (now) => JSON.stringify(now) === JSON.stringify(roles.map(({ name }) => `@${name}`)));
  await nothingRan();
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

test('notifications: what backends send, and who invites where', async () => {
  const user = (await reader.page.evaluate(() => JSON.parse(localStorage.getItem('zzan.guest')))).user.id;
  const notify = (body) => rest(server, 'POST', '/v1/notifications', { user, ...body });
  for (const url of ['javascript:hit()', 'data:text/html,<script>hit()</script>', '//evil.example/x', 'http://evil.example/']) await assert.rejects(notify({ title: 'x', url }), /422/);
  const told = PAYLOADS.map((body, n) => ({ title: NAMES[n % NAMES.length], body, url: `https://example.com/#${encodeURIComponent(body)}` }));
  for (const one of told) await notify(one);
  const person = await Client.connect(server, { name: NAMES[0] });
  const room = await person.createRoom({ name: NAMES[1] });
  await person.join(room.id);
  await person.ask('room:invite', { room: room.id, user });
  const { server: other } = await person.ask('server:create', { name: NAMES[2], nonce: 'other' });
  await person.ask('invite:user', { server: other.info.id, user });
  await until('alerts', () => reader.find('alert').count(), (count) => count > 0);
  await reader.find('bell').click();
  const entries = reader.find('inbox-entry');
  await until('all of them', async () => {
    const more = reader.find('inbox-more');
    if ((await more.count()) > 0) await more.click();
    return entries.count();
  }, (count) => count === PAYLOADS.length + 2);
  const bodies = new Set(await texts(reader.page.locator('.inbox-body')));
  assert.deepEqual(PAYLOADS.filter((body) => !bodies.has(body)), []);
  const titles = await texts(reader.page.locator('.inbox-title'));
  assert.deepEqual(told.filter(({ title }) => !titles.includes(title)), []);
  assert.ok(titles.includes(`${NAMES[0]} invites you into the room ${NAMES[1]}`) && titles.includes(`${NAMES[0]} invites you to ${NAMES[2]}`), titles.slice(0, 2).join());
  const schemes = await reader.find('inbox-link').evaluateAll((links) => [...new Set(links.map((link) => new URL(link.href).origin))]);
  assert.deepEqual(schemes.sort(), ['https://example.com', server.url].sort());
  await reader.page.keyboard.press('Escape');
  await reader.find('alert-dismiss').first().waitFor({ state: 'detached', timeout: 30_000 });
  await nothingRan();
  person.close();
});

test('what a backend tells of a channel', async () => {
  await reader.goto(`/s/${id}/${channel}`);
  for (const [n, text] of PAYLOADS.entries()) {
    if (n % 4 !== 0) continue;
    const name = NAMES[n % NAMES.length];
    await rest(server, 'PATCH', `/v1/channels/${channel}`, { metadata: { title: text, state: text, price: name, currency: text, url: text, image_url: text, [name]: text, list: [text, name] } });
    await until(`the title is ${text}`, () => reader.find('subject-title').textContent().catch(() => ''), (shown) => shown === text, { every: 5 });
    assert.equal(await reader.find('subject-state').textContent(), text);
    const schemes = await reader.page.locator('.subject img, .subject a').evaluateAll((found) => found.map((one) => new URL(one.src ?? one.href).protocol));
    assert.ok(schemes.every((scheme) => scheme === 'https:'), schemes.join());
    const facts = await texts(reader.find('subject-fact'));
    assert.ok(facts.includes(`${name}${text}`) && facts.includes(`list${text}, ${name}`), facts.join());
  }
  await nothingRan();
  await rest(server, 'PATCH', `/v1/channels/${channel}`, { metadata: null });
  await reader.find('subject').waitFor({ state: 'detached' });
});

test('meeting notes: their names, and what was said in them', async () => {
  const { servers } = await writer.ask('server:list', {});
  const voice = servers.find(({ info }) => info.id === id).channels.find(({ kind }) => kind === 'voice').id;
  await reader.goto(`/s/${id}/${voice}`);
  await (await reader.see('channel-notes')).click();
  await reader.see('note-start');
  const start = async (name) => (await writer.ask('note:start', { channel: voice, name })).note.id;
  const names = NAMES.slice(0, 20);
  for (const name of names) {
    const note = await start(name);
    await until(`the note is called ${name}`, () => reader.find('note-title').textContent().catch(() => ''), (shown) => shown === name, { every: 5 });
    await writer.ask('note:end', { channel: voice, note });
  }
  const note = await start('all of them');
  for (const text of PAYLOADS) await writer.ask('note:append', { channel: voice, note, nonce: crypto.randomUUID(), text });
  await until('all lines', () => reader.find('note-text').count(), (count) => count === PAYLOADS.length, { within: 30_000 });
  assert.deepEqual(await texts(reader.find('note-text')), PAYLOADS);
  await nothingRan();
  await writer.ask('note:end', { channel: voice, note });
  await reader.find('note').first().waitFor();
  const listed = new Set(await texts(reader.find('note').locator('strong')));
  assert.deepEqual(names.filter((name) => !listed.has(name)), []);
  await reader.find('note').first().click();
  await until('all lines again', () => reader.find('note-text').count(), (count) => count === PAYLOADS.length);
  assert.deepEqual(await texts(reader.find('note-text')), PAYLOADS);
  for (const format of ['markdown', 'text']) {
    const [download] = await Promise.all([reader.page.waitForEvent('download'), reader.find(`note-save-${format}`).click()]);
    await download.delete();
  }
  await nothingRan();
  await reader.page.keyboard.press('Escape');
  await reader.goto(`/s/${id}/${channel}`);
  await reader.see('channel-view');
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
