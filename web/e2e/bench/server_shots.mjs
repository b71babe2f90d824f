// Pictures of the pages of servers: empty and full, on a desk and on a phone.

import { visitor } from '../lib/browser.mjs';
import { createServer, enterServers, invite } from '../lib/community.mjs';
import { until } from '../lib/figures.mjs';
import { Client } from '../lib/socket.mjs';

const WORDS = {
  ko: {
    server: '술친구 모임', second: '동네 산책', host: '민수', names: ['지은', '하늘', '도윤', '서연', '준호'],
    channels: ['공지', '안주-추천', '사진'], secret: '운영진', role: '바텐더',
    chat: ['다들 안녕하세요! 이번 주 금요일 모임 시간 정해 봐요.', '저는 7시 좋아요', '8시는 어때요? 퇴근이 조금 늦어요 😅', '그럼 8시로 할까요?', '좋아요! 안주는 해물파전 어때요?\n지난번에 먹은 집이 정말 맛있었어요.', '짠! 🍻'],
    event: '금요일 막걸리 모임', where: '홍대입구역 3번 출구에서 만나요.', other: '와인 시음회',
  },
  en: {
    server: 'Friday drinkers', second: 'Neighbourhood walks', host: 'Minsu', names: ['Alex', 'Robin', 'Sam', 'Yuna', 'Jordan'],
    channels: ['announcements', 'what-to-eat', 'pictures'], secret: 'organisers', role: 'Bartender',
    chat: ['Hello everyone! Let’s find a time for Friday.', 'Seven is fine for me', 'How about eight? I leave work late 😅', 'Shall we say eight, then?', 'Great! How about seafood pancake?\nThe place from last time was really good.', 'Cheers! 🍻'],
    event: 'Friday makgeolli', where: 'We meet at exit 3.', other: 'Wine tasting',
  },
};

/** @param {(page: object, name: string) => Promise<unknown>} shot */
export async function shootServers(lang, browser, server, shot, { desktop, phone }) {
  const words = WORDS[lang];
  const locale = lang === 'ko' ? 'ko-KR' : 'en-US';
  const host = await enterServers(await visitor(browser, { locale, viewport: desktop }), server, words.host);
  await host.see('no-servers');
  await shot(host.page, 'servers-empty');
  await host.find('create-server').click();
  await host.see('create-server-dialog');
  await shot(host.page, 'servers-create');
  await host.page.keyboard.press('Escape');
  await createServer(host, words.second);
  await createServer(host, words.server);
  await shot(host.page, 'server-new');
  const path = await invite(host);
  const people = await fill(words, host, server, path.split('/').at(-1));

  const guest = await enterServers(await visitor(browser, { locale, viewport: phone }), server, words.names[4]);
  await shot(guest.page, 'phone-servers-empty');
  await guest.goto(path);
  await guest.see('accept-invite');
  await shot(guest.page, 'phone-invitation');
  await guest.find('accept-invite').click();
  await guest.see('channel-view');
  await guest.seeMessage('🍻');
  await shot(guest.page, 'phone-server');
  await people[0].ask('chat:send', { channel: people.food, nonce: 'late', text: words.chat[4] });
  await guest.find('open-channels').click();
  await until('a badge', () => guest.find('badge').count(), (count) => count > 0);
  await shot(guest.page, 'phone-channels');
  await guest.page.keyboard.press('Escape');
  await guest.find('open-members').click();
  await shot(guest.page, 'phone-members');
  await guest.page.keyboard.press('Escape');
  await guest.find('open-channels').click();
  await guest.find('open-calendar').click();
  await guest.find('schedule').first().waitFor();
  await shot(guest.page, 'phone-calendar');
  await guest.goto('/i/invite_none');
  await guest.see('invitation-dead');
  await shot(guest.page, 'phone-invitation-dead');

  await host.seeMessage('🍻');
  await shot(host.page, 'server');
  await host.find('server-menu').click();
  await host.see('menu-roles');
  await shot(host.page, 'server-menu');
  await host.find('menu-roles').click();
  await host.see('roles-dialog');
  await shot(host.page, 'server-roles');
  await host.find('edit-role').first().click();
  await host.see('role-dialog');
  await shot(host.page, 'server-role');
  await close(host);
  await host.find('edit-channel').last().click({ force: true });
  await host.see('channel-dialog');
  await host.find('channel-private').check();
  await shot(host.page, 'server-channel');
  await close(host);
  await host.find('member').last().click();
  await host.see('member-dialog');
  await shot(host.page, 'server-member');
  await close(host);
  await host.find('open-invite').click();
  await host.find('invite-create').click();
  await host.see('invite-link');
  await host.see('invite');
  await shot(host.page, 'server-invite');
  await close(host);
  await host.find('open-calendar').click();
  await host.find('schedule').first().waitFor();
  await shot(host.page, 'server-calendar');
  await host.find('create-schedule').click();
  await host.see('schedule-dialog');
  await shot(host.page, 'server-schedule');
  await close(host);
  await host.find('server-menu').click();
  await (await host.see('menu-settings')).click();
  await host.see('server-settings');
  await shot(host.page, 'server-settings');
  for (const visit of [host, guest]) await visit.page.context().close();
  for (const person of people) person.close();
}

