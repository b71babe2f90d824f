import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Client } from '../src/client.js';
import { Notes } from '../src/notes.js';
import type { Note, NoteLine } from '../src/protocol.gen.js';
import { FakeServer, type Sent } from './fake_connection.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const PERSON = { id: 'u', name: 'Kim' };

function note(n: number, rest: Partial<Note> = {}): Note {
  return { id: `note${n}`, channel: 'c', name: `N${n}`, started_by: PERSON, started_at: `2030-01-01T00:00:0${n}Z`, lines: 0, ...rest };
}

const over = (n: number, lines = 0) => note(n, { ended_at: '2030-01-01T01:00:00Z', lines });

function line(seq: number): NoteLine {
  return { seq, speaker: PERSON, text: `line ${seq}`, at: '2030-01-01T00:00:00Z' };
}

async function answer(sent: Sent | undefined, ack: object) {
  if (!sent) throw new Error('it was not asked');
  sent.answer({ ok: true, ...ack });
  await vi.advanceTimersByTimeAsync(0);
}

async function refuse(sent: Sent | undefined, code: string, retry_after_ms?: number) {
  sent?.answer({ ok: false, error: { code, message: code, ...(retry_after_ms === undefined ? {} : { retry_after_ms }) } });
  await vi.advanceTimersByTimeAsync(0);
}

/** Notes of a channel whose list was answered. */
async function opened(listed: Note[], lines: NoteLine[] = []) {
  const server = new FakeServer();
  const client = new Client({ url: 'http://zzan.test', token: () => 'token', connect: server.connect, random: () => 0.5 });
  client.open();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('session-1');
  const notes = new Notes(client, 'c');
  await answer(server.last.requests('note:list')[0], { notes: listed });
  const running = listed.find(({ ended_at }) => ended_at === undefined);
  if (running) await answer(server.last.requests('note:get')[0], { note: { ...running, lines: lines.length }, lines });
  const texts = () => notes.state.lines.map(({ text }) => text);
  return { server, notes, texts };
}

test('the running note comes with its lines, the others newest first', async () => {
  const { notes, texts } = await opened([note(3), over(1), over(2)], [line(1), line(2)]);
  expect([notes.state.running?.id, texts(), notes.state.loaded]).toEqual(['note3', ['line 1', 'line 2'], true]);
  expect(notes.state.ended.map(({ id }) => id)).toEqual(['note2', 'note1']);
});

test('a note that starts, goes on and ends is followed, once each', async () => {
  const { server, notes, texts } = await opened([]);
  const told: string[] = [];
  notes.on('started', ({ id }) => told.push(`+${id}`));
  notes.on('ended', ({ id }) => told.push(`-${id}`));
  for (let n = 0; n < 2; n += 1) server.last.push('note:started', { note: note(1) });
  server.last.push('note:started', { note: { ...note(2), channel: 'elsewhere' } });
  for (const seq of [1, 1, 2]) server.last.push('note:appended', { channel: 'c', note: 'note1', line: line(seq) });
  expect(texts()).toEqual(['line 1', 'line 2']);
  for (let n = 0; n < 2; n += 1) server.last.push('note:ended', { note: over(1, 2) });
  expect([notes.state.running, texts(), told]).toEqual([undefined, [], ['+note1', '-note1']]);
  expect(notes.state.ended.map(({ lines }) => lines)).toEqual([2]);
  server.last.push('note:started', { note: note(1) });
  expect(notes.state.running).toBeUndefined();
});

test('a line whose number skips some is fetched with those before it', async () => {
  const { server, texts } = await opened([note(1)], [line(1)]);
  server.last.push('note:appended', { channel: 'c', note: 'note1', line: line(4) });
  expect(texts()).toEqual(['line 1']);
  expect(server.last.requests('note:get')[1]?.payload).toEqual({ channel: 'c', note: 'note1', after: 1, limit: 500 });
  await answer(server.last.requests('note:get')[1], { note: note(1, { lines: 4 }), lines: [line(2), line(3)] });
  await answer(server.last.requests('note:get')[2], { note: note(1, { lines: 4 }), lines: [line(4)] });
  expect(texts()).toEqual(['line 1', 'line 2', 'line 3', 'line 4']);
});

test('after a new session the list and what was missed of the note are fetched', async () => {
  const { server, notes, texts } = await opened([note(1)], [line(1)]);
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('session-2');
  await answer(server.last.requests('note:list')[0], { notes: [note(1)] });
  await answer(server.last.requests('note:get')[0], { note: note(1, { lines: 2 }), lines: [line(2)] });
  expect(texts()).toEqual(['line 1', 'line 2']);
  server.last.lose();
  await vi.advanceTimersByTimeAsync(1_000);
  server.last.ready('session-3');
  await answer(server.last.requests('note:list')[0], { notes: [over(1, 2)] });
  expect([notes.state.running, notes.state.ended.map(({ id }) => id)]).toEqual([undefined, ['note1']]);
});

