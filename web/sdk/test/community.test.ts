import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Client } from '../src/client.js';
import { Community } from '../src/community/community.js';
import { IDLE_AFTER_MS } from '../src/community/idle.js';
import type { Attention } from '../src/community/reading.js';
import type { CommunityServer } from '../src/community/server.js';
import { totals } from '../src/community/state.js';
import type { Member, Message, Role, Server } from '../src/protocol.gen.js';
import { FakeServer } from './fake_connection.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const role = (id: string, rank: number, permissions: Role['permissions']): Role => ({ id, kind: 'custom', name: id, rank, permissions });
const member = (id: string, roles: string[] = []): Member => ({ user: { id, name: id }, roles, joined_at: '2026-01-01T00:00:00Z', presence: 'online' });
const unread = (channel: string, head: number, read: number, count = head - read) => ({ channel, head_seq: head, read_seq: read, unread: count, mentions: 0 });
const message = (channel: string, seq: number, user = 'u2', extra: Partial<Message> = {}): Message => ({
  id: `${channel}:${seq}`, channel, seq, author: { id: user, name: user }, text: `text ${seq}`, sent_at: '2026-01-01T00:00:00Z', ...extra,
});
const text = (id: string) => ({ id, kind: 'text' as const, name: id, position: 0 });
const listed = (id = 's1', change: Partial<Server> = {}): Server => ({
  info: { id, name: id, owner: 'u9', created_at: '2026-01-01T00:00:00Z' },
  roles: [role('mod', 300, ['send', 'kick']), role('member', 200, ['send'])],
  categories: [],
  channels: [text(`${id}a`), text(`${id}b`)],
  unread: [unread(`${id}a`, 5, 5), unread(`${id}b`, 0, 0)],
  voices: [],
  me: { user: { id: 'u1', name: 'Ann' }, roles: ['member'], permissions: ['send'] },
  ...change,
});

class FakeAttention implements Attention {
  here = true;
  private readonly listeners = new Set<() => void>();

  onChange(listener: () => void) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  become(here: boolean) {
    this.here = here;
    for (const listener of this.listeners) listener();
  }
}

async function opened(servers: Server[] = [listed()]) {
  const server = new FakeServer();
  const client = new Client({ url: 'http://zzan.test', token: () => 't', connect: server.connect, random: () => 0.5 });
  client.open();
  const attention = new FakeAttention();
  const page = new EventTarget();
  const community = new Community(client, { attention, page });
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s1');
  await answerList(server, servers);
  return { server, client, community, attention, page };
}

async function answerList(server: FakeServer, servers: Server[]) {
  server.last.requests('server:list').at(-1)?.answer({ ok: true, servers });
  await vi.advanceTimersByTimeAsync(0);
}

/** Answers the newest request of a name. */
async function answer(server: FakeServer, name: string, body: object) {
  server.last.requests(name).at(-1)?.answer({ ok: true, ...body });
  await vi.advanceTimersByTimeAsync(0);
}

async function reconnect(server: FakeServer, ready: object = {}) {
  server.last.lose();
  await vi.advanceTimersByTimeAsync(1_000);
  server.last.ready('s2', ready);
  await vi.advanceTimersByTimeAsync(0);
}

function first(community: Community): CommunityServer {
  const [one] = community.state.servers;
  if (!one) throw new Error('there is no server');
  return one;
}

const count = (community: Community, channel: string) => first(community).state.unread.get(channel);

test('others’ messages count, the same one once, and an own one reads all', async () => {
  const { server, community } = await opened();
  for (const seq of [6, 7, 7]) server.last.push('chat:message', { message: message('s1a', seq) });
  expect(count(community, 's1a')).toEqual(unread('s1a', 7, 5));
  expect(totals(first(community).state)).toEqual({ unread: 2, mentions: 0 });
  server.last.push('chat:message', { message: message('s1a', 8, 'u1') });
  expect(count(community, 's1a')).toEqual(unread('s1a', 8, 8));
  server.last.push('chat:message', { message: message('elsewhere', 1) });
  expect(totals(first(community).state).unread).toBe(0);
});

