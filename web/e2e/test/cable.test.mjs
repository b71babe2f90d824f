// A cut cable: packets are dropped in both directions and nobody is told. Two network namespaces, one for each end.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openApart, whySkipped } from '../lib/apart.mjs';
import { visitor } from '../lib/browser.mjs';
import { sleep, until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';

/** The promise: a seat survives a short outage, and doesn't haunt the room after a long one. */
const GONE_MIN_MS = 8_000;
const GONE_MAX_MS = 20_000;

const skip = await whySkipped();

let apart;
let browser;

before(async () => {
  if (skip) return;
  apart = await openApart();
  browser = await apart.openFarBrowser();
});

after(() => apart?.close());

test(
  'a cut cable: the seat is kept for eight seconds at least, given up after twenty at most, and no more media is sent into it',
  { skip },
  async (t) => {
    const { cable, server } = apart;
    const observer = await apart.observe();
    const visits = [];
    for (const name of ['Cut', 'Friend']) {
      const visit = await Visit.open(await visitor(browser), server, `/r/${observer.room}`);
      await visit.standBefore(observer.room, { name });
      await visit.join();
      visits.push(visit);
    }
    for (const visit of visits) await visit.seeMoving(1);
    const flowing = await cable.sent();
    await sleep(1_000);
    const perSecond = (await cable.sent()) - flowing;
    assert.ok(perSecond > 50, `only ${perSecond} packets a second flowed before the cut`);

    const cutAt = performance.now();
    await cable.cut();
    const isLeft = () => observer.events.filter((event) => event.name === 'participant:left');
    await until('both are gone', isLeft, (left) => left.length === 2, { within: GONE_MAX_MS + 2_000, every: 20 });
    for (const event of isLeft()) {
      const took = Math.round(event.at - cutAt);
      t.diagnostic(`cut to left: ${took} ms, ${event.data.reason}`);
      assert.ok(took >= GONE_MIN_MS, `gone after ${took} ms already`);
      assert.ok(took <= GONE_MAX_MS, `gone only after ${took} ms`);
    }
    const reconnecting = observer.events.filter((event) => event.name === 'participant:updated' && event.data.state === 'reconnecting');
    assert.equal(new Set(reconnecting.map((event) => event.data.participant.id)).size, 2);

    const stopped = await cable.sent();
    await sleep(2_000);
    assert.equal((await cable.sent()) - stopped, 0, 'packets were still sent to someone who is gone');
  },
);