test('a note that starts while the list is on its way is not lost by the list', async () => {
  const { server, notes } = await opened([]);
  server.last.push('session:ready', { session: 'session-1', resumed: true, sn: 0, resync: false, expires_in_ms: 60_000 });
  server.last.push('note:started', { note: note(1) });
  await answer(server.last.requests('note:list')[1], { notes: [] });
  await answer(server.last.requests('note:list')[2], { notes: [note(1)] });
  expect(notes.state.running?.id).toBe('note1');
});

test('what one says stands there at once, goes in its order, and counts once', async () => {
  const { server, notes, texts } = await opened([note(1)]);
  void notes.append('first');
  void notes.append('second');
  await vi.advanceTimersByTimeAsync(0);
  const asked = () => server.last.requests('note:append');
  expect([asked().length, notes.state.outgoing.map(({ text }) => text)]).toEqual([1, ['first', 'second']]);
  server.last.push('note:appended', { channel: 'c', note: 'note1', line: line(1) });
  await answer(asked()[0], { line: line(1) });
  expect([texts(), asked().length, notes.state.outgoing.length]).toEqual([['line 1'], 2, 1]);
  await answer(asked()[1], { line: line(2) });
  expect([texts(), notes.state.outgoing]).toEqual([['line 1', 'line 2'], []]);
});

test('a line waits as long as the server says, with the same nonce; one that fails is the person’s to decide', async () => {
  const { server, notes } = await opened([note(1)]);
  void notes.append('often');
  await vi.advanceTimersByTimeAsync(0);
  const asked = () => server.last.requests('note:append');
  await refuse(asked()[0], 'rate_limited', 700);
  await vi.advanceTimersByTimeAsync(699);
  expect(asked().length).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked()[1]?.payload).toEqual(asked()[0]?.payload);
  await refuse(asked()[1], 'too_large');
  const [failed] = notes.state.outgoing;
  expect([failed?.state, failed?.error?.code]).toEqual(['failed', 'too_large']);
  void notes.retry(failed?.nonce ?? '');
  await vi.advanceTimersByTimeAsync(0);
  expect(asked()[2]?.payload).toEqual(asked()[0]?.payload);
  await refuse(asked()[2], 'not_found');
  notes.discard(failed?.nonce ?? '');
  expect(notes.state.outgoing).toEqual([]);
});

test('a note ends after what was said before, and a refusal is the asker’s to hear', async () => {
  const { server, notes } = await opened([]);
  const starting = expect(notes.start('weekly')).rejects.toMatchObject({ code: 'conflict' });
  await refuse(server.last.requests('note:start')[0], 'conflict');
  await starting;
  const started = notes.start('weekly');
  await answer(server.last.requests('note:start')[1], { note: note(1) });
  expect((await started).id).toBe('note1');
  void notes.append('last words');
  const ending = notes.end();
  await vi.advanceTimersByTimeAsync(0);
  expect(server.last.requests('note:end').length).toBe(0);
  await answer(server.last.requests('note:append')[0], { line: line(1) });
  await answer(server.last.requests('note:end')[0], { note: over(1, 1) });
  await ending;
  expect([notes.state.running, notes.state.ended.length]).toEqual([undefined, 1]);
});

test('a long note is read to its end, and older ones are listed in pages', async () => {
  const { server, notes } = await opened(Array.from({ length: 30 }, (_, n) => ({ ...over(1), id: `n${n}`, started_at: new Date(1_000_000 - n).toISOString() })));
  const reading = notes.read('n0');
  const gets = () => server.last.requests('note:get');
  await answer(gets()[0], { note: over(1, 3), lines: [line(1), line(2)] });
  expect(gets()[1]?.payload).toEqual({ channel: 'c', note: 'n0', after: 2, limit: 500 });
  await answer(gets()[1], { note: over(1, 3), lines: [line(3)] });
  expect((await reading).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  const older = notes.loadOlder();
  expect(server.last.requests('note:list')[1]?.payload).toEqual({ channel: 'c', before: new Date(1_000_000 - 29).toISOString(), limit: 30 });
  await answer(server.last.requests('note:list')[1], { notes: [] });
  await older;
  expect([notes.state.ended.length, notes.state.more]).toEqual([30, false]);
  const exported = notes.export('n0', 'markdown');
  expect(server.last.requests('note:export')[0]?.payload).toEqual({ channel: 'c', note: 'n0', format: 'markdown' });
  await answer(server.last.requests('note:export')[0], { text: '# N' });
  expect(await exported).toBe('# N');
});