test('mentions by name, by role and with everyone count; those of others don’t', async () => {
  const { server, community } = await opened();
  const mentions: Message['mentions'][] = [[{ kind: 'user', id: 'u1' }], [{ kind: 'role', id: 'member' }], [{ kind: 'everyone' }], [{ kind: 'user', id: 'u3' }, { kind: 'role', id: 'mod' }]];
  for (const [n, list] of mentions.entries()) server.last.push('chat:message', { message: message('s1a', 6 + n, 'u2', { mentions: list ?? [] }) });
  expect(count(community, 's1a')).toMatchObject({ unread: 4, mentions: 3 });
});

test('edits and deletions are counted anew, once for several', async () => {
  const { server, community } = await opened();
  for (const seq of [6, 7]) server.last.push('chat:message', { message: message('s1a', seq) });
  server.last.push('chat:deleted', { message: message('s1a', 6, 'u2', { deleted: true, text: '' }) });
  server.last.push('chat:edited', { message: message('s1a', 7) });
  await vi.advanceTimersByTimeAsync(300);
  expect(server.last.requests('unread:list')).toHaveLength(1);
  await answer(server, 'unread:list', { unread: [unread('s1a', 7, 5, 1)] });
  expect(count(community, 's1a')?.unread).toBe(1);
});

test('a count that is older than what came meanwhile is not believed', async () => {
  const { server, community } = await opened();
  server.last.push('chat:deleted', { message: message('s1a', 5, 'u2', { deleted: true, text: '' }) });
  await vi.advanceTimersByTimeAsync(300);
  server.last.push('chat:message', { message: message('s1a', 6) });
  await answer(server, 'unread:list', { unread: [unread('s1a', 5, 5, 0)] });
  expect(count(community, 's1a')?.unread).toBe(1);
  await vi.advanceTimersByTimeAsync(300);
  expect(server.last.requests('unread:list'), 'it is asked again').toHaveLength(2);
});

test('a skipped message is counted by the server', async () => {
  const { server, community } = await opened();
  server.last.push('chat:message', { message: message('s1a', 9) });
  await vi.advanceTimersByTimeAsync(300);
  await answer(server, 'unread:list', { unread: [unread('s1a', 9, 5)] });
  expect(count(community, 's1a')?.unread).toBe(4);
});

test('another device reads, and it is read here', async () => {
  const { server, community } = await opened();
  server.last.push('chat:message', { message: message('s1a', 6) });
  server.last.push('unread:changed', { unread: unread('s1a', 6, 6) });
  expect(count(community, 's1a')?.unread).toBe(0);
});

test('the open channel is read once for several messages, and only with the focus and its newest message in sight', async () => {
  const { server, community, attention } = await opened([listed('s1', { unread: [unread('s1a', 5, 3), unread('s1b', 0, 0)] })]);
  const chat = first(community).chat('s1a');
  await answer(server, 'chat:history', { messages: [4, 5].map((seq) => message('s1a', seq)), more: true });
  expect(chat.state.messages).toHaveLength(2);
  attention.become(false);
  community.look('s1a');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(server.last.requests('chat:read')).toHaveLength(0);
  attention.become(true);
  await vi.advanceTimersByTimeAsync(400);
  expect(server.last.requests('chat:read').map(({ payload }) => payload)).toEqual([{ channel: 's1a', seq: 5 }]);
  await answer(server, 'chat:read', { unread: unread('s1a', 5, 5) });
  for (const seq of [6, 7]) server.last.push('chat:message', { message: message('s1a', seq) });
  expect(count(community, 's1a')?.unread, 'it is in sight').toBe(0);
  await vi.advanceTimersByTimeAsync(400);
  expect(server.last.requests('chat:read').map(({ payload }) => payload)).toEqual([{ channel: 's1a', seq: 5 }, { channel: 's1a', seq: 7 }]);
  community.look(undefined);
  server.last.push('chat:message', { message: message('s1a', 8) });
  await vi.advanceTimersByTimeAsync(400);
  expect(count(community, 's1a')?.unread).toBe(1);
  expect(server.last.requests('chat:read')).toHaveLength(2);
});

test('what counts as read here is told also when one looks away at once', async () => {
  const { server, community } = await opened();
  first(community).chat('s1a');
  await answer(server, 'chat:history', { messages: [message('s1a', 5)], more: false });
  community.look('s1a');
  await vi.advanceTimersByTimeAsync(1_000);
  server.last.push('chat:message', { message: message('s1a', 6) });
  expect(count(community, 's1a')?.unread).toBe(0);
  community.look(undefined);
  expect(server.last.requests('chat:read').map(({ payload }) => payload)).toEqual([{ channel: 's1a', seq: 6 }]);
});

