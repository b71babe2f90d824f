// Pictures of what messages have beside their text, on a desk and on a phone.

import { visitor } from '../lib/browser.mjs';
import { startBucket } from '../lib/bucket.mjs';
import { accept, createServer, enterServers, invite } from '../lib/community.mjs';
import { until } from '../lib/figures.mjs';
import { startServer } from '../lib/server.mjs';
import { Client } from '../lib/socket.mjs';

const WORDS = {
  ko: {
    server: '술친구 모임', host: '민수', names: ['지은', '하늘', '도윤'], role: '바텐더', query: '막걸', at: '@지', slow: '천천히',
    hello: '다들 안녕하세요! 이번 주 금요일에 막걸리 어때요?', answer: '저는 좋아요! 8시에 홍대에서 봐요', meant: (who) => `${who} 장소 예약 부탁해요 🙏`, role_call: (who) => `${who} 이번에는 어떤 막걸리로 할까요?`,
    picture: '지난번 사진이에요', file: '회비 정산.xlsx', old: (n) => `${n}번째 이야기: 오늘도 막걸리 한 잔`, typing: '저도',
  },
  en: {
    server: 'Friday drinkers', host: 'Minsu', names: ['Alex', 'Robin', 'Sam'], role: 'Bartender', query: 'makgeolli', at: '@al', slow: 'slowly',
    hello: 'Hello everyone! How about makgeolli this Friday?', answer: 'Sounds good! Eight o’clock at the station', meant: (who) => `${who} could you book a table? 🙏`, role_call: (who) => `${who} which makgeolli shall we have this time?`,
    picture: 'From last time', file: 'expenses.xlsx', old: (n) => `Story ${n}: another glass of makgeolli today`, typing: 'me too',
  },
};

/** @param {(page: object, name: string) => Promise<unknown>} shot */
export async function shootMessages(lang, browser, shot, { desktop, phone }) {
  const bucket = await startBucket({ maxBytes: 1024 * 1024 });
  const server = await startServer({ env: { ZZAN_CHAT_INTERVAL_MS: '0', ZZAN_LIMITS_EVENTS_PER_S: '10000', ...bucket.env } });
  try {
    await shoot(lang, browser, server, bucket, shot, { desktop, phone });
  } finally {
    await server.stop();
    await bucket.stop();
  }
}

async function shoot(lang, browser, server, bucket, shot, { desktop, phone }) {
  const words = WORDS[lang];
  const locale = lang === 'ko' ? 'ko-KR' : 'en-US';
  const host = await enterServers(await visitor(browser, { locale, viewport: desktop }), server, words.host);
  await createServer(host, words.server);
  const path = await invite(host);
  const guest = await enterServers(await visitor(browser, { locale, viewport: phone }), server, words.names[2]);
  await accept(guest, path);
  const talk = await fill(words, host, guest, server, path.split('/').at(-1));

  // The host opens the channel with much that is unread.
  await host.goto(`/s/${talk.id}/${talk.long}`);
  await host.see('chat-divider');
  await shot(host.page, 'messages-unread');
  await host.goto(`/s/${talk.id}/${talk.text}`);
  await host.seeMessage(words.role_call('').trim());
  const buffer = Buffer.from(await host.page.evaluate(drawing));
  await host.find('file-input').setInputFiles([{ name: 'glass.png', mimeType: 'image/png', buffer }, { name: words.file, mimeType: 'application/vnd.ms-excel', buffer: Buffer.alloc(48_000, 1) }]);
  await until('both are uploaded', () => host.page.locator('[data-testid="pending-file"][data-state="done"]').count(), (count) => count === 2);
  await host.find('chat-input').fill(words.picture);
  await host.find('chat-send').click();
  await until('the picture', () => host.find('picture').locator('img').evaluateAll((images) => images.some((image) => image.naturalWidth > 0)), Boolean);
  const typed = () => until('somebody types', async () => {
    await talk.people[0].ask('chat:typing', { channel: talk.text });
    await talk.people[1].ask('chat:typing', { channel: talk.text });
    return host.find('typing').innerText();
  }, (text) => text.includes(words.names[0]) && text.includes(words.names[1]));
  await typed();
  await host.page.mouse.move(0, 0);
  await shot(host.page, 'messages');
  await host.find('chat-message').nth(1).hover();
  await host.find('chat-message').nth(1).getByTestId('chat-react').click();
  await host.see('emoji-picker');
  await shot(host.page, 'messages-emoji');
  await host.page.keyboard.press('Escape');
  await host.find('chat-message').first().hover();
  await host.find('chat-message').first().getByTestId('chat-actions').click();
  await host.see('chat-pin');
  await shot(host.page, 'messages-menu');
  await host.page.keyboard.press('Escape');
  await host.find('chat-message').first().hover();
  await host.find('chat-message').first().getByTestId('chat-actions').click();
  await host.find('chat-message').first().getByTestId('chat-reply').click();
  bucket.pace.ms = 4_000;
  await host.find('file-input').setInputFiles([{ name: words.file, mimeType: 'application/vnd.ms-excel', buffer: Buffer.alloc(48_000, 1) }, { name: 'film.mp4', mimeType: 'video/mp4', buffer: Buffer.alloc(2_000_000) }]);
  await host.see('pending-file');
  await host.find('chat-input').click();
  await host.page.keyboard.type(`${words.typing} @`);
  await host.see('mention-list');
  await shot(host.page, 'messages-writing');
  bucket.pace.ms = 0;
  await host.find('chat-input').fill('');
  await host.find('remove-file').click();
  await host.find('open-pins').click();
  await host.see('pinned');
  await shot(host.page, 'messages-pins');
  await host.find('pins-close').click();
  await host.find('search-input').fill(words.query);
  await host.find('search-input').press('Enter');
  await host.see('found');
  await shot(host.page, 'messages-search');

  await guest.goto(`/s/${talk.id}/${talk.text}`);
  await guest.find('picture').first().waitFor();
  await guest.find('chat-to-end').click({ timeout: 1_000 }).catch(() => {});
  await shot(guest.page, 'phone-messages');
  await guest.find('chat-input').click();
  await guest.page.keyboard.type('@');
  await guest.see('mention-list');
  await shot(guest.page, 'phone-messages-names');
  await guest.find('chat-input').fill('');
  await guest.find('chat-message').first().scrollIntoViewIfNeeded();
  await guest.find('add-reaction').first().click();
  await guest.see('emoji-picker');
  await shot(guest.page, 'phone-messages-emoji');
  await guest.page.keyboard.press('Escape');
  await guest.find('open-search').click();
  await guest.find('search-input').fill(words.query);
  await guest.find('search-input').press('Enter');
  await guest.see('found');
  await shot(guest.page, 'phone-messages-search');
  await guest.find('search-clear').click();
  await guest.find('open-pins').click();
  await guest.see('pinned');
  await shot(guest.page, 'phone-messages-pins');
  await talk.owner.ask('channel:update', { server: talk.id, channel: talk.long, slow_mode_s: 30 });
  await guest.goto(`/s/${talk.id}/${talk.long}`);
  await guest.see('chat-divider');
  await shot(guest.page, 'phone-messages-unread');
  await guest.say(words.slow);
  await guest.see('slow-wait');
  await shot(guest.page, 'phone-messages-slow');
  for (const visit of [host, guest]) await visit.page.context().close();
  for (const person of [talk.owner, ...talk.people]) person.close();
}

