import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Client } from '../src/client.js';
import type { Notification } from '../src/protocol.gen.js';
import { FakeServer, type FakeConnection, type Sent } from './fake_connection.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function connected() {
  const server = new FakeServer();
  const client = new Client({ url: 'http://zzan.test', token: () => 'token', connect: server.connect, random: () => 0.5 });
  client.open();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('session-1');
  return { server, client };
}

function notification(seq: number, read = false): Notification {
  return { id: `n${seq}`, seq, at: '2030-01-01T00:00:00Z', read, about: { kind: 'backend', title: `t${seq}`, body: '' } };
}

function listed(seqs: number[], rest: { more?: boolean; newer?: boolean; head?: number; unread: number }) {
  const { more = false, newer = false, head = seqs.at(-1) ?? 0, unread } = rest;
  return { ok: true, notifications: seqs.map((seq) => notification(seq)), more, newer, head_seq: head, unread };
}

async function answer(sent: Sent | undefined, ack: object) {
  sent?.answer(ack);
  await vi.advanceTimersByTimeAsync(0);
}

function lists(connection: FakeConnection): Sent[] {
  return connection.requests('notification:list');
}

async function opened(seqs: number[], rest: { more?: boolean; unread: number }) {
  const { server, client } = await connected();
  const inbox = client.notifications();
  await answer(lists(server.last)[0], listed(seqs, rest));
  const came: number[] = [];
  inbox.on('new', ({ seq }) => came.push(seq));
  const seqsNow = () => inbox.state.notifications.map(({ seq }) => seq);
  return { server, client, inbox, came, seqsNow };
}

test('an inbox lists the newest first, and takes what is pushed once', async () => {
  const { server, client, inbox, came, seqsNow } = await opened([4, 5], { more: true, unread: 2 });
  expect(client.notifications()).toBe(inbox);
  expect([seqsNow(), inbox.state.unread, inbox.state.more]).toEqual([[5, 4], 2, true]);
  server.last.push('notification:new', { notification: notification(6), unread: 3 });
  server.last.push('notification:new', { notification: notification(6), unread: 3 });
  expect([seqsNow(), inbox.state.unread, came]).toEqual([[6, 5, 4], 3, [6]]);
});

test('what comes out of order is fetched in order, and nothing is told twice', async () => {
  const { server, inbox, came, seqsNow } = await opened([1], { unread: 1 });
  server.last.push('notification:new', { notification: notification(3), unread: 3 });
  expect(lists(server.last)[1]?.payload).toEqual({ after: 1, limit: 50 });
  server.last.push('notification:new', { notification: notification(2), unread: 3 });
  await answer(lists(server.last)[1], listed([2, 3], { unread: 3 }));
  expect([seqsNow(), inbox.state.unread, came]).toEqual([[3, 2, 1], 3, [2, 3]]);
});

test('after a reconnect everything that was missed is fetched, in pages', async () => {
  const { server, inbox, came, seqsNow } = await opened([1, 2], { unread: 2 });
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('session-2', { resumed: true });
  await answer(lists(server.last)[0], listed([3, 4], { newer: true, head: 5, unread: 5 }));
  expect(lists(server.last)[1]?.payload).toEqual({ after: 4, limit: 50 });
  await answer(lists(server.last)[1], listed([5], { unread: 5 }));
  expect([seqsNow(), inbox.state.unread, came]).toEqual([[5, 4, 3, 2, 1], 5, [3, 4, 5]]);
});

test('reading on any device marks the list', async () => {
  const { server, inbox } = await opened([1, 2, 3], { unread: 3 });
  const reading = inbox.read(['n2']);
  await answer(server.last.requests('notification:read')[0], { ok: true, unread: 2 });
  await reading;
  const read = () => inbox.state.notifications.filter(({ read }) => read).map(({ seq }) => seq);
  expect([read(), inbox.state.unread]).toEqual([[2], 2]);
  server.last.push('notification:read', { up_to: 2, unread: 1 });
  expect([read(), inbox.state.unread]).toEqual([[2, 1], 1]);
  const all = inbox.readAll();
  expect(server.last.requests('notification:read')[1]?.payload).toEqual({ up_to: 3 });
  await answer(server.last.requests('notification:read')[1], { ok: true, unread: 0 });
  await all;
  expect([read(), inbox.state.unread]).toEqual([[3, 2, 1], 0]);
});

test('older ones are fetched as long as there are some', async () => {
  const { server, inbox, came, seqsNow } = await opened([3, 4], { more: true, unread: 0 });
  const older = inbox.loadOlder();
  expect(lists(server.last)[1]?.payload).toEqual({ before: 3, limit: 50 });
  await answer(lists(server.last)[1], listed([1, 2], { newer: true, head: 4, unread: 0 }));
  await older;
  expect([seqsNow(), inbox.state.more, came]).toEqual([[4, 3, 2, 1], false, []]);
  await inbox.loadOlder();
  expect(lists(server.last).length).toBe(2);
});

test('an answered invitation is shown as it is now', async () => {
  const { server, inbox } = await opened([1], { unread: 1 });
  const answered = inbox.answer('n1', true);
  const sent = server.last.requests('invite:answer')[0];
  expect(sent?.payload).toEqual({ notification: 'n1', accept: true });
  const by = { id: 'bo', name: 'Bo' };
  const about = { kind: 'server_invite', server: 's', name: 'S', by, state: 'accepted' } as const;
  server.last.push('notification:updated', { notification: { ...notification(1, true), about }, unread: 0 });
  await answer(sent, { ok: true, server: { info: { id: 's' } } });
  expect((await answered)?.info.id).toBe('s');
  expect([inbox.state.notifications[0]?.about, inbox.state.unread]).toEqual([about, 0]);
});

test('a refused list says why, and the next connection tries again', async () => {
  const { server, client } = await connected();
  const inbox = client.notifications();
  await answer(lists(server.last)[0], { ok: false, error: { code: 'unavailable', message: 'later' } });
  expect([inbox.state.loaded, inbox.state.error?.code]).toEqual([false, 'unavailable']);
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('session-2');
  await answer(lists(server.last)[0], listed([], { unread: 0 }));
  expect([inbox.state.loaded, inbox.state.error]).toEqual([true, null]);
  inbox.close();
  server.last.push('notification:new', { notification: notification(1), unread: 1 });
  expect(inbox.state.notifications).toEqual([]);
});
