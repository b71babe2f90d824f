// The inbox on the page: what comes for one is told once, is the same on two devices, and leads to what it is about.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { accept, channelRow, createChannel, createServer, enterServers, invite } from '../lib/community.mjs';
import { sleep, until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { rest, startServer } from '../lib/server.mjs';
import { Client } from '../lib/socket.mjs';

const WIDE = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 780 };

let server;
let browser;
/** Two devices of one guest. */
let desk;
let phone;
/** Who writes to the guest, by socket. */
let friend;
let id;
let channel;
let me;

before(async () => {
  server = await startServer({ env: { ZZAN_CHAT_INTERVAL_MS: '0', ZZAN_LIMITS_EVENTS_PER_S: '10000' } });
  browser = await openChromium();
  const owner = await enterServers(await visitor(browser, { viewport: WIDE }), server, 'Owner');
  id = await createServer(owner, '술친구');
  await createChannel(owner, 'beer');
  const path = await invite(owner);
  const context = await visitor(browser, { viewport: WIDE });
  await context.grantPermissions(['notifications'], { origin: server.url });
  await context.addInitScript(recordBrowserAlerts);
  desk = await enterServers(context, server, '손님');
  await accept(desk, path);
  await openChannel(desk, 'general');
  const guest = await desk.page.evaluate(() => JSON.parse(localStorage.getItem('zzan.guest')));
  me = guest.user.id;
  friend = await Client.connect(server, { name: '하나' });
  await friend.ask('invite:accept', { secret: path.split('/').at(-1) });
  const { servers } = await friend.ask('server:list', {});
  channel = servers[0].channels.find(({ name }) => name === 'beer').id;
  const other = await visitor(browser, { viewport: PHONE, locale: 'ko-KR' });
  await other.addInitScript((kept) => localStorage.setItem('zzan.guest', JSON.stringify(kept)), guest);
  phone = await Visit.open(other, server, '/');
  await phone.see('lobby');
  await owner.page.context().close();
});

after(async () => {
  friend?.close();
  await browser?.close();
  await server?.stop();
});

/** Runs in every page before anything else: what the browser is asked to show, and whether the tab is hidden. */
function recordBrowserAlerts() {
  const state = { shown: [], hidden: false };
  window.__alerts = state;
  const Real = window.Notification;
  window.Notification = class extends Real {
    constructor(title, options) {
      super(title, options);
      state.shown.push({ title, ...options, click: () => this.onclick?.(new Event('click')) });
    }
  };
  Object.defineProperty(document, 'visibilityState', { get: () => (state.hidden ? 'hidden' : 'visible') });
}

const openChannel = (visit, name) => channelRow(visit, name).getByTestId('text-channel').click();

const setHidden = (visit, hidden) => visit.page.evaluate((value) => {
  window.__alerts.hidden = value;
  document.dispatchEvent(new Event('visibilitychange'));
}, hidden);

const unreadOf = async (visit) => Number(await visit.find('bell').first().getAttribute('data-unread'));
const untilUnread = (visit, count) => until(`${count} unread notifications`, () => unreadOf(visit), (unread) => unread === count);
const openInbox = async (visit) => {
  await visit.find('bell').click();
  await visit.see('inbox');
};
const entry = (visit, text) => visit.find('inbox-entry').filter({ hasText: text });
const alert = (visit, text) => visit.find('alert').filter({ hasText: text });
const say = async (text, more = {}) => (await friend.ask('chat:send', { channel, nonce: crypto.randomUUID(), text, ...more })).message.seq;
const notify = (title, more = {}) => rest(server, 'POST', '/v1/notifications', { user: me, title, ...more });

async function closeInbox(visit) {
  await visit.page.keyboard.press('Escape');
  await visit.find('inbox').waitFor({ state: 'hidden' });
}

test('an inbox begins empty and says what comes there', async () => {
  await openInbox(desk);
  await desk.see('inbox-empty');
  await closeInbox(desk);
  assert.equal(await desk.page.evaluate(() => document.activeElement?.dataset.testid), 'bell', 'the focus is back');
});

