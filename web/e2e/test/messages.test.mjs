// What messages have beside their text: mentions, answers, reactions, pins, files; who is typing, search, and where a channel opens.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { startBucket } from '../lib/bucket.mjs';
import { accept, channelRow, createChannel, createServer, enterServers, invite, untilUnread } from '../lib/community.mjs';
import { sleep, until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';
import { Client } from '../lib/socket.mjs';

const WIDE = { width: 1280, height: 720 };
const MAX_BYTES = 64 * 1024;

let bucket;
let server;
let browser;
let owner;
let guest;
/** The owner by socket: what it says needs no keyboard. */
let writer;
let id;
let path;
/** The first text channel. */
let general;

before(async () => {
  bucket = await startBucket({ maxBytes: MAX_BYTES });
  server = await startServer({ env: { ZZAN_CHAT_INTERVAL_MS: '0', ZZAN_LIMITS_EVENTS_PER_S: '10000', ZZAN_LIMITS_GUESTS_PER_MIN: '1000', ...bucket.env } });
  browser = await openChromium();
  owner = await enterServers(await visitor(browser, { viewport: WIDE }), server, 'Owner');
  guest = await enterServers(await visitor(browser, { viewport: WIDE, locale: 'ko-KR' }), server, '손님');
  id = await createServer(owner, '술친구');
  path = await invite(owner);
  await accept(guest, path);
  await until('both members', () => owner.find('member').count(), (count) => count === 2);
  writer = await Client.connect(server, { token: await tokenOf(owner) });
  general = await channelOf('general');
});

after(async () => {
  writer?.close();
  await browser?.close();
  await server?.stop();
  await bucket?.stop();
});

/** A token of the person at a page, for a socket of theirs. */
function tokenOf(visit) {
  return visit.page.evaluate(() => JSON.parse(localStorage.getItem('zzan.guest')).token);
}

async function channelOf(name) {
  const { servers } = await writer.ask('server:list', {});
  return servers.find(({ info }) => info.id === id).channels.find((channel) => channel.name === name).id;
}

const openChannel = (visit, name) => channelRow(visit, name).getByTestId('text-channel').click();
const line = (visit, text) => visit.find('chat-message').filter({ has: visit.page.getByTestId('chat-text').filter({ hasText: text }) }).first();
const lineOf = (visit, seq) => visit.find('chat-message').and(visit.page.locator(`[data-seq="${seq}"]`));
const say = async (text, channel = general, more = {}) => (await writer.ask('chat:send', { channel, nonce: crypto.randomUUID(), text, ...more })).message;
const focused = (visit) => visit.page.evaluate(() => document.activeElement?.getAttribute('data-testid'));

/** Opens the menu of a message, and takes one of its actions. */
async function act(visit, target, action) {
  await target.hover();
  await target.getByTestId('chat-actions').click();
  await target.getByTestId(action).click();
}

/** Whether a line stands in the box of messages, whole. */
function isInSight(visit, target) {
  return target.evaluate((element) => {
    const box = element.closest('[data-testid="chat-log"]').getBoundingClientRect();
    const { top, bottom } = element.getBoundingClientRect();
    return top >= box.top - 1 && bottom <= box.bottom + 1;
  });
}

const untilInSight = (visit, target, what = 'it is in sight') => until(what, async () => (await target.count()) === 1 && isInSight(visit, target), Boolean);

// Mentions

test('an @ opens a list of names, arrows and Enter pick one, and the message mentions it', async () => {
  await (await guest.see('chat-input')).click();
  await owner.find('chat-input').click();
  await owner.page.keyboard.type('hello @');
  const input = owner.find('chat-input');
  await owner.find('mention-list').waitFor();
  assert.equal(await input.getAttribute('aria-haspopup'), 'listbox');
  const list = await owner.find('mention-list').getAttribute('id');
  assert.equal(await input.getAttribute('aria-controls'), list);
  const options = await owner.find('mention-option').locator('.mention-name').allInnerTexts();
  assert.deepEqual(options.slice(0, 2), ['손님', 'everyone'], 'members first, nobody oneself, then everyone and roles');
  assert.ok(options.includes('Moderator'), options.join());
  const active = () => owner.page.locator('[role="option"][aria-selected="true"]');
  const first = await active().getAttribute('id');
  assert.equal(await input.getAttribute('aria-activedescendant'), first);
  await owner.page.keyboard.press('ArrowDown');
  assert.notEqual(await active().getAttribute('id'), first);
  await owner.page.keyboard.press('ArrowUp');
  await owner.page.keyboard.press('Enter');
  await owner.find('mention-list').waitFor({ state: 'detached' });
  assert.equal(await input.inputValue(), 'hello @손님 ');
  assert.equal(await owner.find('chat-message').count(), 0, 'the Enter was for the list');
  await owner.page.keyboard.type('welcome');
  await owner.page.keyboard.press('Enter');
  await guest.seeMessage('welcome');
  const chip = line(guest, 'welcome').getByTestId('mention');
  assert.equal(await chip.innerText(), '@손님');
  assert.match(await chip.getAttribute('class'), /\bme\b/);
  assert.match(await line(guest, 'welcome').getAttribute('class'), /\bmeant\b/);
  assert.doesNotMatch(await line(owner, 'welcome').getByTestId('mention').getAttribute('class'), /\bme\b/);
  assert.equal(await line(owner, 'welcome').getByTestId('chat-text').innerText(), 'hello @손님 welcome');
});

test('Escape closes the list and nothing else, Tab and the pointer pick too', async () => {
  const input = owner.find('chat-input');
  await input.fill('');
  await owner.page.keyboard.type('@');
  await owner.find('mention-list').waitFor();
  await owner.page.keyboard.press('Escape');
  await owner.find('mention-list').waitFor({ state: 'detached' });
  assert.equal(await input.inputValue(), '@');
  await owner.page.keyboard.type('손');
  assert.equal(await owner.find('mention-list').count(), 0, 'it stays closed for this word');
  await input.fill('');
  await owner.page.keyboard.type('@손');
  await owner.find('mention-list').waitFor();
  await owner.page.keyboard.press('Tab');
  assert.equal(await input.inputValue(), '@손님 ');
  assert.equal(await focused(owner), 'chat-input');
  await owner.page.keyboard.type('@every');
  await owner.find('mention-option').click();
  assert.equal(await input.inputValue(), '@손님 @everyone ');
  await owner.page.keyboard.type('now');
  await owner.page.keyboard.press('Enter');
  await guest.seeMessage('now');
  assert.deepEqual(await line(guest, 'now').getByTestId('mention').allInnerTexts(), ['@손님', '@모두']);
  const { messages } = await writer.ask('chat:history', { channel: general, limit: 1 });
  assert.deepEqual(messages[0].mentions.map(({ kind }) => kind), ['user', 'everyone']);
});

test('a name that is written out mentions as one that is picked', async () => {
  await owner.say('spelled out: @손님, @everyone!');
  await guest.seeMessage('spelled out');
  assert.deepEqual(await line(guest, 'spelled out').getByTestId('mention').allInnerTexts(), ['@손님', '@모두']);
  await guest.say('spelled by a guest: @everyone!');
  await owner.seeMessage('spelled by a guest');
  assert.equal(await line(owner, 'spelled by a guest').getByTestId('mention').count(), 0, 'who may not mention everyone mentions nobody');
});

test('who may not mention everyone is offered neither roles nor everyone', async () => {
  const input = guest.find('chat-input');
  await input.click();
  await guest.page.keyboard.type('@');
  await guest.find('mention-list').waitFor();
  assert.deepEqual(await guest.find('mention-option').locator('.mention-name').allInnerTexts(), ['Owner']);
  await input.fill('');
});

test('a name that is composed in Hangul narrows the list, and the Enter that ends the composition neither picks nor sends', async () => {
  const input = owner.find('chat-input');
  await input.fill('');
  await input.click();
  await owner.page.keyboard.type('@');
  await owner.find('mention-list').waitFor();
  const before = await owner.find('chat-message').count();
  const devtools = await owner.page.context().newCDPSession(owner.page);
  for (const text of ['ㅅ', '소', '손']) await devtools.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  await until('the list is narrower', () => owner.find('mention-option').count(), (count) => count === 1);
  const enter = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 229 };
  await devtools.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...enter });
  await devtools.send('Input.dispatchKeyEvent', { type: 'keyUp', ...enter });
  await devtools.send('Input.insertText', { text: '손' });
  assert.equal(await input.inputValue(), '@손');
  assert.equal(await owner.find('mention-option').count(), 1, 'it is still open');
  assert.equal(await owner.find('chat-message').count(), before);
  await owner.page.keyboard.press('Enter');
  assert.equal(await input.inputValue(), '@손님 ');
  await owner.page.keyboard.type('짠');
  await owner.page.keyboard.press('Enter');
  await guest.seeMessage('@손님 짠');
  assert.equal(await owner.find('chat-message').count(), before + 1);
});

