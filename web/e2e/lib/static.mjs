// Serves the pages that use no SDK and the one that uses nothing else, from an origin of their own on loopback.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const FILES = {
  '/': [new URL('raw.html', import.meta.url), 'text/html; charset=utf-8'],
  '/sdk.html': [new URL('sdk.html', import.meta.url), 'text/html; charset=utf-8'],
  '/crowd': [new URL('crowd.html', import.meta.url), 'text/html; charset=utf-8'],
  '/e2ee.html': [new URL('e2ee.html', import.meta.url), 'text/html; charset=utf-8'],
  '/e2ee_worker.js': [new URL('e2ee_worker.js', import.meta.url), 'text/javascript'],
  '/socket.io.js': [new URL('../node_modules/socket.io-client/dist/socket.io.esm.min.js', import.meta.url), 'text/javascript'],
};

/** As built by `npm run build`. */
const SDK = new URL('../../sdk/dist/', import.meta.url);

export async function startStatic() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://static.invalid');
    const module = /^\/sdk\/((?:[a-z_]+\/)?[a-z_.]+\.js)$/.exec(pathname)?.[1];
    const [file, type] = module ? [new URL(module, SDK), 'text/javascript'] : (FILES[pathname] ?? []);
    if (!file) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': type }).end(await readFile(fileURLToPath(file)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
