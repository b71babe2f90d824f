// The real `zzan` binary on a free port of loopback with a data directory of its own. Whoever starts one stops it: by its pid.

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const READY_MS = 20_000;
const STOP_MS = 8_000;
const LOG_LINES_MAX = 2_000;

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export const DEV_KEY = 'devkey';
export const DEV_SECRET = 'devsecret-devsecret-devsecret-32ch';

/** Where the binary is: `ZZAN_BIN`, else the release build, else the debug build. */
export function binary() {
  const found = [process.env.ZZAN_BIN, `${ROOT}target/release/zzan`, `${ROOT}target/debug/zzan`].find((path) => path && existsSync(path));
  if (!found) throw new Error('there is no zzan binary: build it, or give its path as ZZAN_BIN');
  return resolve(found);
}

/** Below those that the kernel gives to whoever doesn't ask for one, any of which may be gone before it is used. */
const PORTS = { first: 12_000, count: 20_000 };

/** A port that a server may listen on, on loopback. */
export async function freePort() {
  for (;;) {
    const probe = createServer().listen(PORTS.first + randomInt(PORTS.count), '127.0.0.1');
    try {
      await once(probe, 'listening');
    } catch (error) {
      if (error.code === 'EADDRINUSE') continue;
      throw error;
    }
    const { port } = probe.address();
    probe.close();
    await once(probe, 'close');
    return port;
  }
}

/**
 * Starts a node in dev mode and waits until it is ready.
 * @param {{ args?: string[], env?: Record<string, string>, command?: string[], listen?: string, url?: string, probe?: boolean }} options
 *   `command` runs the binary by another program (`ip netns exec …`); there `probe: false` waits for the log instead of HTTP.
 */
export async function startServer({ args = [], env = {}, command = [], listen, url, probe = true } = {}) {
  const zzan = binary();
  const dataDir = await mkdtemp(join(tmpdir(), 'zzan-e2e-'));
  const address = listen ?? `127.0.0.1:${await freePort()}`;
  const [program, ...rest] = [...command, zzan, 'serve', '--dev', '--listen', address, '--data-dir', join(dataDir, 'data'), ...args];
  const log = [];
  const server = {
    url: url ?? `http://${address}`,
    dataDir,
    log,
    child: run(program, rest, { cwd: dataDir, env: { ...foreignEnv(), ...env } }, log),
    get pid() {
      return this.child.pid;
    },
    /** Ends the process as a crash does. */
    async kill() {
      this.child.kill('SIGKILL');
      await exit(this.child);
    },
    /** Starts it again: same address, same data. */
    async startAgain() {
      this.child = run(program, rest, { cwd: dataDir, env: { ...foreignEnv(), ...env } }, log);
      await (probe ? untilReady(this) : untilLogged(this, address));
    },
    async stop() {
      this.child.kill('SIGTERM');
      const kill = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
      await exit(this.child);
      clearTimeout(kill);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  try {
    await (probe ? untilReady(server) : untilLogged(server, address));
  } catch (error) {
    await server.stop();
    throw new Error(`${error.message}\n${log.join('\n')}`);
  }
  return server;
}

function run(program, args, options, log) {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      log.push(...text.split('\n').filter(Boolean));
      log.splice(0, Math.max(0, log.length - LOG_LINES_MAX));
    });
  }
  return child;
}

async function exit(child) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** What a developer has set for a server of their own must not reach this one. */
function foreignEnv() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ZZAN_')));
}

async function untilReady(server) {
  await poll(server, async () => {
    const response = await fetch(`${server.url}/readyz`).catch(() => undefined);
    return response?.ok;
  });
}

async function untilLogged(server, address) {
  await poll(server, () => server.log.some((line) => line.includes(address)));
}

async function poll(server, isReady) {
  const end = Date.now() + READY_MS;
  while (Date.now() < end) {
    if (server.child.exitCode !== null) throw new Error(`zzan exited with ${server.child.exitCode} before it was ready`);
    if (await isReady()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`zzan was not ready within ${READY_MS} ms`);
}

/** Calls the REST API with the dev key. @returns the parsed answer; throws on any other status than 2xx */
export async function rest(server, method, path, body, headers = {}) {
  const response = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${DEV_KEY}:${DEV_SECRET}`, ...(body && { 'content-type': 'application/json' }), ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

/** A token for a visitor. @param {string} name */
export async function guestToken(server, name) {
  const { token } = await rest(server, 'POST', '/v1/guests', { name });
  return token;
}
