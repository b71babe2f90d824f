// Pieces of a history: opened in its middle, grown at both ends, left for another.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChatHistory, Message } from '../src/protocol.gen.js';
import { message, opened, range, seqs } from './chat_fixture.js';
import type { FakeServer, Sent } from './fake_connection.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const numbers = (from: number, to: number) => range(from, to).map(({ seq }) => seq);

/** What the server would say. */
function answer(request: Sent | undefined, stored: Message[]) {
  const { before, after, around, limit = 50 } = request?.payload as ChatHistory;
  const from = around !== undefined ? around - Math.floor(limit / 2) : after !== undefined ? after + 1 : Math.min(before ?? Infinity, stored.length + 1) - limit;
  const page = stored.filter(({ seq }) => seq >= from && seq < from + limit && seq < (before ?? Infinity));
  request?.answer({ ok: true, messages: page, more: (page[0]?.seq ?? 1) > 1, newer: (page.at(-1)?.seq ?? 0) < stored.length });
}

/** Answers what is asked until nothing is. */
async function serve(server: FakeServer, stored: Message[], served = new Set<Sent>()) {
  for (let n = 0; n < 20; n += 1) {
    for (const request of server.last.requests('chat:history')) if (!served.has(request)) answer(served.add(request) && request, stored);
    await vi.advanceTimersByTimeAsync(0);
  }
  return served;
}

test('a piece around a message grows at both ends, up to the end of the history', async () => {
  const { server, chat } = await opened();
  const stored = range(1, 200);
  void chat.goTo(100);
  const served = await serve(server, stored);
  expect([seqs(chat), chat.state.more, chat.state.newer]).toEqual([numbers(75, 124), true, true]);
  void chat.loadNewer();
  await serve(server, stored, served);
  void chat.loadOlder();
  await serve(server, stored, served);
  expect([seqs(chat), chat.state.newer]).toEqual([numbers(25, 174), true]);
  void chat.loadNewer();
  await serve(server, stored, served);
  expect([chat.state.messages.at(-1)?.seq, chat.state.newer]).toEqual([200, false]);
  const asked = server.last.requests('chat:history').length;
  void chat.loadNewer();
  void chat.goTo(150);
  expect(server.last.requests('chat:history')).toHaveLength(asked);
});

test('what comes while one is away from the end is left out, and is there when one goes to it', async () => {
  const { server, chat } = await opened();
  const heard: number[] = [];
  chat.onMessage(({ seq }) => heard.push(seq));
  void chat.goTo(10);
  const served = await serve(server, range(1, 100));
  server.last.push('chat:message', { message: message(101) });
  expect([chat.state.messages.at(-1)?.seq, heard]).toEqual([34, [101]]);
  void chat.toNewest();
  await serve(server, range(1, 101), served);
  expect([seqs(chat), chat.state.newer]).toEqual([numbers(52, 101), false]);
  server.last.push('chat:message', { message: message(102) });
  expect(seqs(chat)).toEqual(numbers(52, 102));
});

test('a message that overtakes the page that it isn’t on is known to be newer', async () => {
  const { server, chat } = await opened();
  void chat.goTo(10);
  const served = await serve(server, range(1, 100));
  void chat.toNewest();
  server.last.push('chat:message', { message: message(101) });
  await serve(server, range(1, 100), served);
  expect([chat.state.messages.at(-1)?.seq, chat.state.newer]).toEqual([100, true]);
  void chat.loadNewer();
  await serve(server, range(1, 101), served);
  expect([chat.state.messages.at(-1)?.seq, chat.state.newer]).toEqual([101, false]);
});

test('a page of a piece that was left meanwhile is of no use', async () => {
  const { server, chat } = await opened();
  void chat.catchUp();
  void chat.goTo(10);
  const [late, around] = server.last.requests('chat:history');
  answer(around, range(1, 200));
  await vi.advanceTimersByTimeAsync(0);
  answer(late, range(1, 200));
  await serve(server, range(1, 200), new Set([late, around].filter((one) => one !== undefined)));
  expect([seqs(chat), chat.state.newer]).toEqual([numbers(1, 34), true]);
});

test('a piece in the middle is fetched again after something was missed', async () => {
  const { server, chat } = await opened();
  void chat.goTo(100);
  const served = await serve(server, range(1, 200));
  void chat.catchUp();
  await serve(server, range(1, 200).map((one) => (one.seq === 99 ? { ...one, text: 'edited' } : one)), served);
  expect([seqs(chat).slice(0, 50), chat.state.newer]).toEqual([numbers(75, 124), true]);
  expect(chat.state.messages.find(({ seq }) => seq === 99)?.text).toBe('edited');
});

test('who sends away from the end goes to the end', async () => {
  const { server, chat } = await opened();
  void chat.goTo(10);
  const served = await serve(server, range(1, 100));
  const sent = chat.send('hi');
  await serve(server, range(1, 100), served);
  server.last.requests('chat:send')[0]?.answer({ ok: true, message: message(101, 'hi', 'u1') });
  await sent;
  expect([seqs(chat), chat.state.newer, chat.state.outgoing]).toEqual([numbers(51, 101), false, []]);
});

test('a piece that can’t be had leaves the one that is here', async () => {
  const { server, chat } = await opened();
  void chat.catchUp();
  const served = await serve(server, range(1, 100));
  const gone = chat.goTo(10);
  server.last.requests('chat:history').find((one) => !served.has(one))?.answer({ ok: false, error: { code: 'not_found', message: 'no' } });
  await expect(gone).rejects.toMatchObject({ code: 'not_found' });
  expect([seqs(chat), chat.state.newer, chat.state.loading]).toEqual([numbers(51, 100), false, false]);
});

test('what is answered elsewhere is fetched once, and is as it is now', async () => {
  const { server, chat } = await opened();
  void chat.fetchQuoted([3, 5]);
  void chat.fetchQuoted([3]);
  const served = await serve(server, range(1, 10));
  expect([...chat.state.quoted.keys()]).toEqual([3, 5]);
  server.last.push('chat:edited', { message: message(3, 'edited') });
  expect(chat.state.quoted.get(3)?.text).toBe('edited');
  expect(served.size).toBe(2);
});

test('one’s own reactions are known among ten, and what was done here beyond', async () => {
  const { server, chat } = await opened();
  const users = Array.from({ length: 10 }, (_, n) => `x${n}`);
  const of = (count: number, by: string[]) => ({ ...message(1), reactions: [{ emoji: '👍', count, users: by }] });
  expect(chat.hasReacted(message(1), '👍')).toBe(false);
  expect(chat.hasReacted(of(2, ['x1', 'u1']), '👍')).toBe(true);
  expect(chat.hasReacted(of(12, users), '👍')).toBe(false);
  const reacted = chat.react(1, '👍');
  server.last.requests('chat:react')[0]?.answer({ ok: true, reactions: [] });
  await reacted;
  expect(chat.hasReacted(of(12, users), '👍')).toBe(true);
  expect(chat.hasReacted(of(1, ['x1']), '👍')).toBe(false);
});
