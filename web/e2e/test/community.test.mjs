// Servers on the page: two people, one of them on two devices.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { accept, channelRow, createChannel, createServer, enterServers, invite, unreadOfServer, untilUnread } from '../lib/community.mjs';
import { sleep, until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';
import { Client } from '../lib/socket.mjs';

const WIDE = { width: 1280, height: 720 };

let server;
let browser;
let owner;
/** Two pages of one guest. */
let guest;
let phone;
let id;

before(async () => {
  // Nobody waits for two hundred messages at the pace of a person.
  server = await startServer({ env: { ZZAN_CHAT_INTERVAL_MS: '0', ZZAN_LIMITS_EVENTS_PER_S: '10000' } });
  browser = await openChromium();
  owner = await enterServers(await visitor(browser, { viewport: WIDE }), server, 'Owner');
  const context = await visitor(browser, { viewport: WIDE });
  guest = await enterServers(context, server, '손님');
  await guest.see('no-servers');
  phone = await Visit.open(context, server, '/s');
  await phone.see('no-servers');
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A token of the person at a page, for a socket of theirs. */
function tokenOf(visit) {
  return visit.page.evaluate(() => JSON.parse(localStorage.getItem('zzan.guest')).token);
}

const openChannel = (visit, name) => channelRow(visit, name).getByTestId('text-channel').click();

test('a server begins with channels that are named in the page’s language, and an invitation leads into it on all devices', async () => {
  id = await createServer(owner, '술친구');
  assert.deepEqual(await owner.find('channel').locator('.channel-name').allInnerTexts(), ['general', 'Lounge']);
  const path = await invite(owner);
  await guest.goto(path);
  assert.match(await (await guest.see('invitation-name')).innerText(), /술친구/);
  await guest.find('accept-invite').click();
  await guest.see('channel-view');
  await phone.find('server-button').waitFor();
  await until('both members', () => owner.find('member').count(), (count) => count === 2);
  await owner.find('member').filter({ hasText: '손님' }).and(owner.page.locator('[data-presence="online"]')).waitFor();
});

test('what somebody else writes is unread on both devices, and read on both when one reads it', async () => {
  await createChannel(owner, 'beer');
  for (const visit of [guest, phone]) await channelRow(visit, 'beer').waitFor();
  await openChannel(guest, 'general');
  await openChannel(owner, 'beer');
  for (const text of ['one', 'two', 'three']) await owner.say(text);
  await untilUnread(guest, 'beer', 3);
  await untilUnread(phone, 'beer', 3);
  assert.equal(await unreadOfServer(guest, id), 3);
  await untilUnread(owner, 'beer', 0);
  await openChannel(guest, 'beer');
  await guest.seeMessage('three');
  assert.equal(await guest.find('chat-divider').count(), 1);
  await untilUnread(guest, 'beer', 0);
  await untilUnread(phone, 'beer', 0);
  assert.equal(await unreadOfServer(phone, id), 0);
});

test('what comes to the open channel is read at once; one’s own, and what was deleted, never counts', async () => {
  await owner.say('four');
  await guest.seeMessage('four');
  await guest.say('mine');
  await owner.seeMessage('mine');
  await openChannel(guest, 'general');
  await owner.say('five');
  await owner.say('mistake');
  await untilUnread(phone, 'beer', 2);
  const line = owner.find('chat-message').filter({ hasText: 'mistake' });
  await line.hover();
  await line.getByTestId('chat-actions').click();
  await line.getByTestId('chat-delete').click();
  await (await owner.see('confirm-button')).click();
  for (const visit of [guest, phone]) await untilUnread(visit, 'beer', 1);
  await openChannel(phone, 'beer');
  for (const visit of [guest, phone]) await untilUnread(visit, 'beer', 0);
});

test('a message that is marked as unread counts again, with all after it', async () => {
  const line = phone.find('chat-message').filter({ hasText: 'five' });
  await line.hover();
  await line.getByTestId('chat-actions').click();
  await line.getByTestId('chat-unread').click();
  for (const visit of [guest, phone]) await untilUnread(visit, 'beer', 1);
  await sleep(600);
  await untilUnread(phone, 'beer', 1);
  await openChannel(phone, 'general');
  await openChannel(phone, 'beer');
  for (const visit of [guest, phone]) await untilUnread(visit, 'beer', 0);
});

test('how many have not read a message stands beside it, and goes as they read it', async () => {
  for (const visit of [guest, phone]) await openChannel(visit, 'general');
  await owner.say('six');
  const waiting = owner.find('chat-message').filter({ hasText: 'six' }).getByTestId('chat-waiting');
  // Whoever wrote it counts until the next news, within a second.
  await until('one has not read it', () => waiting.textContent(), (count) => count === '1');
  assert.match(await waiting.getAttribute('aria-label'), /1/);
  await openChannel(guest, 'beer');
  await waiting.waitFor({ state: 'detached' });
  assert.equal(await owner.find('chat-waiting').count(), 0);
});

test('a history of two hundred messages scrolls up without a jump', async () => {
  await createChannel(owner, 'long');
  const socket = await Client.connect(server, { token: await tokenOf(owner) });
  const { servers } = await socket.ask('server:list', {});
  const { id: channel } = servers[0].channels.find(({ name }) => name === 'long');
  for (let n = 1; n <= 200; n += 1) {
    await socket.ask('chat:send', { channel, nonce: `n${n}`, text: `line ${n} ${'다 같이 짠 '.repeat(n % 17)}` });
  }
  socket.close();
  await untilUnread(guest, 'long', 200);
  await openChannel(guest, 'long');
  await guest.seeMessage('line 1 ');
  await guest.find('chat-to-end').click();
  await guest.seeMessage('line 200');
  await untilUnread(guest, 'long', 0);
  // A tab behind another draws once a second.
  await guest.page.bringToFront();
  await guest.page.evaluate(watchJumps);
  const box = await (await guest.see('chat-log')).boundingBox();
  await guest.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await until('the first message', async () => {
    await guest.page.mouse.wheel(0, -700);
    await sleep(60);
    return guest.find('chat-message').and(guest.page.locator('[data-seq="1"]')).count();
  }, (count) => count === 1, { within: 60_000 });
  const { loads, worst } = await guest.page.evaluate(() => window.__jumps);
  assert.ok(loads >= 3, `pages were fetched: ${loads}`);
  assert.ok(worst <= 1, `what stood in sight moved by ${worst} px when older messages came`);
  assert.equal(await guest.find('chat-message').count(), 200);
  const seqs = await guest.find('chat-message').evaluateAll((lines) => lines.map((line) => Number(line.dataset.seq)));
  assert.deepEqual(seqs, Array.from({ length: 200 }, (_, n) => n + 1));
  await guest.find('chat-to-end').click();
  await untilUnread(guest, 'long', 0);
});

/** Runs in the page: measures, whenever older messages are put in, how far the first visible message is from where it was. */
function watchJumps() {
  const box = document.querySelector('[data-testid="chat-log"]');
  const top = (line) => line.getBoundingClientRect().top - box.getBoundingClientRect().top;
  const lines = () => [...box.querySelectorAll('[data-seq]')];
  const state = { loads: 0, worst: 0 };
  window.__jumps = state;
  let seen;
  const note = () => {
    const line = lines().find((one) => one.getBoundingClientRect().bottom > box.getBoundingClientRect().top);
    seen = { line, top: top(line), oldest: lines()[0].dataset.seq };
    requestAnimationFrame(note);
  };
  note();
  // It runs after the page has put its lines in, and before anything else scrolls.
  new MutationObserver(() => {
    if (!seen || lines()[0].dataset.seq === seen.oldest) return;
    state.loads += 1;
    state.worst = Math.max(state.worst, Math.abs(top(seen.line) - seen.top));
    seen.oldest = lines()[0].dataset.seq;
  }).observe(box, { childList: true, subtree: true });
}

test('a private channel is there for who is in it, from then on and no longer', async () => {
  await createChannel(owner, 'secret', async () => owner.find('channel-private').check());
  await channelRow(owner, 'secret').waitFor();
  await createChannel(owner, 'marker');
  await channelRow(guest, 'marker').waitFor();
  assert.equal(await channelRow(guest, 'secret').count(), 0);
  const edit = async (checked) => {
    await channelRow(owner, 'secret').hover();
    await channelRow(owner, 'secret').getByTestId('edit-channel').click();
    await owner.find('private-users').getByLabel('손님').setChecked(checked);
    await owner.find('channel-dialog-submit').click();
  };
  await edit(true);
  await channelRow(guest, 'secret').waitFor();
  await openChannel(guest, 'secret');
  await until('it is open', () => guest.page.url(), (url) => url.includes('/ch_'));
  const open = guest.page.url();
  await edit(false);
  await channelRow(guest, 'secret').waitFor({ state: 'detached' });
  await until('another is open', () => guest.page.url(), (url) => url !== open);
});

test('a voice channel leads into a call, shows who is in it, and the way back', async () => {
  await channelRow(guest, 'Lounge').getByTestId('voice-channel').click();
  await guest.join();
  const people = channelRow(owner, 'Lounge').getByTestId('voice-people');
  await people.locator('.person-text').getByText('손님').waitFor();
  await guest.find('leave-button').click();
  await guest.see('channel-view');
  await people.waitFor({ state: 'detached' });
});

test('an entry of the calendar is there for everyone, changes and goes', async () => {
  for (const visit of [owner, guest]) await (await visit.see('open-calendar')).click();
  await owner.find('create-schedule').click();
  await owner.find('schedule-title-input').fill('송년회 🍻');
  await owner.find('schedule-description-input').fill('bring\nglasses');
  await owner.find('schedule-dialog-submit').click();
  await guest.find('schedule').filter({ hasText: '송년회 🍻' }).waitFor();
  assert.equal(await guest.find('edit-schedule').count(), 0, 'it is another’s');
  await owner.find('edit-schedule').click();
  await owner.find('schedule-title-input').fill('신년회');
  await owner.find('schedule-dialog-submit').click();
  await guest.find('schedule').filter({ hasText: '신년회' }).waitFor();
  assert.equal(await guest.find('schedule').count(), 1);
  await owner.find('edit-schedule').click();
  await owner.find('delete-schedule').click();
  await (await owner.see('confirm-button')).click();
  await guest.find('schedule').waitFor({ state: 'detached' });
  await owner.find('schedule-dialog').waitFor({ state: 'detached' });
  for (const visit of [owner, guest]) {
    await visit.page.keyboard.press('Escape');
    await visit.find('calendar').waitFor({ state: 'detached' });
  }
});

test('an entry that is due is told to everyone', async () => {
  const socket = await Client.connect(server, { token: await tokenOf(owner) });
  await socket.ask('schedule:create', { server: id, title: '지금 짠', starts_at: new Date(Date.now() + 1_000).toISOString(), remind_before_s: 0 });
  socket.close();
  for (const visit of [owner, guest]) await visit.page.locator('.toast').filter({ hasText: '지금 짠' }).waitFor({ timeout: 30_000 });
});

test('a role is made, given and shown, and allows what it says', async () => {
  assert.equal(await guest.find('create-channel').count(), 0);
  await owner.find('server-menu').click();
  await (await owner.see('menu-roles')).click();
  await (await owner.see('create-role')).click();
  await owner.find('role-name-input').fill('바텐더');
  await owner.find('role-permissions').getByLabel('Manage channels').check();
  await owner.find('role-dialog-submit').click();
  await owner.find('role').filter({ hasText: '바텐더' }).waitFor();
  await owner.page.keyboard.press('Escape');
  await owner.find('member').filter({ hasText: '손님' }).click();
  await owner.find('member-roles').getByLabel('바텐더').check();
  await owner.find('member-dialog-submit').click();
  await guest.find('create-channel').first().waitFor({ state: 'attached' });
  await guest.find('member-list').getByRole('region', { name: '바텐더' }).getByTestId('member').filter({ hasText: '손님' }).waitFor();
});

test('one’s own status is seen by the others, and who leaves is seen as gone', async () => {
  await guest.find('status').selectOption('busy');
  const row = owner.find('member').filter({ hasText: '손님' });
  await row.and(owner.page.locator('[data-presence="busy"]')).waitFor();
  await guest.find('status').selectOption('auto');
  await row.and(owner.page.locator('[data-presence="online"]')).waitFor();
  await phone.page.close();
  await guest.goto('about:blank');
  await row.and(owner.page.locator('[data-presence="offline"]')).waitFor();
  await row.getByText('last seen').waitFor();
  await guest.goto('/s');
  await row.and(owner.page.locator('[data-presence="online"]')).waitFor();
});

test('who is removed is told so, and is out', async () => {
  await owner.find('member').filter({ hasText: '손님' }).click();
  await (await owner.see('kick-member')).click();
  await (await owner.see('confirm-button')).click();
  await guest.see('no-servers');
  await guest.page.locator('.toast').filter({ hasText: '술친구' }).waitFor();
  await until('one member', () => owner.find('member').count(), (count) => count === 1);
});

test('one person is invited by id into the inbox, and by mail where the server sends any', async () => {
  const user = await guest.page.evaluate(() => JSON.parse(localStorage.getItem('zzan.guest')).user.id);
  await (await owner.see('open-invite')).click();
  await owner.find('invite-whom').fill('a@example.com');
  await owner.find('invite-person').click();
  await owner.see('invite-refused');
  await owner.find('invite-whom').fill(user);
  await owner.find('invite-person').click();
  await until('invited', () => owner.find('invite-sent').textContent(), (text) => text.includes(user));
  assert.equal(await owner.find('invite-refused').count(), 0);
  await owner.page.keyboard.press('Escape');
  await guest.find('bell').click();
  await (await guest.see('inbox-decline')).click();
  await guest.find('inbox-decline').waitFor({ state: 'detached' });
  await guest.page.keyboard.press('Escape');
});

test('an invitation that was revoked leads nowhere', async () => {
  const path = await invite(owner);
  await accept(guest, path);
  await (await owner.see('open-invite')).click();
  await owner.find('invite-revoke').first().waitFor();
  while ((await owner.find('invite-revoke').count()) > 0) {
    const count = await owner.find('invite-revoke').count();
    await owner.find('invite-revoke').first().click();
    await until('one fewer', () => owner.find('invite-revoke').count(), (left) => left < count);
  }
  await owner.page.keyboard.press('Escape');
  await guest.goto(path);
  await guest.see('invitation-dead');
});

test('on a phone the channels and the members are drawers, and nothing is wider than the screen', async () => {
  await guest.page.setViewportSize({ width: 360, height: 740 });
  await guest.goto(`/s/${id}`);
  await guest.see('channel-view');
  await guest.find('open-channels').click();
  await openChannel(guest, 'beer');
  await guest.seeMessage('five');
  await guest.find('open-members').click();
  await guest.find('member').first().waitFor();
  assert.ok(await guest.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await guest.page.keyboard.press('Escape');
});

test('who deletes a server deletes it for everyone', async () => {
  await owner.find('server-menu').click();
  await (await owner.see('menu-settings')).click();
  await (await owner.see('delete-server')).click();
  await (await owner.see('confirm-button')).click();
  for (const visit of [owner, guest]) await visit.see('no-servers');
});