/** Leaves whatever dialogs are open. */
async function close(visit) {
  await until('no dialog', async () => {
    const open = await visit.page.locator('dialog[open]').count();
    if (open > 0) await visit.page.keyboard.press('Escape');
    return open;
  }, (open) => open === 0);
}

/** People, channels, messages, a call and a calendar. */
async function fill(words, host, server, secret) {
  const token = await host.page.evaluate(() => JSON.parse(localStorage.getItem('zzan.guest')).token);
  const owner = await Client.connect(server, { token });
  const { servers } = await owner.ask('server:list', {});
  const { info, channels, categories } = servers.find((one) => one.info.name === words.server);
  const [text, voice] = ['text', 'voice'].map((kind) => channels.find((channel) => channel.kind === kind).id);
  const id = info.id;
  const made = [];
  for (const name of words.channels) made.push((await owner.ask('channel:create', { server: id, name, category: categories[0].id })).channel.id);
  await owner.ask('channel:create', { server: id, name: words.secret, category: categories[0].id, private: { users: [], roles: [] } });
  const { role } = await owner.ask('role:create', { server: id, name: words.role, color: 0x7f_dc_a4, permissions: ['send', 'connect', 'manage_messages'], rank: 250 });
  const people = [owner];
  for (const name of words.names.slice(0, 4)) {
    const person = await Client.connect(server, { name });
    await person.ask('invite:accept', { secret });
    people.push(person);
  }
  const { members } = await owner.ask('member:list', { server: id });
  const member = (name) => members.find(({ user }) => user.name === name);
  await owner.ask('member:update', { server: id, user: member(words.names[0]).user.id, roles: [...member(words.names[0]).roles, role.id] });
  await people[2].ask('presence:set', { status: 'busy' });
  people[4].close();
  for (const [n, message] of words.chat.entries()) await [owner, people[1], people[2], owner, people[1], people[3]][n].ask('chat:send', { channel: text, nonce: `n${n}`, text: message });
  for (let n = 0; n < 3; n += 1) await people[1].ask('chat:send', { channel: made[1], nonce: `f${n}`, text: words.chat[4] });
  for (const person of people.slice(1, 3)) await person.join((await person.ask('channel:open', { channel: voice })).room);
  const day = new Date();
  const at = (days) => new Date(day.getFullYear(), day.getMonth(), Math.min(day.getDate() + days, 28), 20).toISOString();
  await owner.ask('schedule:create', { server: id, title: words.event, description: words.where, starts_at: at(1), color: 0xff_b6_3d });
  await people[1].ask('schedule:create', { server: id, title: words.other, starts_at: at(3), ends_at: at(3).replace(':00:00', ':30:00') });
  people.food = made[1];
  return people;
}
