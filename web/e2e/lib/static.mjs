// Serves the page that uses no SDK, from an origin of its own on loopback.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const FILES = {
  '/': [new URL('raw.html', import.meta.url), 'text/html; charset=utf-8'],
  '/socket.io.js': [new URL('../node_modules/socket.io-client/dist/socket.io.esm.min.js', import.meta.url), 'text/javascript'],
};

export async function startStatic() {
  const server = createServer(async (request, response) => {
    const [file, type] = FILES[new URL(request.url, 'http://static.invalid').pathname] ?? [];
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