test('a mention is edited as a name, and follows when the name changes', async () => {
  await act(owner, line(owner, '짠'), 'chat-edit');
  const editor = await owner.see('chat-edit-input');
  assert.equal(await editor.inputValue(), '@손님 짠');
  await editor.press('End');
  await owner.page.keyboard.type('!!');
  await owner.page.keyboard.press('Enter');
  await guest.seeMessage('@손님 짠!!');
  const { members } = await writer.ask('member:list', { server: id });
  const { user } = members.find((member) => member.user.name === '손님');
  await writer.ask('member:update', { server: id, user: user.id, nickname: '단골' });
  for (const visit of [owner, guest]) await line(visit, '@단골 짠!!').waitFor();
  await writer.ask('member:update', { server: id, user: user.id, nickname: null });
  await line(owner, '@손님 짠!!').waitFor();
});

test('a role is mentioned by who may, and stands out for who has it', async () => {
  const { role } = await writer.ask('role:create', { server: id, name: '바텐더', permissions: [], rank: 1 });
  const { members } = await writer.ask('member:list', { server: id });
  const { user, roles } = members.find((member) => member.user.name === '손님');
  await writer.ask('member:update', { server: id, user: user.id, roles: [...roles, role.id] });
  const input = owner.find('chat-input');
  await input.click();
  await owner.page.keyboard.type('@바텐');
  await owner.find('mention-option').filter({ hasText: '바텐더' }).click();
  await owner.page.keyboard.type('한 잔!');
  await owner.page.keyboard.press('Enter');
  await guest.seeMessage('한 잔!');
  const chip = line(guest, '한 잔!').getByTestId('mention');
  assert.equal(await chip.innerText(), '@바텐더');
  await until('it is one’s own', () => chip.getAttribute('class'), (names) => /\bme\b/.test(names));
});

