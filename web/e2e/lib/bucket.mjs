// An S3-compatible bucket of the test's own: takes what was signed for it, and gives it back. It checks that a signature is there and fits what is
// sent, not that it is right: the Rust side proves that by the documented example.

import { once } from 'node:events';
import { createServer } from 'node:http';

const NAME = 'files';

/** @returns {Promise<{ env: Record<string, string>, objects: Map<string, { body: Buffer, headers: object }>, refused: string[], pace: { ms: number }, stop: () => Promise<void> }>} */
export async function startBucket({ maxBytes = 1024 * 1024 } = {}) {
  const objects = new Map();
  const refused = [];
  const pace = { ms: 0 };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://bucket');
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-methods', 'PUT');
    response.setHeader('access-control-allow-headers', 'content-type, content-disposition');
    if (request.method === 'OPTIONS') return response.end();
    if (request.method === 'GET') return give(objects.get(url.pathname), response);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const problem = problemOf(url, request, body);
    if (problem) refused.push(problem);
    else objects.set(url.pathname, { body, headers: request.headers });
    await new Promise((done) => setTimeout(done, pace.ms));
    response.statusCode = problem ? 403 : 200;
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${server.address().port}`;
  const env = {
    ZZAN_UPLOADS_ENDPOINT: endpoint,
    ZZAN_UPLOADS_BUCKET: NAME,
    ZZAN_UPLOADS_ACCESS_KEY_ID: 'AKIDTEST',
    ZZAN_UPLOADS_SECRET_ACCESS_KEY: 'a secret of the test',
    ZZAN_UPLOADS_MAX_BYTES: String(maxBytes),
  };
  return {
    env,
    objects,
    refused,
    pace,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function give(object, response) {
  if (!object) response.statusCode = 404;
  if (object) response.setHeader('content-type', object.headers['content-type']);
  response.end(object?.body);
}

/** Why a PUT isn't what was signed. */
function problemOf(url, request, body) {
  const query = url.searchParams;
  const signed = (query.get('X-Amz-SignedHeaders') ?? '').split(';');
  if (request.method !== 'PUT') return request.method;
  if (!url.pathname.startsWith(`/${NAME}/file_`)) return `path ${url.pathname}`;
  if (query.get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256' || !/^[0-9a-f]{64}$/.test(query.get('X-Amz-Signature') ?? '')) return 'no signature';
  if (!query.get('X-Amz-Credential')?.startsWith('AKIDTEST/')) return 'another key';
  for (const name of ['content-type', 'content-length', 'host']) if (!signed.includes(name)) return `${name} is not signed`;
  for (const name of signed) if (request.headers[name] === undefined) return `${name} is not sent`;
  return Number(request.headers['content-length']) === body.length ? undefined : 'another length';
}
