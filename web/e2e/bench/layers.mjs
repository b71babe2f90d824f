// Tiles that grow and shrink: how soon the larger picture is there, and how soon the publisher stops what nobody uses. Chromium and Firefox,
// both ways. Fails when a promise doesn't hold.

import { percentile, summary } from '../lib/figures.mjs';
import { enlarge, LAYERS, openPair, received, shrink, untilOff } from '../lib/layers.mjs';
import { startServer } from '../lib/server.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 10);

const server = await startServer();
const pair = await openPair(server);
let holds = true;
try {
  for (const [from, to] of [['Chromium', 'Firefox'], ['Firefox', 'Chromium']]) {
    const [publisher, subscriber] = [pair.visits[from], pair.visits[to]];
    const [enlarged, off] = [[], []];
    await shrink(subscriber);
    await untilOff(publisher, ['h', 'f']);
    const { freezeCount } = await received(subscriber);
    for (let round = 0; round < ROUNDS; round += 1) {
      enlarged.push(await enlarge(subscriber));
      const since = performance.now();
      await shrink(subscriber);
      off.push(await untilOff(publisher, ['h', 'f'], since));
    }
    const freezes = (await received(subscriber)).freezeCount - freezeCount;
    console.log(summary(`${from} to ${to}: tile enlarged to larger picture`, enlarged));
    console.log(summary(`${from} to ${to}: tile shrunk to last byte of unused layers`, off));
    console.log(`${from} to ${to}: ${freezes} freezes`);
    holds &&= percentile(enlarged, 100) <= LAYERS.enlargedMaxMs && percentile(off, 100) <= LAYERS.offMaxMs && freezes === 0;
  }
} finally {
  await pair.close();
  await server.stop();
}

console.log(holds ? 'the promises hold' : `a promise is broken: at most ${JSON.stringify(LAYERS)}, and no freeze`);
process.exitCode = holds ? 0 : 1;