// Answers, reactions, pins, typing

test('a reaction comes and goes by a click, with its count and who it was', async () => {
  const message = await say('react to this');
  for (const visit of [owner, guest]) await visit.seeMessage('react to this');
  await lineOf(guest, message.seq).hover();
  await lineOf(guest, message.seq).getByTestId('chat-react').click();
  await (await guest.see('emoji-picker')).getByTestId('emoji').filter({ hasText: '🍻' }).click();
  await guest.find('emoji-picker').waitFor({ state: 'detached' });
  const chip = (visit) => lineOf(visit, message.seq).getByTestId('reaction').filter({ hasText: '🍻' });
  await chip(owner).waitFor();
  assert.equal(await chip(owner).getAttribute('aria-pressed'), 'false');
  assert.equal(await chip(owner).getAttribute('title'), '손님');
  assert.equal(await chip(guest).getAttribute('aria-pressed'), 'true');
  await chip(owner).click();
  await until('two', () => chip(guest).innerText(), (text) => text.includes('2'));
  assert.equal(await chip(guest).getAttribute('title'), '나, Owner');
  await chip(guest).click();
  await until('one', () => chip(owner).innerText(), (text) => text.includes('1'));
  await chip(owner).click();
  for (const visit of [owner, guest]) await chip(visit).waitFor({ state: 'detached' });
});

