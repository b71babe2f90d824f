// Fifty closed tabs: how soon the others see "reconnecting", and how soon the person is gone. Fails when the promise doesn't hold.

import { openChromium, visitor } from '../lib/browser.mjs';
import { percentile, summary } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { closeTabAndWatch, TAB_CLOSED } from '../lib/presence.mjs';
import { startServer } from '../lib/server.mjs';
import { Client } from '../lib/socket.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 50);

const server = await startServer();
const browser = await openChromium();
const observer = await Client.connect(server, { name: 'Observer' });
const [reconnecting, left] = [[], []];
try {
  const room = await observer.createRoom({ name: 'bench' });
  await observer.join(room.id);
  for (let round = 0; round < ROUNDS; round += 1) {
    const context = await visitor(browser);
    const since = performance.now();
    const visit = await Visit.open(context, server, `/r/${room.id}`);
    await visit.standBefore(room.id, { name: `Closer ${round}` });
    await visit.join();
    const { data } = await observer.when('track:published', () => true, { after: since });
    const times = await closeTabAndWatch(visit.page, observer, data.track.participant);
    reconnecting.push(times.reconnecting);
    left.push(times.left);
    await context.close();
  }
} finally {
  observer.close();
  await browser.close();
  await server.stop();
}

console.log(summary('tab closed to reconnecting', reconnecting));
console.log(summary('tab closed to left', left));
const holds = percentile(reconnecting, 99) <= TAB_CLOSED.reconnectingMaxMs && percentile(left, 99) <= TAB_CLOSED.leftMaxMs;
console.log(holds ? 'the promise holds' : `the promise is broken: at most ${JSON.stringify(TAB_CLOSED)}`);
process.exitCode = holds ? 0 : 1;
