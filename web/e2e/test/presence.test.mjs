// People who vanish: a closed tab, a refresh, a killed browser. A socket that sits in the room is the witness of what the others are told.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openChromium, openDoomedChromium, visitor } from '../lib/browser.mjs';
import { closeTabAndWatch, TAB_CLOSED } from '../lib/presence.mjs';
import { summary } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';
import { Client } from '../lib/socket.mjs';

const ROUNDS = 3;

/**
 * Machines are shared: here the bounds only tell the short grace (2 s) from the long one (10 s). The promise itself, over many rounds on a quiet
 * machine, is what `npm run bench:leave` holds.
 */
const NOISE = 3;

/** Of a killed browser: its sockets end without a word, which counts as a silent loss. */
const KILLED_MAX_MS = 20_000;

let server;
let browser;
let observer;
let room;

before(async () => {
  server = await startServer();
  browser = await openChromium();
  observer = await Client.connect(server, { name: 'Observer' });
  room = await observer.createRoom({ name: 'who is there' });
  await observer.join(room.id);
});

after(async () => {
  observer?.close();
  await browser?.close();
  await server?.stop();
});

async function arrive(inBrowser, name) {
  const since = performance.now();
  const visit = await Visit.open(await visitor(inBrowser), server, `/r/${room.id}`);
  await visit.standBefore(room.id, { name });
  await visit.join();
  const { data } = await observer.when('participant:joined', (event) => event.participant.name === name, { after: since });
  await observer.when('track:published', (event) => event.track.participant === data.participant.id, { after: since });
  return { visit, participant: data.participant };
}

test('a closed tab is shown as reconnecting, and loses its seat after the short grace and not the long one', async (t) => {
  const [reconnecting, left] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { visit, participant } = await arrive(browser, `Closer ${round}`);
    const times = await closeTabAndWatch(visit.page, observer, participant.id);
    await visit.page.context().close();
    reconnecting.push(times.reconnecting);
    left.push(times.left);
    assert.equal(times.reason, 'disconnected');
  }
  t.diagnostic(summary('tab closed to reconnecting', reconnecting));
  t.diagnostic(summary('tab closed to left', left));
  assert.ok(Math.max(...reconnecting) <= NOISE * TAB_CLOSED.reconnectingMaxMs, `${reconnecting}`);
  assert.ok(Math.max(...left) <= NOISE * TAB_CLOSED.leftMaxMs, `${left}`);
});

test('a refresh keeps the seat and the id, brings the media back, and nobody sees anyone leave', async () => {
  const { visit, participant } = await arrive(browser, 'Refresher');
  const { visit: friend } = await arrive(browser, 'Friend');
  await friend.seeMoving(1);
  for (let round = 0; round < 2; round += 1) {
    const since = performance.now();
    await visit.page.reload();
    const back = await observer.when('participant:updated', (event) => event.participant.id === participant.id && event.state === 'joined', {
      after: since,
    });
    assert.equal(back.data.participant.name, 'Refresher');
    await visit.see('call');
    await visit.seePeople(3);
    await visit.seeMoving(1);
    await friend.seeMoving(1);
    assert.deepEqual(observer.seen('participant:left', since), []);
    assert.deepEqual(observer.seen('participant:joined', since), []);
    assert.deepEqual(await visit.liveOffers(), [1]);
  }
  await visit.leave();
  await friend.leave();
  await visit.page.context().close();
  await friend.page.context().close();
});

/** Packets that the SFU has forwarded so far. */
async function forwarded() {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^zzan_media_packets_forwarded_total (\d+)/m.exec(metrics)?.[1]);
}

async function forwardedInASecond() {
  const before = await forwarded();
  await sleep(1_000);
  return (await forwarded()) - before;
}

test('a browser killed with SIGKILL is gone within twenty seconds, and nothing is sent to it any more', async (t) => {
  const { visit: friend } = await arrive(browser, 'Friend');
  const doomed = await openDoomedChromium();
  const { participant } = await arrive(doomed.browser, 'Doomed');
  await friend.seeMoving(1);
  assert.ok((await forwardedInASecond()) > 50, 'the two see and hear each other');
  const since = performance.now();
  doomed.kill();
  const isDoomed = (event) => event.participant === participant.id;
  const { at, data } = await observer.when('participant:left', isDoomed, { after: since, within: KILLED_MAX_MS });
  t.diagnostic(`killed to left: ${Math.round(at - since)} ms, ${data.reason}`);
  assert.equal(await forwardedInASecond(), 0, 'the friend is the only one left with media');
  await friend.page.context().close();
  await doomed.close();
});