test('the board of emoji is used by keys, and closes by Escape', async () => {
  const target = line(owner, 'react to this');
  await target.hover();
  await target.getByTestId('chat-react').click();
  await owner.find('emoji-picker').waitFor();
  await owner.page.keyboard.press('Escape');
  await owner.find('emoji-picker').waitFor({ state: 'detached' });
  assert.equal(await focused(owner), 'chat-react');
  await owner.page.keyboard.press('Enter');
  await owner.find('emoji-picker').waitFor();
  await owner.page.keyboard.press('ArrowRight');
  await owner.page.keyboard.press('ArrowDown');
  await owner.page.keyboard.press('Enter');
  await until('a reaction', () => line(guest, 'react to this').getByTestId('reaction').count(), (count) => count === 1);
});

test('who moderates pins a message; everyone finds it among the pins and goes there', async () => {
  const message = await say('pin this');
  await owner.seeMessage('pin this');
  await act(owner, lineOf(owner, message.seq), 'chat-pin');
  for (const visit of [owner, guest]) await lineOf(visit, message.seq).getByTestId('chat-pinned').waitFor();
  await lineOf(guest, message.seq).hover();
  await lineOf(guest, message.seq).getByTestId('chat-actions').click();
  assert.equal(await lineOf(guest, message.seq).getByTestId('chat-pin').count(), 0);
  await guest.page.keyboard.press('Escape');
  for (let n = 1; n <= 20; n += 1) await say(`after the pin ${n}`);
  await guest.seeMessage('after the pin 20');
  await guest.find('open-pins').click();
  await guest.find('pinned').filter({ hasText: 'pin this' }).waitFor();
  assert.equal(await guest.find('unpin').count(), 0);
  await guest.find('pinned-open').click();
  await untilInSight(guest, lineOf(guest, message.seq));
  await guest.find('pins-close').click();
  assert.equal(await focused(guest), 'open-pins');
  await owner.find('open-pins').click();
  await owner.find('unpin').click();
  await owner.find('pinned').waitFor({ state: 'detached' });
  await lineOf(guest, message.seq).getByTestId('chat-pinned').waitFor({ state: 'detached' });
  await owner.find('pins-close').click();
});

test('who is typing is told, one, two and several, until they send', async () => {
  const others = [];
  for (const name of ['Kim', 'Lee', 'Park']) {
    const other = await Client.connect(server, { name });
    await other.ask('invite:accept', { secret: path.split('/').at(-1) });
    others.push(other);
  }
  const shown = () => guest.find('typing').innerText();
  const said = (text) => until(text || 'nobody', shown, (now) => now.trim() === text);
  // It may be left out; clients tell it every three seconds.
  const typed = (who, what, passes) => until(what, async () => {
    for (const other of who) await other.ask('chat:typing', { channel: general });
    await sleep(250);
    return shown();
  }, passes);
  await typed([others[0]], 'one', (text) => text === 'Kim님이 입력하고 있어요…');
  await typed([others[0], others[1]], 'two', (text) => text.includes('Kim') && text.includes('Lee'));
  await typed(others, 'several', (text) => text === '여러 명이 입력하고 있어요…');
  for (const [n, other] of others.entries()) await other.ask('chat:send', { channel: general, nonce: `typed${n}`, text: `typed ${n}` });
  await said('');
  await owner.find('chat-input').click();
  await until('the owner', async () => {
    await owner.page.keyboard.type('w');
    await sleep(300);
    return shown();
  }, (text) => text === 'Owner님이 입력하고 있어요…');
  await owner.find('chat-input').fill('');
  await said('');
  for (const other of others) other.close();
});

// Where a channel opens

