import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Client, type TokenReason } from '../src/client.js';
import { ZzanError } from '../src/errors.js';
import { FakeServer } from './fake_connection.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function connected(token: (reason: TokenReason) => string | Promise<string> = () => 'token-1') {
  const server = new FakeServer();
  const client = new Client({ url: 'http://zzan.test', token, connect: server.connect, random: () => 0.5 });
  client.open();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('session-1');
  return { server, client };
}

test('a reconnect passes the newest session secret', async () => {
  const { server, client } = await connected();
  expect(server.last.auth).toEqual({ token: 'token-1' });
  server.last.lose();
  expect(client.state).toBe('reconnecting');
  await vi.advanceTimersByTimeAsync(0);
  expect(server.last.auth).toEqual({ token: 'token-1', session: 'session-1', sn: 0 });
  server.last.ready('session-2', { resumed: true });
  expect(client.state).toBe('ready');
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  expect(server.last.auth.session).toBe('session-2');
});

test('a reconnect names the last event that it has, and none is heard twice', async () => {
  const { server, client } = await connected();
  const heard: string[] = [];
  client.onEvent('chat:message', ({ message }) => heard.push(message.text));
  const say = (text: string, sn: number) => server.last.push('chat:message', { message: { text } }, sn);
  say('a', 1);
  say('b', 2);
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  expect(server.last.auth).toMatchObject({ session: 'session-1', sn: 2 });
  say('b', 2);
  say('c', 3);
  server.last.ready('session-2', { resumed: true, sn: 3, replayed: 2 });
  say('c', 3);
  say('d', 4);
  expect(heard).toEqual(['a', 'b', 'c', 'd']);
});

test('a session in place of the old one counts anew', async () => {
  const { server, client } = await connected();
  const heard: string[] = [];
  client.onEvent('chat:message', ({ message }) => heard.push(message.text));
  server.last.push('chat:message', { message: { text: 'old' } }, 900);
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('session-2', { resync: true });
  server.last.push('chat:message', { message: { text: 'new' } }, 1);
  expect(heard).toEqual(['old', 'new']);
});

test('attempts wait longer and longer until the client is closed', async () => {
  const { server, client } = await connected();
  server.last.lose();
  for (const [wait, connections] of [[0, 2], [300, 3], [1200, 4], [2700, 5], [4800, 6], [7000, 7], [7000, 8]] as const) {
    if (wait > 0) await vi.advanceTimersByTimeAsync(wait - 1);
    expect(server.connections.length).toBe(wait > 0 ? connections - 1 : 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(server.connections.length).toBe(connections);
    server.last.lose(new ZzanError('unreachable', 'refused'));
  }
  client.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.connections.length).toBe(8);
});

test('an answer resolves, a refusal rejects with its code and its wait', async () => {
  const { server, client } = await connected();
  const good = client.request('lobby:list', {});
  const bad = client.request('lobby:list', {});
  server.last.sent[0]?.answer({ ok: true, rooms: [] });
  server.last.sent[1]?.answer({ ok: false, error: { code: 'rate_limited', message: 'slowly', retry_after_ms: 700 } });
  await expect(good).resolves.toMatchObject({ rooms: [] });
  await expect(bad).rejects.toMatchObject({ code: 'rate_limited', message: 'slowly', retryAfterMs: 700 });
});

test('a request without an answer in time rejects, and a late answer is dropped', async () => {
  const { server, client } = await connected();
  const rejected = expect(client.request('lobby:list', {}, 500)).rejects.toMatchObject({ code: 'timeout' });
  await vi.advanceTimersByTimeAsync(500);
  await rejected;
  server.last.sent[0]?.answer({ ok: true, rooms: [] });
});

test('requests under way reject when the connection goes, and are not sent twice', async () => {
  const { server, client } = await connected();
  const rejected = expect(client.request('lobby:list', {})).rejects.toMatchObject({ code: 'disconnected' });
  server.last.lose();
  await rejected;
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('session-2');
  expect(server.last.sent).toEqual([]);
});

test('a request made without a connection waits for the next one', async () => {
  const { server, client } = await connected();
  server.last.lose();
  const answer = client.request('lobby:list', {});
  await vi.advanceTimersByTimeAsync(0);
  expect(server.last.sent).toEqual([]);
  server.last.ready('session-2');
  server.last.sent[0]?.answer({ ok: true, rooms: [] });
  await expect(answer).resolves.toMatchObject({ ok: true });
});

test('a refused token is replaced once; a refused fresh token ends the client', async () => {
  const reasons: TokenReason[] = [];
  const { server, client } = await connected((reason) => (reasons.push(reason), `token-${reasons.length}`));
  const failed: ZzanError[] = [];
  client.on('failed', (error) => failed.push(error));
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.lose(new ZzanError('unauthorized', 'token expired'));
  await vi.advanceTimersByTimeAsync(300);
  expect(reasons).toEqual(['connect', 'connect', 'expired']);
  expect(server.last.auth.token).toBe('token-3');
  server.last.lose(new ZzanError('unauthorized', 'unknown key'));
  expect(client.state).toBe('closed');
  expect(failed.map(({ code }) => code)).toEqual(['unauthorized']);
});

test('an expiring session is refreshed with a fresh token', async () => {
  const { server } = await connected((reason) => (reason === 'expired' ? 'fresh' : 'stale'));
  server.last.push('session:expiring', { expires_in_ms: 30_000 });
  await vi.advanceTimersByTimeAsync(0);
  expect(server.last.requests('session:refresh')[0]?.payload).toEqual({ token: 'fresh' });
});

test('events of a replaced connection are not heard', async () => {
  const { server, client } = await connected();
  const heard: string[] = [];
  client.onEvent('room:replaced', ({ room }) => heard.push(room));
  const [old] = server.connections;
  client.reconnect();
  await vi.advanceTimersByTimeAsync(0);
  old?.push('room:replaced', { room: 'old' });
  server.last.push('room:replaced', { room: 'new' });
  expect(heard).toEqual(['new']);
  expect([old?.dropped, old?.closed]).toEqual([true, false]);
});

test('closing rejects what waits', async () => {
  const { client } = await connected();
  const rejected = expect(client.request('lobby:list', {})).rejects.toMatchObject({ code: 'closed' });
  client.close();
  await rejected;
  await expect(client.request('lobby:list', {})).rejects.toMatchObject({ code: 'closed' });
});
