import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChatHistory, ChatSend, Message } from '../src/protocol.gen.js';
import { message, opened, range, seqs } from './chat_fixture.js';
import type { FakeServer } from './fake_connection.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Answers every `chat:history` asked so far and later from `stored`. */
async function serveHistory(server: FakeServer, stored: Message[]) {
  const served = new Set<object>();
  for (let n = 0; n < 20; n += 1) {
    for (const request of server.last.requests('chat:history')) {
      if (served.has(request)) continue;
      served.add(request);
      const { before = Infinity, limit = 50 } = request.payload as ChatHistory;
      const older = stored.filter(({ seq }) => seq < before);
      request.answer({ ok: true, messages: older.slice(-limit), more: older.length > limit });
    }
    await vi.advanceTimersByTimeAsync(0);
  }
}

test('a sent message stands there at once and is confirmed by its answer', async () => {
  const { server, chat } = await opened();
  const sent = chat.send('hi');
  expect(chat.state.outgoing).toMatchObject([{ text: 'hi', state: 'sending' }]);
  server.last.sent[0]?.answer({ ok: true, message: message(1, 'hi', 'u1') });
  await sent;
  expect(chat.state.outgoing).toEqual([]);
  expect(seqs(chat)).toEqual([1]);
});

test('a push that overtakes the answer shows the message once', async () => {
  const { server, chat } = await opened();
  const sent = chat.send('hi');
  server.last.push('chat:message', { message: message(1, 'hi', 'u1') });
  expect(chat.state.outgoing).toEqual([]);
  server.last.sent[0]?.answer({ ok: true, message: message(1, 'hi', 'u1') });
  await sent;
  expect(seqs(chat)).toEqual([1]);
});

test('a send whose answer was lost goes out again with the same nonce', async () => {
  const { server, chat } = await opened();
  const sent = chat.send('hi');
  const first = server.last.sent[0]?.payload as ChatSend;
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s2');
  await vi.advanceTimersByTimeAsync(0);
  const [again] = server.last.requests('chat:send');
  expect(again?.payload).toEqual(first);
  again?.answer({ ok: true, message: message(1, 'hi', 'u1') });
  await sent;
  expect(chat.state.outgoing).toEqual([]);
});

test('a refused message stays as failed, and a retry uses its nonce', async () => {
  const { server, chat } = await opened();
  const sent = chat.send('hi');
  server.last.sent[0]?.answer({ ok: false, error: { code: 'rate_limited', message: 'slowly' } });
  await sent;
  expect(chat.state.outgoing).toMatchObject([{ state: 'failed', error: { code: 'rate_limited' } }]);
  const { nonce } = server.last.sent[0]?.payload as ChatSend;
  const retried = chat.retry(nonce);
  expect(server.last.requests('chat:send')[1]?.payload).toMatchObject({ nonce, text: 'hi' });
  server.last.requests('chat:send')[1]?.answer({ ok: true, message: message(1, 'hi', 'u1') });
  await retried;
  expect(seqs(chat)).toEqual([1]);
});