test('a channel with many unread messages opens at the first of them, and scrolls on to the end without a jump', async () => {
  await createChannel(owner, 'long');
  await createChannel(owner, 'elsewhere');
  const channel = await channelOf('long');
  await openChannel(guest, 'long');
  for (let n = 1; n <= 30; n += 1) await say(`old ${n}`, channel);
  await guest.seeMessage('old 30');
  await untilUnread(guest, 'long', 0);
  await openChannel(guest, 'elsewhere');
  await openChannel(owner, 'elsewhere');
  for (let n = 31; n <= 260; n += 1) await say(`line ${n} ${'다 같이 짠 '.repeat(n % 17)}`, channel);
  await untilUnread(guest, 'long', 230);
  // Whatever was at hand is forgotten: it is opened from the server's history.
  await guest.page.reload();
  await guest.see('channel-view');
  await untilUnread(guest, 'long', 230);
  await openChannel(guest, 'long');
  await untilInSight(guest, lineOf(guest, 31), 'the first unread one');
  const divider = guest.find('chat-divider');
  assert.ok(await isInSight(guest, divider));
  assert.equal(await divider.evaluate((element) => element.nextElementSibling.dataset.seq), '31');
  await untilInSight(guest, lineOf(guest, 30), 'what was read last');
  await untilUnread(guest, 'long', 230);
  assert.match(await (await guest.see('chat-to-end')).innerText(), /230/);

  await guest.page.evaluate(watchJumps);
  const box = await guest.find('chat-log').boundingBox();
  await guest.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await until('the last message', async () => {
    await guest.page.mouse.wheel(0, 700);
    await sleep(60);
    return lineOf(guest, 260).count();
  }, (count) => count === 1, { within: 60_000 });
  await until('the end', async () => {
    await guest.page.mouse.wheel(0, 700);
    await sleep(60);
    return guest.find('chat-to-end').count();
  }, (count) => count === 0, { within: 30_000 });
  await untilUnread(guest, 'long', 0);
  await until('the first message', async () => {
    await guest.page.mouse.wheel(0, -900);
    await sleep(60);
    return lineOf(guest, 1).count();
  }, (count) => count === 1, { within: 60_000 });
  const { loads, worst } = await guest.page.evaluate(() => window.__jumps);
  assert.ok(loads >= 3, `pages were fetched: ${loads}`);
  assert.ok(worst <= 1, `what stood in sight moved by ${worst} px when other messages came`);
  const seqs = await guest.find('chat-message').evaluateAll((lines) => lines.map(({ dataset }) => Number(dataset.seq)));
  assert.deepEqual(seqs, Array.from({ length: 260 }, (_, n) => n + 1));
});

/** Runs in the page: measures, whenever messages are put in at an end, how far the first visible message is from where it was. */
function watchJumps() {
  const box = document.querySelector('[data-testid="chat-log"]');
  const top = (one) => one.getBoundingClientRect().top - box.getBoundingClientRect().top;
  const lines = () => [...box.querySelectorAll('[data-seq]')];
  const ends = () => `${lines()[0].dataset.seq} ${lines().at(-1).dataset.seq}`;
  const state = { loads: 0, worst: 0 };
  window.__jumps = state;
  let seen;
  const note = () => {
    const visible = lines().find((one) => one.getBoundingClientRect().bottom > box.getBoundingClientRect().top);
    seen = { visible, top: top(visible), ends: ends() };
    requestAnimationFrame(note);
  };
  note();
  new MutationObserver(() => {
    if (!seen || ends() === seen.ends) return;
    state.loads += 1;
    state.worst = Math.max(state.worst, Math.abs(top(seen.visible) - seen.top));
    seen.ends = ends();
  }).observe(box, { childList: true, subtree: true });
}

test('a quote shows what is answered also when that isn’t here, and leads there and back to the end', async () => {
  const channel = await channelOf('long');
  await say('the answer', channel, { reply_to: 3 });
  await openChannel(owner, 'long');
  await until('at the end', async () => {
    if (await owner.find('chat-to-end').count()) await owner.find('chat-to-end').click();
    return line(owner, 'the answer').count();
  }, (count) => count === 1);
  await owner.page.reload();
  await owner.see('channel-view');
  const quote = line(owner, 'the answer').getByTestId('chat-quote');
  await until('the quote', () => quote.innerText(), (text) => text.includes('old 3'));
  assert.equal(await lineOf(owner, 3).count(), 0);
  await quote.click();
  await untilInSight(owner, lineOf(owner, 3));
  assert.match(await lineOf(owner, 3).getAttribute('class'), /\bshown\b/);
  assert.equal(await line(owner, 'the answer').count(), 0);
  await owner.find('chat-to-end').click();
  await untilInSight(owner, line(owner, 'the answer'));
  await owner.find('chat-to-end').waitFor({ state: 'detached' });
});

