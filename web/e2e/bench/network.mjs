// Fifty changes of a client's address in the middle of one call: the longest time without a packet at either end. Fails above 5 s (p95), and
// when anybody was seen to leave or to join again. As root: it makes network namespaces.

import { openApart, whySkipped } from '../lib/apart.mjs';
import { percentile, sleep, summary } from '../lib/figures.mjs';
import { GAP_P95_MS, moveOnce, openMovingCall } from '../lib/moves.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 50);

const reason = await whySkipped();
if (reason) {
  console.error(reason);
  process.exit(2);
}

const apart = await openApart();
const [moved, other] = [[], []];
let events;
try {
  const call = await openMovingCall(apart);
  for (let round = 0; round < ROUNDS; round += 1) {
    const gaps = await moveOnce(apart, call);
    moved.push(gaps.mover);
    other.push(gaps.friend);
    // The rounds are independent once the watch has seen a steady flow again.
    await sleep(2_500);
  }
  // Before the end of it all, which is seen.
  events = [...call.observer.events];
} finally {
  await apart.close();
}

const seen = events.filter(({ name, data }) => name === 'participant:left' || name === 'track:unpublished' || data.state === 'reconnecting');
const joined = events.filter(({ name }) => name === 'participant:joined').length;
console.log(summary('address changed: gap at the end that moved', moved));
console.log(summary('address changed: gap at the other end', other));
console.log(`seen by a third: ${joined} joins of 2 people, ${seen.length} departures or signs of one`);
const holds = percentile(moved, 95) <= GAP_P95_MS && percentile(other, 95) <= GAP_P95_MS && joined === 2 && seen.length === 0;
console.log(holds ? 'the promise holds' : `the promise is broken: at most ${GAP_P95_MS} ms at the 95th percentile, and nobody notices`);
process.exitCode = holds ? 0 : 1;
