// Debian's coturn in the server's namespace, on an address that the far end reaches.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { until } from './figures.mjs';

const PORT = 3_478;

/** Starts it and waits until it listens. Whoever starts one stops it. */
export async function startTurn({ cable }, secret) {
  const scratch = await mkdtemp(join(tmpdir(), 'zzan-e2e-turn-'));
  const address = cable.addresses.server;
  const args = [
    '-n', '--no-cli', '--no-tls', '--no-dtls', '--log-file=stdout', '--simple-log', `--listening-ip=${address}`, `--relay-ip=${address}`,
    `--listening-port=${PORT}`, '--min-port=50000', '--max-port=50100', '--realm=zzan.test', '--use-auth-secret', `--static-auth-secret=${secret}`,
    `--userdb=${join(scratch, 'turndb')}`, `--pidfile=${join(scratch, 'pid')}`,
  ];
  const [wrapper, ...prefix] = cable.inServer;
  const child = spawn(wrapper, [...prefix, 'turnserver', ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: scratch });
  const log = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      log.push(text);
      log.splice(0, log.length - 200);
    });
  }
  const turn = {
    port: PORT,
    log,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill();
        await once(child, 'exit');
      }
      await rm(scratch, { recursive: true, force: true });
    },
  };
  try {
    await until('the TURN server listens', () => {
      if (child.exitCode !== null) throw new Error('the TURN server ended');
      return log.join('').includes('Total General servers');
    });
  } catch (error) {
    await turn.stop();
    throw new Error(`${error.message}\n${log.join('')}`);
  }
  return turn;
}