test('a skipped number is fetched', async () => {
  const { server, chat } = await opened();
  void chat.catchUp();
  await serveHistory(server, range(1, 3));
  server.last.push('chat:message', { message: message(6) });
  await serveHistory(server, range(1, 6));
  expect(seqs(chat)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a long absence is caught up over several pages', async () => {
  const { server, chat } = await opened();
  void chat.catchUp();
  await serveHistory(server, range(1, 10));
  void chat.catchUp();
  await serveHistory(server, range(1, 180));
  expect(seqs(chat)).toEqual(range(1, 180).map(({ seq }) => seq));
  expect(chat.state.more).toBe(false);
});

test('after too long an absence there is no hole, and older messages are paged', async () => {
  const { server, chat } = await opened();
  void chat.catchUp();
  await serveHistory(server, range(1, 10));
  void chat.catchUp();
  await serveHistory(server, range(1, 2000));
  expect(seqs(chat)).toEqual(range(1501, 2000).map(({ seq }) => seq));
  expect(chat.state.more).toBe(true);
  void chat.loadOlder();
  await serveHistory(server, range(1, 2000));
  expect(seqs(chat)[0]).toBe(1451);
});

test('the same message twice is heard once, and other channels are not heard', async () => {
  const { server, chat } = await opened();
  const heard: number[] = [];
  chat.onMessage(({ seq }) => heard.push(seq));
  for (const pushed of [message(1), message(1), { ...message(2), channel: 'c2' }]) server.last.push('chat:message', { message: pushed });
  expect(heard).toEqual([1]);
});

test('an edit and a deletion change what stands here, and add nothing', async () => {
  const { server, chat } = await opened();
  const heard: number[] = [];
  chat.onMessage(({ seq }) => heard.push(seq));
  for (const pushed of range(1, 2)) server.last.push('chat:message', { message: pushed });
  server.last.push('chat:edited', { message: { ...message(1, 'other'), edited_at: '2026-01-01T00:00:01Z' } });
  server.last.push('chat:deleted', { message: { ...message(2, ''), deleted: true } });
  server.last.push('chat:edited', { message: message(7, 'not here yet') });
  server.last.push('chat:edited', { message: { ...message(1, 'elsewhere'), channel: 'c2' } });
  expect(chat.state.messages).toMatchObject([{ seq: 1, text: 'other' }, { seq: 2, text: '', deleted: true }]);
  expect(heard).toEqual([1, 2]);
});

test('an own edit shows when it is stored, and a refused one changes nothing', async () => {
  const { server, chat } = await opened();
  server.last.push('chat:message', { message: message(1, 'hi', 'u1') });
  const edited = chat.edit(1, 'ho');
  expect(chat.state.messages[0]?.text).toBe('hi');
  server.last.requests('chat:edit')[0]?.answer({ ok: true, message: message(1, 'ho', 'u1') });
  await edited;
  expect(chat.state.messages[0]?.text).toBe('ho');
  const refused = chat.delete(1);
  server.last.requests('chat:delete')[0]?.answer({ ok: false, error: { code: 'forbidden', message: 'no' } });
  await expect(refused).rejects.toMatchObject({ code: 'forbidden' });
  expect(chat.state.messages[0]?.text).toBe('ho');
});

test('after an absence what was edited and deleted meanwhile is as it is now', async () => {
  const { server, chat } = await opened();
  const stored = range(1, 120);
  void chat.catchUp();
  await serveHistory(server, stored);
  void chat.loadOlder();
  await serveHistory(server, stored);
  expect(seqs(chat)).toEqual(stored.slice(20).map(({ seq }) => seq));
  stored[29] = { ...message(30, ''), deleted: true };
  stored[99] = message(100, 'edited');
  void chat.catchUp();
  await serveHistory(server, stored);
  const now = (seq: number) => chat.state.messages.find((one) => one.seq === seq);
  expect([now(30)?.deleted, now(100)?.text]).toEqual([true, 'edited']);
});

test('an answer carries the number of what it answers, also when it is tried again', async () => {
  const { server, chat } = await opened();
  const sent = chat.send('yes', 3);
  const [first] = server.last.requests('chat:send');
  expect((first?.payload as ChatSend).reply_to).toBe(3);
  first?.answer({ ok: false, error: { code: 'forbidden', message: 'no' } });
  await sent;
  void chat.retry(chat.state.outgoing[0]?.nonce ?? '');
  expect((server.last.requests('chat:send').at(-1)?.payload as ChatSend).reply_to).toBe(3);
});

const beer = (count: number) => [{ emoji: '🍻', count, users: ['u2'] }];

test('reactions are those told last, by an answer or a push, of this channel alone', async () => {
  const { server, chat } = await opened();
  for (const pushed of range(1, 2)) server.last.push('chat:message', { message: pushed });
  const reacted = chat.react(1, '🍻');
  const [request] = server.last.requests('chat:react');
  expect(request?.payload).toEqual({ channel: 'c1', seq: 1, emoji: '🍻', on: true });
  request?.answer({ ok: true, reactions: beer(1) });
  await reacted;
  expect(chat.state.messages.map(({ reactions }) => reactions)).toEqual([beer(1), undefined]);
  server.last.push('chat:reacted', { channel: 'c1', seq: 1, reactions: beer(2) });
  server.last.push('chat:reacted', { channel: 'c2', seq: 1, reactions: beer(3) });
  server.last.push('chat:reacted', { channel: 'c1', seq: 9, reactions: beer(3) });
  expect(chat.state.messages[0]?.reactions).toEqual(beer(2));
  const refused = chat.react(1, '🍻', false);
  server.last.requests('chat:react')[1]?.answer({ ok: false, error: { code: 'forbidden', message: 'no' } });
  await expect(refused).rejects.toMatchObject({ code: 'forbidden' });
  expect(chat.state.messages[0]?.reactions).toEqual(beer(2));
});

test('pins are asked for and heard', async () => {
  const { server, chat } = await opened();
  const heard: boolean[] = [];
  chat.onPin(({ on }) => heard.push(on));
  server.last.push('chat:pinned', { message: message(1), on: true });
  server.last.push('chat:pinned', { message: { ...message(1), channel: 'c2' }, on: false });
  expect(heard).toEqual([true]);
  const pinned = chat.pin(1, false);
  const [request] = server.last.requests('chat:pin');
  expect(request?.payload).toEqual({ channel: 'c1', seq: 1, on: false });
  request?.answer({ ok: true });
  await pinned;
  const pins = chat.pins();
  server.last.requests('chat:pins')[0]?.answer({ ok: true, messages: [message(3), message(1)] });
  expect((await pins).map(({ seq }) => seq)).toEqual([3, 1]);
});

test('a search asks for a page and leaves the messages here alone', async () => {
  const { server, chat } = await opened();
  const found = chat.search('막걸리', { before: '7', limit: 5 });
  const [request] = server.last.requests('chat:search');
  expect(request?.payload).toEqual({ channel: 'c1', text: '막걸리', before: '7', limit: 5 });
  request?.answer({ ok: true, messages: [message(9)], next: '3' });
  expect(await found).toMatchObject({ messages: [{ seq: 9 }], next: '3' });
  expect(seqs(chat)).toEqual([]);
});

test('typing is told once in three seconds, and again at once after a message', async () => {
  const { server, chat } = await opened();
  const heard: string[] = [];
  chat.onTyping(({ name }) => heard.push(name));
  const told = () => server.last.requests('chat:typing').length;
  for (let n = 0; n < 5; n += 1) chat.typing();
  expect(told()).toBe(1);
  await vi.advanceTimersByTimeAsync(3000);
  chat.typing();
  expect(told()).toBe(2);
  void chat.send('hi');
  chat.typing();
  expect(told()).toBe(3);
  server.last.requests('chat:typing')[0]?.answer({ ok: false, error: { code: 'forbidden', message: 'no' } });
  server.last.push('chat:typing', { channel: 'c2', user: 'u2', name: 'elsewhere' });
  server.last.push('chat:typing', { channel: 'c1', user: 'u2', name: 'bo' });
  expect(heard).toEqual(['bo']);
});

test('a file is uploaded where the server says, and goes with a message that may have no text', async () => {
  const { server, chat } = await opened();
  const put = vi.fn(async (_url: string, _init: RequestInit) => new Response(null, { status: 200 }));
  vi.stubGlobal('fetch', put);
  const uploaded = chat.upload(new Blob(['pixels'], { type: 'image/png;x=1' }), '안주.png');
  const [asked] = server.last.requests('chat:upload');
  expect(asked?.payload).toEqual({ channel: 'c1', name: '안주.png', mime: 'image/png', size_bytes: 6 });
  const headers = { 'content-type': 'image/png' };
  asked?.answer({ ok: true, upload_url: 'https://s3/put', headers, url: 'https://files/1', expires_in_ms: 1 });
  const attachment = await uploaded;
  expect(put).toHaveBeenCalledWith('https://s3/put', expect.objectContaining({ method: 'PUT', headers }));
  expect(attachment).toEqual({ url: 'https://files/1', name: '안주.png', mime: 'image/png', size_bytes: 6 });

  const sent = chat.send('', undefined, [attachment]);
  expect((server.last.requests('chat:send')[0]?.payload as ChatSend).attachments).toEqual([attachment]);
  server.last.push('chat:message', { message: message(1, '', 'u1') });
  expect(chat.state.outgoing).toHaveLength(1);
  server.last.push('chat:message', { message: { ...message(2, '', 'u1'), attachments: [attachment] } });
  expect(chat.state.outgoing).toEqual([]);
  server.last.requests('chat:send')[0]?.answer({ ok: true, message: { ...message(2, '', 'u1'), attachments: [attachment] } });
  await sent;

  put.mockResolvedValueOnce(new Response(null, { status: 403 }));
  const refused = chat.upload(new Blob(['x']), 'x');
  server.last.requests('chat:upload')[1]?.answer({ ok: true, upload_url: 'https://s3/put', headers, url: 'https://files/2', expires_in_ms: 1 });
  await expect(refused).rejects.toMatchObject({ code: 'unavailable' });
  vi.unstubAllGlobals();
});

test('a hole that could not be filled is filled when the session goes on', async () => {
  const { server, chat } = await opened();
  void chat.catchUp();
  await serveHistory(server, range(1, 3));
  server.last.push('chat:message', { message: message(6) });
  server.last.lose();
  await vi.advanceTimersByTimeAsync(1_000);
  server.last.ready('s1', { resumed: true, replayed: 0 });
  await serveHistory(server, range(1, 6));
  expect(seqs(chat)).toEqual([1, 2, 3, 4, 5, 6]);
});