test('a glance reads nothing', async () => {
  const { server, community } = await opened([listed('s1', { unread: [unread('s1a', 5, 3), unread('s1b', 0, 0)] })]);
  first(community).chat('s1a');
  await answer(server, 'chat:history', { messages: [4, 5].map((seq) => message('s1a', seq)), more: true });
  community.look('s1a');
  await vi.advanceTimersByTimeAsync(100);
  community.look(undefined);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(server.last.requests('chat:read')).toHaveLength(0);
});

test('a channel opens at its end, or at the first unread message where that isn’t on the last page', async () => {
  const { server, community } = await opened([listed('s1', { unread: [unread('s1a', 90, 41), unread('s1b', 90, 40)] })]);
  first(community).chat('s1a');
  first(community).chat('s1b');
  expect(server.last.requests('chat:history').map(({ payload }) => payload)).toEqual([{ channel: 's1a', limit: 50 }, { channel: 's1b', limit: 50, around: 41 }]);
});

test('a channel that was left in its middle opens at its end again', async () => {
  const { server, community } = await opened();
  const chat = first(community).chat('s1a');
  await answer(server, 'chat:history', { messages: [message('s1a', 5)], more: true, newer: false });
  void chat.goTo(2);
  await answer(server, 'chat:history', { messages: [message('s1a', 2)], more: true, newer: true });
  expect(first(community).chat('s1a')).toBe(chat);
  await answer(server, 'chat:history', { messages: [message('s1a', 5)], more: true, newer: false });
  expect([chat.state.messages.map(({ seq }) => seq), chat.state.newer]).toEqual([[5], false]);
});

test('what was marked as unread stays so until the channel is opened anew', async () => {
  const { server, community } = await opened();
  first(community).chat('s1a');
  await answer(server, 'chat:history', { messages: [message('s1a', 5)], more: false });
  community.look('s1a');
  await vi.advanceTimersByTimeAsync(400);
  void first(community).markUnread('s1a', 5);
  await answer(server, 'chat:unread', { unread: unread('s1a', 5, 4) });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(count(community, 's1a')?.unread).toBe(1);
  expect(server.last.requests('chat:read')).toHaveLength(0);
  community.look(undefined);
  community.opened();
  community.look('s1a');
  await vi.advanceTimersByTimeAsync(400);
  expect(server.last.requests('chat:read')).toHaveLength(1);
});

test('channels come and go with what is unread in them', async () => {
  const { server, community } = await opened();
  server.last.push('channel:created', { server: 's1', channel: { ...text('new'), position: 3 } });
  expect(first(community).state.channels.map(({ id }) => id)).toEqual(['s1a', 's1b', 'new']);
  await vi.advanceTimersByTimeAsync(300);
  await answer(server, 'unread:list', { unread: [unread('new', 4, 2)] });
  expect(totals(first(community).state).unread).toBe(2);
  server.last.push('channel:updated', { server: 's1', channel: { ...text('new'), position: 0, name: 'renamed' } });
  expect(first(community).state.channels.map(({ name }) => name)).toEqual(['renamed', 's1a', 's1b']);
  server.last.push('channel:deleted', { server: 's1', channel: 'new' });
  expect(totals(first(community).state).unread).toBe(0);
  server.last.push('channel:deleted', { server: 'another', channel: 's1a' });
  expect(first(community).state.channels).toHaveLength(2);
});

test('what one may follows one’s roles and what they allow', async () => {
  const { server, community } = await opened();
  expect(first(community).can('kick')).toBe(false);
  server.last.push('member:updated', { server: 's1', member: member('u1', ['member', 'mod']) });
  expect(first(community).can('kick')).toBe(true);
  const { info, categories } = first(community).state;
  server.last.push('server:updated', { server: info, roles: [role('mod', 300, ['send']), role('member', 200, ['send'])], categories: [...categories] });
  expect(first(community).can('kick')).toBe(false);
  server.last.push('server:updated', { server: { ...info, owner: 'u1' }, roles: [], categories: [] });
  expect(first(community).can('manage_server')).toBe(true);
});