/** Says what there is to look at. */
async function fill(words, host, guest, server, secret) {
  const token = (visit) => visit.page.evaluate(() => JSON.parse(localStorage.getItem('zzan.guest')).token);
  const owner = await Client.connect(server, { token: await token(host) });
  const people = [];
  for (const name of words.names.slice(0, 2)) {
    const person = await Client.connect(server, { name });
    await person.ask('invite:accept', { secret });
    people.push(person);
  }
  const { servers } = await owner.ask('server:list', {});
  const { info: { id }, channels } = servers[0];
  const text = channels.find(({ kind }) => kind === 'text').id;
  const { channel: { id: long } } = await owner.ask('channel:create', { server: id, name: 'talk' });
  const { members } = await owner.ask('member:list', { server: id });
  const userOf = (name) => members.find(({ user }) => user.name === name).user.id;
  const { role } = await owner.ask('role:create', { server: id, name: words.role, color: 0x7f_dc_a4, permissions: [], rank: 1 });
  let nonce = 0;
  const say = async (who, said, more = {}, channel = text) => (await who.ask('chat:send', { channel, nonce: `n${++nonce}`, text: said, ...more })).message.seq;
  const first = await say(owner, words.hello);
  const answer = await say(people[0], words.answer, { reply_to: first });
  await say(people[1], words.meant(`<@${userOf(words.host)}>`));
  await say(owner, words.role_call(`<@&${role.id}>`), { reply_to: answer });
  for (const [who, seq, emoji] of [[people[0], first, '🍻'], [people[1], first, '🍻'], [owner, first, '🍻'], [people[1], first, '🎉'], [owner, answer, '👍'], [people[1], answer, '👍']]) await who.ask('chat:react', { channel: text, seq, emoji, on: true });
  await owner.ask('chat:pin', { channel: text, seq: first, on: true });
  await owner.ask('chat:pin', { channel: text, seq: answer, on: true });
  for (let n = 1; n <= 20; n += 1) await say(owner, words.old(n), {}, long);
  const guestSocket = await Client.connect(server, { token: await token(guest) });
  await guestSocket.ask('chat:read', { channel: long, seq: 20 });
  for (let n = 21; n <= 140; n += 1) await say(people[n % 2], words.old(n), {}, long);
  return { owner, people: [...people, guestSocket], id, text, long };
}

/** Runs in the page. */
async function drawing() {
  const canvas = new OffscreenCanvas(800, 520);
  const context = canvas.getContext('2d');
  const sky = context.createLinearGradient(0, 0, 0, 520);
  sky.addColorStop(0, '#3a2352');
  sky.addColorStop(1, '#f08c1c');
  context.fillStyle = sky;
  context.fillRect(0, 0, 800, 520);
  context.font = '220px sans-serif';
  context.fillText('🍻', 250, 360);
  return [...new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer())];
}
