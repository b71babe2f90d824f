// The example shop, as its own process, in front of a server.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../examples/shop/', import.meta.url));

export async function startShop(server) {
  const child = spawn('npm', ['start', '--silent'], {
    cwd: FOLDER,
    env: { ...process.env, ZZAN_URL: server.url, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
    // npm starts a shell that starts node: all are one group, and end together.
    detached: true,
  });
  const exited = once(child, 'exit');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return {
    url: /http:\/\/\S+/.exec(line)[0],
    async stop() {
      process.kill(-child.pid, 'SIGTERM');
      await exited;
    },
  };
}
