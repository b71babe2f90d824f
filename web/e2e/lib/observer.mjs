// A program: sits in a room over a socket and prints what it is told, one JSON line per event. For places that the test process can't
// reach itself, such as another network namespace.
//
//   node observer.mjs URL TOKEN      creates a room of four, joins it without media, prints {"room": …} first

import { Client } from './socket.mjs';

const [url, token] = process.argv.slice(2);
const client = await Client.connect({ url }, { token });
client.socket.onAny((name, data) => print({ name, data }));
const room = await client.createRoom({ name: 'cable', capacity: 4 });
const joined = await client.join(room.id);
print({ room: joined.room.id, me: joined.me });
process.once('SIGTERM', () => client.close());

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
