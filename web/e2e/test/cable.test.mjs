// A cut cable: packets are dropped in both directions and nobody is told. Two network namespaces, one for each end.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { CHROMIUM, openChromium, visitor } from '../lib/browser.mjs';
import { sleep, until } from '../lib/figures.mjs';
import { layCable, whyNoNamespaces } from '../lib/netns.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';
import { signToken } from '../lib/token.mjs';

/** The promise: a seat survives a short outage, and doesn't haunt the room after a long one. */
const GONE_MIN_MS = 8_000;
const GONE_MAX_MS = 20_000;

const PORT = 8_080;

// Who isn't root can't make namespaces and is told so. Root can, so there a reason is a failure.
const reason = await whyNoNamespaces();
const isRoot = process.getuid() === 0;

let cable;
let server;
let browser;
let scratch;
const children = [];

before(async () => {
  if (reason && isRoot) throw new Error(reason);
  if (reason) return;
  cable = await layCable();
  scratch = await mkdtemp(join(tmpdir(), 'zzan-e2e-cable-'));
  server = await startServer({
    command: cable.inServer,
    listen: `0.0.0.0:${PORT}`,
    url: `http://127.0.0.1:${PORT}`,
    probe: false,
    env: { ZZAN_MEDIA_ADDRESSES: cable.addresses.server },
  });
  const forward = inNamespace(cable.inClient, 'forward.mjs', [PORT, cable.addresses.server, PORT]);
  await once(createInterface({ input: forward.stdout }), 'line');
  const wrapper = join(scratch, 'chromium');
  await writeFile(wrapper, `#!/bin/sh\nexec ${cable.inClient.join(' ')} ${CHROMIUM} "$@"\n`);
  await chmod(wrapper, 0o755);
  browser = await openChromium({ executablePath: wrapper });
});

after(async () => {
  await browser?.close();
  await server?.stop();
  for (const child of children) child.kill();
  await cable?.remove();
  if (scratch) await rm(scratch, { recursive: true, force: true });
});

function inNamespace([program, ...prefix], script, args) {
  const path = fileURLToPath(new URL(`../lib/${script}`, import.meta.url));
  const child = spawn(program, [...prefix, process.execPath, path, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

/** Sits in a new room within the server's namespace. Gives the room and every event with the time of its arrival. */
async function observe() {
  const url = `http://127.0.0.1:${PORT}`;
  const child = inNamespace(cable.inServer, 'observer.mjs', [url, signToken({ name: 'Observer' })]);
  const events = [];
  let room;
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text);
    if (line.room) room = line.room;
    else events.push({ at: performance.now(), ...line });
  });
  await until('the observer sits', () => room);
  return { room, events, first: (name, passes) => events.find((event) => event.name === name && passes(event.data)) };
}

test(
  'a cut cable: the seat is kept for eight seconds at least, given up after twenty at most, and no more media is sent into it',
  { skip: !isRoot && reason },
  async (t) => {
    const observer = await observe();
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
