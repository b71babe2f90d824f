// Pictures of the inbox, of meeting notes and of direct channels: on a desk and on a phone.

import { visitor } from '../lib/browser.mjs';
import { accept, channelRow, createServer, enterServers, invite } from '../lib/community.mjs';
import { until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { rest } from '../lib/server.mjs';
import { Client } from '../lib/socket.mjs';

const WORDS = {
  ko: {
    server: '술친구 모임', host: '민수', guest: '지은', friend: '하늘', room: '금요일 2차', club: '등산 모임', voice: '수다방',
    order: '주문하신 막걸리가 출발했어요', body: '오늘 오후 6시쯤 도착해요.\n문 앞에 놓아 드릴게요.', event: '금요일 막걸리 모임',
    mention: '이번 주에 올 수 있어요?', asked: '안주는 뭐로 할까요?', answer: '해물파전이요!',
    note: '12월 송년회 준비', lines: ['장소부터 정할까요?', '지난번 그 집 어때요? 자리도 넓고 안주도 좋았어요.', '좋아요. 그럼 제가 예약할게요.', '인원은 열두 명으로 할게요. 늦는 사람이 있으면 저한테 따로 알려 주세요.', '회비는 삼만 원이면 되겠죠?'],
    subject: '라이카 M6 (1984)', place: '시청역 3번 출구', talk: ['아직 판매하시나요?', '네! 내일 저녁에 뵐까요?', '좋아요, 7시에 갈게요.'],
  },
  en: {
    server: 'Friday drinkers', host: 'Minsu', guest: 'Alex', friend: 'Robin', room: 'Second round', club: 'Hiking club', voice: 'Lounge',
    order: 'Your makgeolli is on its way', body: 'It arrives at about six today.\nWe leave it at your door.', event: 'Friday makgeolli',
    mention: 'can you come this week?', asked: 'What shall we eat?', answer: 'Seafood pancake!',
    note: 'Planning the year-end party', lines: ['Shall we choose a place first?', 'How about the one from last time? There was room, and the food was good.', 'Fine. I’ll book a table, then.', 'Let’s say twelve people. Tell me if you will be late.', 'Thirty thousand won each should do?'],
    subject: 'Leica M6 (1984)', place: 'City Hall, exit 3', talk: ['Is it still for sale?', 'Yes! Shall we meet tomorrow evening?', 'Good, I’ll be there at seven.'],
  },
};

/** @param {(page: object, name: string) => Promise<unknown>} shot */
export async function shootInbox(lang, browser, server, shot, { desktop, phone }) {
  const words = WORDS[lang];
  const locale = lang === 'ko' ? 'ko-KR' : 'en-US';
  const open = (viewport) => visitor(browser, { locale, viewport });
  const host = await enterServers(await open(desktop), server, words.host);
  const id = await createServer(host, words.server);
  const path = await invite(host);
  const guest = await enterServers(await open(desktop), server, words.guest);
  await accept(guest, path);
  const kept = await guest.page.evaluate(() => JSON.parse(localStorage.getItem('zzan.guest')));
  const friend = await Client.connect(server, { name: words.friend });
  await friend.ask('invite:accept', { secret: path.split('/').at(-1) });

  await guest.find('bell').click();
  await guest.see('inbox-empty');
  await shot(guest.page, 'inbox-empty');
  await guest.page.keyboard.press('Escape');
  await fillInbox(words, server, { guest, friend, id, user: kept.user.id });
  await guest.goto('/');
  await guest.see('lobby');
  await until('the count', () => guest.find('bell').getAttribute('data-unread'), (count) => count === '5');
  await friend.ask('chat:send', { channel: (await textChannel(friend, id)).id, nonce: 'again', text: `<@${kept.user.id}> ${words.mention}` });
  await guest.see('alert');
  await shot(guest.page, 'inbox-alert');
  await guest.find('bell').click();
  await guest.see('inbox-entry');
  await shot(guest.page, 'inbox');
  const context = await open(phone);
  await context.addInitScript((who) => localStorage.setItem('zzan.guest', JSON.stringify(who)), kept);
  const small = await Visit.open(context, server, '/');
  await small.see('lobby');
  await shot(small.page, 'phone-bell');
  await small.find('bell').click();
  await small.see('inbox-entry');
  await shot(small.page, 'phone-inbox');
  await small.goto(`/s/${id}`);
  await small.see('channel-view');
  await shot(small.page, 'phone-server-bell');

  await shootNotes(words, { host, guest: small, id, friend }, shot);
  await shootDirect(words, server, shot, { big: await open(desktop), small: await open(phone) });
  friend.close();
  for (const visit of [host, guest, small]) await visit.page.context().close();
}

async function textChannel(client, id) {
  const { servers } = await client.ask('server:list', {});
  return servers.find(({ info }) => info.id === id).channels.find(({ kind }) => kind === 'text');
}

/** One of each kind. */
async function fillInbox(words, server, { guest, friend, id, user }) {
  await guest.say(words.asked);
  const { id: channel } = await textChannel(friend, id);
  await guest.goto('about:blank');
  const { messages } = await friend.ask('chat:history', { channel, limit: 1 });
  await rest(server, 'POST', '/v1/notifications', { user, title: words.order, body: words.body, url: 'https://shop.example/orders/7' });
  await friend.ask('chat:send', { channel, nonce: 'm', text: `<@${user}> ${words.mention}` });
  await friend.ask('chat:send', { channel, nonce: 'r', text: words.answer, reply_to: messages[0].seq });
  const { server: club } = await friend.ask('server:create', { name: words.club, nonce: 'club' });
  await friend.ask('invite:user', { server: club.info.id, user });
  const room = await friend.createRoom({ name: words.room });
  await friend.join(room.id);
  await friend.ask('room:invite', { room: room.id, user });
  await friend.ask('room:leave', { room: room.id });
}

async function shootNotes(words, { host, guest, id, friend }, shot) {
  await channelRow(host, words.voice).getByTestId('voice-channel').click();
  await host.join();
  await host.find('notes-button').click();
  await host.see('note-start');
  await shot(host.page, 'notes-start');
  await guest.find('open-channels').click();
  await channelRow(guest, words.voice).getByTestId('voice-channel').click();
  await guest.join();
  await host.find('note-name').fill(words.note);
  await host.find('note-start').click();
  await host.see('note-running');
  await guest.see('note-notice');
  await shot(guest.page, 'phone-notes-notice');
  const { servers } = await friend.ask('server:list', {});
  const channel = servers.find(({ info }) => info.id === id).channels.find(({ kind }) => kind === 'voice').id;
  const { notes } = await friend.ask('note:list', { channel });
  for (const [n, text] of words.lines.entries()) {
    if (n % 2 === 0) {
      await host.find('note-input').fill(text);
      await host.find('note-add').click();
    } else await friend.ask('note:append', { channel, note: notes[0].id, nonce: `n${n}`, text });
    await until('the line', () => host.find('note-line').count(), (count) => count === n + 1);
  }
  await shot(host.page, 'notes');
  await guest.find('note-open').click();
  await until('all lines', () => guest.find('note-line').count(), (count) => count === words.lines.length);
  await shot(guest.page, 'phone-notes');
  await host.find('note-end').click();
  await host.see('confirm-button');
  await shot(host.page, 'notes-end');
  await host.find('confirm-button').click();
  await host.find('note').first().waitFor();
  await shot(host.page, 'notes-list');
  await guest.find('note').first().click();
  await until('all lines', () => guest.find('note-line').count(), (count) => count === words.lines.length);
  await shot(guest.page, 'phone-notes-read');
  await host.find('leave-button').click();
  await host.see('channel-view');
  await channelRow(host, words.voice).getByTestId('voice-chat').click();
  await (await host.see('channel-notes')).click();
  await host.find('note').first().click();
  await until('all lines', () => host.find('note-line').count(), (count) => count === words.lines.length);
  await shot(host.page, 'notes-dialog');
}

async function shootDirect(words, server, shot, { big, small }) {
  const users = [{ id: `buyer-${words.guest}`, name: words.guest }, { id: `seller-${words.host}`, name: words.host }];
  const metadata = { title: words.subject, state: 'reserved', price: 2_350_000, currency: 'KRW', place: words.place, url: 'https://shop.example/p/31' };
  const direct = await rest(server, 'POST', '/v1/direct-channels', { subject: 'product-31', name: words.subject, users, metadata });
  const links = direct.users.map(({ url }) => new URL(url)).map(({ pathname, hash }) => pathname + hash);
  const [buyer, seller] = [await Visit.open(big, server, links[0]), await Visit.open(small, server, links[1])];
  for (const visit of [buyer, seller]) await visit.see('subject');
  for (const [n, text] of words.talk.entries()) {
    await [buyer, seller][n % 2].say(text);
    for (const visit of [buyer, seller]) await visit.seeMessage(text);
  }
  await shot(buyer.page, 'direct');
  await shot(seller.page, 'phone-direct');
  await seller.goto(`${links[1].slice(0, -4)}AAAA`);
  await seller.see('error-banner');
  await shot(seller.page, 'phone-direct-invalid');
  for (const visit of [buyer, seller]) await visit.page.context().close();
}
