// How many fit into a room, decided when everybody comes at once.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../lib/figures.mjs';
import { startServer } from '../lib/server.mjs';
import { Client } from '../lib/socket.mjs';
import { signToken } from '../lib/token.mjs';

const ROUNDS = 200;

/** A client may send 50 events a second, and each sends two a round. */
const ROUND_MS = 45;

let server;
let clients;

before(async () => {
  server = await startServer();
  clients = await Promise.all([1, 2, 3, 4, 5].map((n) => Client.connect(server, { token: signToken({ name: `rusher ${n}` }) })));
});

after(async () => {
  for (const client of clients ?? []) client.close();
  await server?.stop();
});

test(`in ${ROUNDS} rounds of five people joining a room of four at once, exactly four get a seat and one is told that it is full`, async () => {
  const owner = await Client.connect(server, { token: signToken({ name: 'owner' }) });
  for (let round = 0; round < ROUNDS; round += 1) {
    const pace = sleep(ROUND_MS);
    const room = await owner.createRoom({ name: `round ${round}`, capacity: 4 });
    const answers = await Promise.all(clients.map((client) => client.join(room.id).catch((error) => error)));
    const codes = answers.filter((answer) => answer instanceof Error).map((error) => error.code);
    assert.deepEqual(codes, ['room_full'], `round ${round}`);
    const seated = answers.filter((answer) => answer.ok);
    assert.equal(new Set(seated.map((answer) => answer.me.id)).size, 4);
    const last = seated.find((answer) => answer.room.participants.length === 4);
    assert.ok(last, `round ${round}: nobody saw four people`);
    await Promise.all(clients.map((client, n) => answers[n].ok && client.ask('room:leave', { room: room.id })));
    await owner.ask('room:close', { room: room.id });
    await pace;
  }
  owner.close();
});

test('who found the room full gets the seat of one who leaves', async () => {
  const [first, ...others] = clients;
  const room = await first.createRoom({ capacity: 2 });
  await first.join(room.id);
  await others[0].join(room.id);
  await assert.rejects(others[1].join(room.id), { code: 'room_full' });
  await others[0].ask('room:leave', { room: room.id });
  const joined = await others[1].join(room.id);
  assert.deepEqual(joined.room.participants.map((participant) => participant.name), ['rusher 1', 'rusher 3']);
});
