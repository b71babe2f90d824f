// A chat of one channel on a server that the test plays.

import { vi } from 'vitest';
import { Chat } from '../src/chat.js';
import { Client } from '../src/client.js';
import type { Message } from '../src/protocol.gen.js';
import { FakeServer } from './fake_connection.js';

export const message = (seq: number, text = `text ${seq}`, user = 'u2'): Message => ({
  id: `m${seq}`, channel: 'c1', seq, author: { id: user, name: user }, text, sent_at: '2026-01-01T00:00:00Z',
});
export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => message(from + n));
export const seqs = (chat: Chat) => chat.state.messages.map(({ seq }) => seq);

export async function opened() {
  const server = new FakeServer();
  const client = new Client({ url: 'http://zzan.test', token: () => 't', connect: server.connect, random: () => 0.5 });
  client.open();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s1');
  return { server, client, chat: new Chat(client, 'c1', 'u1') };
}