test('members who change while they are fetched are fetched again', async () => {
  const { server, community } = await opened();
  const loading = first(community).loadMembers();
  server.last.push('member:joined', { server: 's1', member: member('u3') });
  await answer(server, 'member:list', { members: [member('u1'), member('u2')] });
  await answer(server, 'member:list', { members: [member('u1'), member('u2'), member('u3')] });
  await loading;
  server.last.push('presence:changed', { server: 's1', presences: [{ user: 'u2', presence: 'offline', last_seen: '2026-01-01T00:00:00Z' }] });
  server.last.push('member:left', { server: 's1', user: 'u3', reason: 'kicked' });
  expect(first(community).state.members?.map(({ user, presence }) => [user.id, presence])).toEqual([['u1', 'online'], ['u2', 'offline']]);
});

test('members and counts whose answers were lost are asked for again when the session goes on', async () => {
  const { server, community } = await opened();
  const loading = first(community).loadMembers();
  server.last.push('chat:deleted', { message: message('s1a', 5, 'u2', { deleted: true, text: '' }) });
  await vi.advanceTimersByTimeAsync(300);
  await reconnect(server, { resumed: true, replayed: 0 });
  await vi.advanceTimersByTimeAsync(300);
  await answer(server, 'member:list', { members: [member('u1')] });
  await answer(server, 'unread:list', { unread: [unread('s1a', 5, 3, 1)] });
  await loading;
  expect(first(community).state.members).toHaveLength(1);
  expect(count(community, 's1a')?.unread).toBe(1);
});

test('what comes while the list is under way is in the state, whichever is newer', async () => {
  const { server, community } = await opened();
  await reconnect(server);
  server.last.push('channel:created', { server: 's1', channel: text('new') });
  server.last.push('chat:message', { message: message('s1a', 6) });
  server.last.push('server:added', { server: listed('s2') });
  await answerList(server, [listed()]);
  expect(first(community).state.channels.map(({ id }) => id)).toContain('new');
  expect(count(community, 's1a')?.unread).toBe(1);
  expect(community.state.servers.map(({ id }) => id)).toEqual(['s1', 's2']);
});

test('after a new connection the servers are listed again and open channels caught up with, without twice or missing', async () => {
  const { server, community } = await opened([listed('s1'), listed('s2')]);
  const one = first(community);
  const chat = one.chat('s1a');
  await answer(server, 'chat:history', { messages: [4, 5].map((seq) => message('s1a', seq)), more: false });
  await reconnect(server);
  await answerList(server, [listed('s1', { unread: [unread('s1a', 8, 5), unread('s1b', 0, 0)] })]);
  await answer(server, 'chat:history', { messages: [4, 5, 6, 7, 8].map((seq) => message('s1a', seq)), more: false });
  server.last.push('chat:message', { message: message('s1a', 8) });
  expect(community.state.servers).toEqual([one]);
  expect(chat.state.messages.map(({ seq }) => seq)).toEqual([4, 5, 6, 7, 8]);
  expect(count(community, 's1a')?.unread).toBe(3);
});

test('a session that goes on isn’t listed again, unless it missed something or its list was lost', async () => {
  const { server, community } = await opened();
  await reconnect(server, { resumed: true, replayed: 1 });
  expect(server.last.requests('server:list')).toHaveLength(0);
  await reconnect(server, { resumed: true, resync: true });
  expect(server.last.requests('server:list')).toHaveLength(1);
  await reconnect(server, { resumed: true, replayed: 0 });
  expect(server.last.requests('server:list')).toHaveLength(1);
  await answerList(server, [listed('s1'), listed('s2')]);
  expect(community.state.servers).toHaveLength(2);
});

test('an entry that is due is told', async () => {
  const { server, community } = await opened();
  const due: string[] = [];
  community.on('due', ({ title }) => due.push(title));
  server.last.push('schedule:due', { schedule: { id: 'e1', server: 's1', title: 'toast' } });
  expect(due).toEqual(['toast']);
});

test('a server that one is put out of is gone, and said to be', async () => {
  const { server, community } = await opened();
  const heard: string[] = [];
  community.on('left', ({ server: gone, reason }) => heard.push(`${gone.name} ${reason}`));
  server.last.push('server:deleted', { server: 's1', reason: 'kicked' });
  expect(community.state.servers).toEqual([]);
  expect(heard).toEqual(['s1 kicked']);
});

