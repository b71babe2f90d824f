// Joins of a third person into a call of two: from the click on join to the first remote frame on the screen. Fails above one second (p95).

import { openChromium, visitor } from '../lib/browser.mjs';
import { percentile, summary } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';

const JOINS = Number(process.env.JOINS ?? 20);
const P95_MAX_MS = 1_000;

const server = await startServer();
const browser = await openChromium();
const times = [];
try {
  const [host, friend, joiner] = await Promise.all([1, 2, 3].map(async () => Visit.open(await visitor(browser), server)));
  await host.enterLobby('Host');
  const room = await host.createRoom({ name: 'bench', size: 4 });
  await host.join();
  await friend.standBefore(room, { name: 'Friend' });
  await friend.join();
  await friend.seeMoving(1);
  for (let n = 0; n < JOINS; n += 1) {
    await joiner.standBefore(room, { name: 'Joiner' });
    await joiner.join();
    await joiner.seeMoving(2);
    times.push(await joiner.witness.joinMs());
    await joiner.leave();
  }
} finally {
  await browser.close();
  await server.stop();
}

console.log(summary('click on join to first remote frame', times));
const p95 = percentile(times, 95);
console.log(p95 <= P95_MAX_MS ? 'the promise holds' : `the promise is broken: p95 ${Math.round(p95)} ms, at most ${P95_MAX_MS} ms`);
process.exitCode = p95 <= P95_MAX_MS ? 0 : 1;
