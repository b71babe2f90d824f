// A client whose address changes in the middle of a call, and how long that can be seen and heard.

import { visitor } from './browser.mjs';
import { sleep, until } from './figures.mjs';
import { Visit } from './page.mjs';

/** The promise: the longest gap at the 95th percentile. */
export const GAP_P95_MS = 5_000;

/** A call of two, one at each end of the cable, and an observer. */
export async function openMovingCall(apart) {
  const observer = await apart.observe();
  const join = async (browser, name) => {
    const visit = await Visit.open(await visitor(browser), apart.server, `/r/${observer.room}`);
    await visit.standBefore(observer.room, { name });
    await visit.join();
    return visit;
  };
  const mover = await join(await apart.openFarBrowser(), 'Mover');
  const friend = await join(await apart.openNearBrowser(), 'Friend');
  await Promise.all([mover.seeMoving(1), friend.seeMoving(1)]);
  return { observer, mover, friend };
}

/** Moves the client once. Gives the longest time without a packet at either end, in ms, once both flow again. */
export async function moveOnce(apart, { mover, friend }) {
  await Promise.all([mover, friend].map((visit) => visit.witness.watchGaps()));
  await sleep(500);
  await apart.cable.move();
  // Longer than a gap that counts: what comes of the old address is not the end of it.
  await sleep(700);
  const gaps = (visit) => visit.witness.gaps();
  const flowing = ({ now, longest }) => now < 200 && longest > 400;
  const ends = await Promise.all([mover, friend].map((visit) => until('media flows again', () => gaps(visit), flowing, { within: 40_000 })));
  return { mover: Math.round(ends[0].longest), friend: Math.round(ends[1].longest) };
}