test('who writes while reading old messages is back at the end with it', async () => {
  await line(owner, 'the answer').getByTestId('chat-quote').click();
  await untilInSight(owner, lineOf(owner, 3));
  await owner.say('from long ago');
  await untilInSight(owner, line(owner, 'from long ago'));
  const seqs = await owner.find('chat-message').evaluateAll((lines) => lines.map(({ dataset }) => Number(dataset.seq)));
  assert.deepEqual(seqs, Array.from({ length: seqs.length }, (_, n) => seqs[0] + n), 'in one piece');
});

// Search

test('a search finds messages of all channels, marks the words, and opens the channel around one', async () => {
  await openChannel(owner, 'general');
  await owner.find('search-input').fill('line 40');
  await owner.find('search-input').press('Enter');
  await owner.find('found').first().waitFor();
  const result = owner.find('found').filter({ hasText: 'line 40 ' });
  assert.equal(await result.getByTestId('found-channel').innerText(), '# long');
  assert.equal(await result.getByTestId('found-author').innerText(), 'Owner');
  assert.deepEqual(await result.locator('mark').allInnerTexts(), ['line', '40']);
  await result.getByTestId('found-open').click();
  await untilInSight(owner, lineOf(owner, 40));
  await until('its channel', () => owner.page.url(), (url) => url.endsWith(new URL(url).pathname) && url.includes('/s/'));
  assert.equal(await lineOf(owner, 270).count(), 0);
  await owner.find('search-input').fill('짠');
  await owner.find('search-input').press('Enter');
  await until('a page of results', () => owner.find('found').count(), (count) => count === 25);
  await owner.find('search-more').click();
  await until('two pages', () => owner.find('found').count(), (count) => count === 50);
  assert.ok((await owner.find('found').first().locator('mark').allInnerTexts()).every((text) => text === '짠'));
});

test('what can’t be searched for is said so', async () => {
  const search = async (text) => {
    await owner.find('search-input').fill(text);
    await owner.find('search-input').press('Enter');
  };
  await search('no such words at all');
  await until('nothing', () => owner.find('search-status').innerText(), (text) => text.includes('Nothing found'));
  await search('a b c d e f g h i j k');
  await until('too many', () => owner.find('search-problem').innerText(), (text) => text.includes('ten words'));
  await search('.*');
  await until('no sign means anything', () => owner.find('search-status').innerText(), (text) => text.includes('Nothing found'));
  await owner.find('search-results').press('Escape');
  await owner.find('search-results').waitFor({ state: 'detached' });
});

// Files

/** A picture of so many pixels, as a browser makes one. */
function picture(visit, width, height) {
  return visit.page.evaluate(async ([w, h]) => {
    const canvas = new OffscreenCanvas(w, h);
    const context = canvas.getContext('2d');
    context.fillStyle = '#f08c1c';
    context.fillRect(0, 0, w, h);
    context.fillStyle = '#fff4d6';
    context.fillRect(0, 0, w, h / 4);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
    return [...bytes];
  }, [width, height]).then(Buffer.from);
}

