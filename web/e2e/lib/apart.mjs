// A server and clients in two network namespaces, with a cable between them: what is done to the cable is done to the clients' network alone.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CHROMIUM, openChromium } from './browser.mjs';
import { until } from './figures.mjs';
import { layCable, whyNoNamespaces } from './netns.mjs';
import { startServer } from './server.mjs';
import { signToken } from './token.mjs';

const PORT = 8_080;

/** The first UDP port and the TCP port of the media. */
export const MEDIA_PORT = 40_000;

/** What a test is skipped for: who isn't root can't make namespaces and is told so. Root can, so there a reason is a failure. */
export async function whySkipped() {
  const reason = await whyNoNamespaces();
  if (reason && process.getuid() === 0) throw new Error(reason);
  return reason;
}

/** Everything that was opened is closed by `close`. @param {{ env?: Record<string, string> }} options of the server */
export async function openApart({ env = {} } = {}) {
  const undo = [];
  const apart = {
    port: PORT,
    /** Stops in the reverse order of starting. */
    async close() {
      for (const step of undo.splice(0).reverse()) await step();
    },
    /** Runs a program in the server's namespace, until all is closed. */
    besideServer: (program, args) => start(apart.cable.inServer, program, args),
    /** A browser on the far end of the cable: its network is what happens to the cable. */
    openFarBrowser: (args) => openBrowser(apart.cable.inClient, args),
    /** A browser beside the server, that nothing happens to. */
    openNearBrowser: (args) => openBrowser(apart.cable.inServer, args),
    observe: () => observe(),
  };

  function start([wrapper, ...prefix], program, args) {
    const child = spawn(wrapper, [...prefix, program, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
    undo.push(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, 'exit');
    });
    return child;
  }

  const script = (place, name, args) => start(place, process.execPath, [fileURLToPath(new URL(name, import.meta.url)), ...args]);

  async function openBrowser(place, args = []) {
    const wrapper = join(apart.scratch, `chromium-${place.at(-1)}`);
    await writeFile(wrapper, `#!/bin/sh\nexec ${place.join(' ')} ${CHROMIUM} "$@"\n`);
    await chmod(wrapper, 0o755);
    const browser = await openChromium({ executablePath: wrapper, args });
    undo.push(() => browser.close());
    return browser;
  }

  /** Sits in a new room within the server's namespace. Gives the room and every event with the time of its arrival. */
  async function observe() {
    const child = script(apart.cable.inServer, 'observer.mjs', [`http://127.0.0.1:${PORT}`, signToken({ name: 'Observer' })]);
    const events = [];
    let room;
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text);
      if (line.room) room = line.room;
      else events.push({ at: performance.now(), ...line });
    });
    await until('the observer sits', () => room);
    return { room, events };
  }

  try {
    apart.cable = await layCable();
    undo.push(() => apart.cable.remove());
    apart.scratch = await mkdtemp(join(tmpdir(), 'zzan-e2e-apart-'));
    undo.push(() => rm(apart.scratch, { recursive: true, force: true }));
    apart.server = await startServer({
      command: apart.cable.inServer,
      listen: `0.0.0.0:${PORT}`,
      url: `http://127.0.0.1:${PORT}`,
      probe: false,
      env: {
        ZZAN_MEDIA_ADDRESSES: apart.cable.addresses.server,
        ZZAN_MEDIA_FIRST_PORT: String(MEDIA_PORT),
        ZZAN_MEDIA_WORKERS: '1',
        ...env,
      },
    });
    undo.push(() => apart.server.stop());
    // Pages get a camera from a loopback origin.
    const forward = script(apart.cable.inClient, 'forward.mjs', [PORT, apart.cable.addresses.server, PORT]);
    await once(createInterface({ input: forward.stdout }), 'line');
  } catch (error) {
    await apart.close();
    throw error;
  }
  return apart;
}