test('a mention is told once on both devices, counted on the bell and in the title', async () => {
  await say(`<@${me}> 한잔해요`);
  for (const visit of [desk, phone]) {
    await alert(visit, '하나').waitFor();
    await untilUnread(visit, 1);
    assert.equal(await visit.find('alert').count(), 1);
    assert.match(await visit.page.title(), /^\(1\) /);
  }
  assert.match(await alert(phone, '하나').innerText(), /언급했어요/);
  assert.match(await alert(desk, '하나').innerText(), /#beer · 술친구/);
});

test('a reconnect tells nothing again, and what came meanwhile once', async () => {
  await alert(desk, '하나').getByTestId('alert-dismiss').click();
  await desk.page.context().setOffline(true);
  await desk.page.evaluate(() => window.dispatchEvent(new Event('online')));
  await notify('Meanwhile');
  await alert(phone, 'Meanwhile').waitFor();
  await desk.page.context().setOffline(false);
  await desk.page.evaluate(() => window.dispatchEvent(new Event('online')));
  await alert(desk, 'Meanwhile').waitFor({ timeout: 20_000 });
  await sleep(500);
  assert.equal(await desk.find('alert').count(), 1);
  await untilUnread(desk, 2);
});

test('reading one on one device, and all on the other, is so on both', async () => {
  await openInbox(phone);
  await entry(phone, 'Meanwhile').getByTestId('inbox-read').click();
  for (const visit of [desk, phone]) await untilUnread(visit, 1);
  await openInbox(desk);
  assert.equal(await entry(desk, 'Meanwhile').getAttribute('data-read'), 'true');
  await desk.find('inbox-read-all').click();
  for (const visit of [desk, phone]) await untilUnread(visit, 0);
  assert.equal(await entry(phone, '하나').getAttribute('data-read'), 'true');
  for (const visit of [desk, phone]) {
    assert.doesNotMatch(await visit.page.title(), /^\(/);
    await closeInbox(visit);
  }
});

test('an alert leads to its message, however far up it stands, and is read by that', async () => {
  const seq = await say(`<@${me}> 여기예요`);
  for (let n = 0; n < 120; n += 1) await say(`line ${n} ${'다 같이 짠 '.repeat(n % 9)}`);
  await alert(desk, '하나').getByTestId('alert-open').click();
  const line = desk.page.locator(`[data-testid="chat-message"][data-seq="${seq}"]`);
  await line.waitFor();
  await until('it is in sight', () => line.evaluate((element) => {
    const box = element.closest('[role="log"]').getBoundingClientRect();
    const { top, bottom } = element.getBoundingClientRect();
    return top >= box.top && bottom <= box.bottom;
  }));
  await desk.page.locator(`[data-testid="chat-message"].shown[data-seq="${seq}"]`).waitFor();
  assert.equal(new URL(desk.page.url()).hash, '');
  await untilUnread(phone, 0);
  await sleep(300);
  assert.ok(await line.isVisible());
});

test('what comes to the open channel is not told, and read with it', async () => {
  await (await desk.see('chat-to-end')).click();
  await desk.find('chat-to-end').waitFor({ state: 'detached' });
  await say(`<@${me}> 보고 있죠?`);
  await desk.seeMessage('보고 있죠?');
  for (const visit of [desk, phone]) await untilUnread(visit, 0);
  assert.equal(await alert(desk, '하나').count(), 0);
});

test('an answer leads to where it stands', async () => {
  await desk.say('내 메시지');
  const { data } = await friend.when('chat:message', ({ message }) => message.text === '내 메시지');
  await openChannel(desk, 'general');
  await say('대답이에요', { reply_to: data.message.seq });
  await alert(desk, 'answered you').waitFor();
  await openInbox(phone);
  await entry(phone, '답장했어요').first().getByTestId('inbox-link').click();
  await phone.see('channel-view');
  await phone.seeMessage('대답이에요');
  for (const visit of [desk, phone]) await untilUnread(visit, 0);
});

test('an invitation into a server is answered in the inbox', async () => {
  const ask = async (name) => {
    const { server: made } = await friend.ask('server:create', { name, nonce: crypto.randomUUID() });
    await friend.ask('invite:user', { server: made.info.id, user: me });
  };
  await ask('등산 모임');
  await ask('낚시 모임');
  await untilUnread(desk, 2);
  await openInbox(desk);
  await entry(desk, '낚시 모임').getByTestId('inbox-decline').click();
  await entry(desk, '낚시 모임').getByTestId('inbox-answered').waitFor();
  await entry(desk, '등산 모임').getByTestId('inbox-accept').click();
  await desk.find('server-name').filter({ hasText: '등산 모임' }).waitFor();
  await until('two servers', () => phone.page.locator('[data-testid="server-button"]').count(), (count) => count === 2);
  await openInbox(phone);
  assert.match(await entry(phone, '등산 모임').innerText(), /수락했어요/);
  assert.match(await entry(phone, '낚시 모임').innerText(), /거절했어요/);
  await closeInbox(phone);
  for (const visit of [desk, phone]) await untilUnread(visit, 0);
});

test('an invitation into a room leads there', async () => {
  const room = await friend.createRoom({ name: '2차' });
  await friend.join(room.id);
  await friend.ask('room:invite', { room: room.id, user: me });
  await alert(desk, '2차').getByTestId('alert-open').click();
  await desk.see('join-button');
  assert.equal(desk.roomId(), room.id);
  await desk.goto(`/s/${id}`);
  await desk.see('channel-view');
});

test('what a backend tells has its text and its link, and a link that would run is none', async () => {
  await notify('주문이 도착했어요', { body: '현관 앞에 두었어요.\n확인해 주세요.', url: 'https://shop.example/orders/7' });
  await openInbox(desk);
  const told = entry(desk, '주문이 도착했어요');
  await told.waitFor();
  assert.match(await told.innerText(), /현관 앞에 두었어요/);
  const link = told.getByTestId('inbox-link');
  assert.deepEqual(await link.evaluate((element) => [element.href, element.target, element.rel]), ['https://shop.example/orders/7', '_blank', 'noopener noreferrer']);
  await closeInbox(desk);
  await notify('Own place', { url: `/s/${id}/${channel}` });
  await alert(desk, 'Own place').getByTestId('alert-open').click();
  await until('the channel is open', () => desk.page.url(), (url) => url.includes(channel));
});

test('older ones come when asked for, and nothing twice', async () => {
  for (let n = 1; n <= 60; n += 1) await notify(`No. ${n}`);
  await desk.page.reload();
  await openInbox(desk);
  await until('a page', () => desk.find('inbox-entry').count(), (count) => count === 50, { within: 30_000 });
  await desk.find('inbox-more').click();
  await entry(desk, '#beer').first().waitFor();
  const seqs = await desk.find('inbox-entry').evaluateAll((entries) => entries.map((one) => Number(one.dataset.seq)));
  assert.deepEqual(seqs, seqs.map((_, n) => seqs[0] - n));
  await desk.find('inbox-read-all').click();
  await untilUnread(phone, 0);
  await closeInbox(desk);
});

test('a reminder of a calendar is told once, wherever one is', async () => {
  await phone.goto('/');
  await phone.see('lobby');
  await friend.ask('schedule:create', { server: id, title: '지금 짠', starts_at: new Date(Date.now() + 1_000).toISOString(), remind_before_s: 0 }).catch(() => undefined);
  await alert(phone, '지금 짠').waitFor({ timeout: 30_000 });
  await desk.page.locator('.toast').filter({ hasText: '지금 짠' }).waitFor();
  assert.equal(await alert(desk, '지금 짠').count(), 0);
  await untilUnread(desk, 1);
});

/** The browser has a say in it first, so that the switch doesn't move at once. */
async function switchAlerts(on) {
  await desk.find('browser-alerts').click();
  await until(`the switch is ${on}`, () => desk.find('browser-alerts').isChecked(), (checked) => checked === on);
}

test('the browser shows what comes while the tab is hidden, once it was asked to', async () => {
  await setHidden(desk, true);
  await notify('Unasked');
  await untilUnread(desk, 2);
  await setHidden(desk, false);
  await openInbox(desk);
  await switchAlerts(true);
  await closeInbox(desk);
  await notify('Seen on the page');
  await untilUnread(desk, 3);
  await setHidden(desk, true);
  await notify('Behind', { body: 'the curtain', url: `/s/${id}` });
  const shown = () => desk.page.evaluate(() => window.__alerts.shown.map(({ title, body }) => [title, body]));
  await until('the browser shows it', shown, (alerts) => alerts.length > 0);
  assert.deepEqual(await shown(), [['Behind', 'the curtain']]);
  await desk.page.evaluate(() => window.__alerts.shown[0].click());
  await until('it was read', () => unreadOf(desk), (unread) => unread === 3);
  await setHidden(desk, false);
  await openInbox(desk);
  await switchAlerts(false);
  await closeInbox(desk);
});

test('by keys alone one opens it, goes through it and leaves it; on a phone it fits', async () => {
  await desk.find('bell').focus();
  await desk.page.keyboard.press('Enter');
  await desk.see('inbox');
  await until('the focus is on it', () => desk.page.evaluate(() => document.activeElement?.dataset.testid), (id) => id === 'inbox');
  const focused = [];
  for (let n = 0; n < 6; n += 1) {
    await desk.page.keyboard.press('Tab');
    focused.push(await desk.page.evaluate(() => document.activeElement?.closest('[data-testid="inbox"]') !== null && (document.activeElement?.dataset.testid ?? document.activeElement?.getAttribute('aria-label'))));
  }
  assert.ok(focused.includes('inbox-read-all') && focused.includes('inbox-read'), focused.join(' '));
  await closeInbox(desk);
  await openInbox(phone);
  const box = await phone.find('inbox').boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= PHONE.width && box.y + box.height <= PHONE.height, JSON.stringify(box));
  assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});