test('a picture is uploaded, sent and shown in the place that was kept for it', async () => {
  await openChannel(owner, 'elsewhere');
  await openChannel(guest, 'elsewhere');
  const buffer = await picture(owner, 640, 480);
  bucket.pace.ms = 400;
  await owner.find('file-input').setInputFiles({ name: '건배.png', mimeType: 'image/png', buffer });
  await (await owner.see('pending-file')).waitFor();
  assert.ok(await owner.find('chat-send').isDisabled(), 'it is still on its way');
  await owner.page.locator('[data-testid="pending-file"][data-state="done"]').waitFor();
  bucket.pace.ms = 0;
  await owner.find('chat-input').fill('look');
  await owner.find('chat-input').press('Enter');
  const shown = line(guest, 'look').getByTestId('picture');
  await shown.waitFor();
  const { width, height } = await shown.boundingBox();
  assert.ok(Math.abs(width / height - 4 / 3) < 0.02, `${width}×${height}`);
  await shown.scrollIntoViewIfNeeded();
  await until('the picture is there', () => shown.locator('img').evaluate((image) => image.naturalWidth), (pixels) => pixels === 640);
  const after = await shown.boundingBox();
  assert.deepEqual([after.width, after.height], [width, height], 'nothing moved');
  assert.deepEqual(bucket.refused, []);
  assert.equal(bucket.objects.size, 1);
  assert.equal(await owner.find('pending-file').count(), 0);
});

test('any other file is a link with its name, kind and size, and needs no text', async () => {
  await owner.find('file-input').setInputFiles([
    { name: '회비 정산.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n'.repeat(600)) },
    { name: 'empty.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) },
    { name: 'film.mp4', mimeType: 'video/mp4', buffer: Buffer.alloc(MAX_BYTES + 1) },
  ]);
  assert.match(await (await owner.see('file-problem')).innerText(), /empty\.txt is empty.*film\.mp4 is too large\. At most 64 kB fit/s);
  await owner.page.locator('[data-testid="pending-file"][data-state="done"]').waitFor();
  assert.equal(await owner.find('pending-file').count(), 1);
  await owner.find('chat-send').click();
  const file = guest.find('file').last();
  await file.waitFor();
  assert.equal(await file.getByTestId('file-name').innerText(), '회비 정산.csv');
  assert.match(await file.innerText(), /CSV · 2 ?kB/i);
  assert.equal(await file.getAttribute('rel'), 'noopener noreferrer');
  const address = new URL(await file.getAttribute('href'));
  assert.ok(bucket.objects.has(address.pathname), address.pathname);
  assert.equal(bucket.objects.get(address.pathname).headers['content-disposition'], 'attachment');
});

test('a file is taken away again, and one that failed is tried again', async () => {
  bucket.pace.ms = 2_000;
  await owner.find('file-input').setInputFiles({ name: 'no.txt', mimeType: 'text/plain', buffer: Buffer.from('no') });
  await owner.see('pending-file');
  await owner.find('remove-file').click();
  await owner.find('pending-file').waitFor({ state: 'detached' });
  bucket.pace.ms = 0;
  await owner.page.route(/X-Amz-Signature/, (route) => route.abort());
  await owner.find('file-input').setInputFiles({ name: 'again.txt', mimeType: 'text/plain', buffer: Buffer.from('again') });
  await owner.page.locator('[data-testid="pending-file"][data-state="failed"]').waitFor();
  assert.ok(await owner.find('chat-send').isDisabled());
  await owner.page.unroute(/X-Amz-Signature/);
  await owner.find('file-retry').click();
  await owner.page.locator('[data-testid="pending-file"][data-state="done"]').waitFor();
  await owner.find('remove-file').click();
});

test('a picture is pasted', async () => {
  const bytes = [...(await picture(owner, 40, 40))];
  await owner.find('chat-input').click();
  await owner.page.evaluate((data) => {
    const clipboard = new DataTransfer();
    clipboard.items.add(new File([new Uint8Array(data)], 'pasted.png', { type: 'image/png' }));
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: clipboard, bubbles: true, cancelable: true }));
  }, bytes);
  await owner.page.locator('[data-testid="pending-file"][data-state="done"]').filter({ hasText: 'pasted.png' }).waitFor();
  await owner.find('chat-send').click();
  await guest.find('picture').nth(1).waitFor();
});

// Slow mode