test('a server whose answer was lost is asked for again, by the same nonce', async () => {
  const { server, community } = await opened([]);
  const creating = community.create({ name: 'Friday' });
  const [asked] = server.last.requests('server:create');
  await reconnect(server);
  const [again] = server.last.requests('server:create');
  expect(again?.payload).toEqual(asked?.payload);
  await answer(server, 'server:create', { server: listed('s3') });
  expect((await creating).id).toBe('s3');
  await answerList(server, [listed('s3')]);
  expect(community.state.servers).toHaveLength(1);
});

test('a refusal says why', async () => {
  const { server, community } = await opened();
  const asked = first(community).ask('channel:create', { name: 'x' });
  server.last.requests('channel:create')[0]?.answer({ ok: false, error: { code: 'forbidden', message: 'no' } });
  await expect(asked).rejects.toMatchObject({ code: 'forbidden' });
  expect(server.last.requests('channel:create')[0]?.payload).toEqual({ server: 's1', name: 'x' });
});

test('a page that nobody touches is idle, until it is touched; a new session is told too', async () => {
  const { server, page } = await opened();
  const told = () => server.last.requests('presence:idle').map(({ payload }) => payload);
  await vi.advanceTimersByTimeAsync(IDLE_AFTER_MS / 2);
  page.dispatchEvent(new Event('keydown'));
  await vi.advanceTimersByTimeAsync(IDLE_AFTER_MS - 1_000);
  expect(told()).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(told()).toEqual([{ idle: true }]);
  await reconnect(server);
  await answerList(server, [listed()]);
  expect(told()).toEqual([{ idle: true }]);
  for (let n = 0; n < 3; n += 1) page.dispatchEvent(new Event('pointermove'));
  expect(told()).toEqual([{ idle: true }, { idle: false }]);
});

test('chats of channels that were not opened for long are let go', async () => {
  const channels = Array.from({ length: 25 }, (_, n) => text(`c${n}`));
  const { server, community } = await opened([listed('s1', { channels, unread: channels.map(({ id }) => unread(id, 0, 0)) })]);
  const one = first(community);
  const chats = channels.map(({ id }) => one.chat(id));
  expect(one.chat('c24')).toBe(chats[24]);
  expect(one.chat('c0')).not.toBe(chats[0]);
  server.last.push('chat:message', { message: message('c1', 1) });
  expect(chats[1]?.state.messages).toEqual([]);
});

test('how many have not read follows what is told, and is asked for anew on a new session', async () => {
  const { server, community } = await opened();
  const receipts = community.state.servers[0]!.receipts('s1a');
  const asked = () => server.last.requests('receipts:watch').map(({ payload }) => payload);
  expect(asked()).toEqual([{ channel: 's1a' }]);
  expect(receipts.unreadBy(5)).toBeUndefined();
  let changes = 0;
  receipts.onChange(() => (changes += 1));
  server.last.push('receipts:standing', { channel: 's1b', standing: [{ seq: 0, readers: 9 }] });
  expect(changes).toBe(0);
  server.last.push('receipts:standing', { channel: 's1a', standing: [{ seq: 0, readers: 2 }, { seq: 4, readers: 1 }, { seq: 5, readers: 1 }] });
  expect([1, 4, 5].map((seq) => receipts.unreadBy(seq))).toEqual([2, 2, 3]);
  server.last.push('receipts:moved', { channel: 's1a', moves: [{ from: 0, to: 5, readers: 1 }, { to: 5, readers: 1 }, { from: 4, readers: 1 }] });
  expect([1, 4, 5, 6].map((seq) => receipts.unreadBy(seq))).toEqual([1, 1, 1, 4]);
  expect(changes).toBe(2);
  community.state.servers[0]!.adopt(listed());
  expect(asked()).toHaveLength(2);
  expect(receipts.unreadBy(5)).toBeUndefined();
  community.state.servers[0]!.receipts('s1b');
  expect(asked().slice(2)).toEqual([{ channel: 's1a', watch: false }, { channel: 's1b' }]);
  receipts.watch();
  expect(asked()).toHaveLength(4);
});