test('in a slow channel one sees how long to wait, and sends then', async () => {
  await writer.ask('channel:update', { server: id, channel: await channelOf('elsewhere'), slow_mode_s: 4 });
  await guest.page.locator('.channel-note').waitFor();
  await guest.say('first');
  await owner.seeMessage('first');
  const wait = await guest.see('slow-wait');
  assert.match(await wait.innerText(), /[1-4]초/);
  await guest.find('chat-input').fill('second');
  await guest.find('chat-input').press('Enter');
  assert.equal(await guest.find('chat-input').inputValue(), 'second', 'it is kept');
  assert.ok(await guest.find('chat-send').isDisabled());
  await wait.waitFor({ state: 'detached', timeout: 10_000 });
  await guest.find('chat-send').click();
  await owner.seeMessage('second');
  assert.equal(await guest.page.locator('[data-testid="chat-outgoing"][data-state="failed"]').count(), 0);
  assert.equal(await owner.find('slow-wait').count(), 0, 'who moderates doesn’t wait');
});

// In rooms, and on a phone

test('in a room’s chat people are mentioned, answered and reacted to as well', async () => {
  const host = await Visit.open(await visitor(browser), server);
  await host.enterLobby('Host');
  const room = await host.createRoom({ name: 'extras', size: 2 });
  await host.join();
  const friend = await Visit.open(await visitor(browser), server);
  await friend.standBefore(room, { name: '친구' });
  await friend.join();
  await (await host.see('chat-input')).click();
  await host.page.keyboard.type('@친');
  await host.find('mention-list').waitFor();
  await host.page.keyboard.press('Enter');
  await host.page.keyboard.type('cheers');
  await host.page.keyboard.press('Enter');
  await friend.seeMessage('@친구 cheers');
  assert.match(await line(friend, 'cheers').getByTestId('mention').getAttribute('class'), /\bme\b/);
  await act(friend, line(friend, 'cheers'), 'menu-react');
  await (await friend.see('emoji-picker')).getByTestId('emoji').first().click();
  await line(host, 'cheers').getByTestId('reaction').waitFor();
  await act(host, line(host, 'cheers'), 'chat-pin');
  await line(friend, 'cheers').getByTestId('chat-pinned').waitFor();
  await friend.find('open-pins').click();
  await friend.find('pinned').waitFor();
  for (const visit of [host, friend]) await visit.page.context().close();
});

test('on a phone all of it fits and works', async () => {
  const phone = await Visit.open(await visitor(browser, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }), server, path);
  await (await phone.see('name-gate')).waitFor();
  await phone.type('name-input', 'Phone');
  await phone.find('name-submit').click();
  await (await phone.see('accept-invite')).tap();
  await phone.see('channel-view');
  const fits = async (what) => assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), what);
  await phone.goto(`/s/${id}/${await channelOf('elsewhere')}`);
  await phone.find('picture').first().waitFor();
  await fits('files');
  await line(phone, 'look').getByTestId('chat-actions').tap();
  await line(phone, 'look').getByTestId('menu-react').tap();
  await phone.see('emoji-picker');
  await fits('emoji');
  await phone.find('emoji').first().tap();
  await line(phone, 'look').getByTestId('reaction').first().waitFor();
  await phone.find('chat-input').tap();
  await phone.page.keyboard.type('@');
  await phone.see('mention-list');
  await fits('names');
  await phone.find('mention-option').first().tap();
  assert.match(await phone.find('chat-input').inputValue(), /^@\S+ $/);
  await phone.find('open-search').tap();
  await phone.find('search-input').fill('look');
  await phone.find('search-input').press('Enter');
  await phone.find('found').first().waitFor();
  await fits('results');
  await phone.find('found-open').first().tap();
  await phone.find('search-results').waitFor({ state: 'detached' });
  await untilInSight(phone, line(phone, 'look'));
  await writer.ask('chat:pin', { channel: await channelOf('elsewhere'), seq: 1, on: true });
  await phone.find('open-pins').tap();
  await phone.find('pinned-open').tap();
  await phone.find('pins').waitFor({ state: 'detached' });
  await untilInSight(phone, lineOf(phone, 1));
  await fits('pins');
  await phone.page.context().close();
});
