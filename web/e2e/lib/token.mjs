// Tokens as a shop's backend would sign them, for many users at once.

import { createHmac, randomUUID } from 'node:crypto';
import { DEV_KEY, DEV_SECRET } from './server.mjs';

const TTL_S = 3_600;

/** A `user` token, or with `grants` a `room` token. @param {{ user?: string, name: string, ttlS?: number, grants?: object }} claims */
export function signToken({ user = randomUUID(), name, ttlS = TTL_S, grants }) {
  const now = Math.floor(Date.now() / 1_000);
  const header = { alg: 'HS256', typ: 'JWT', kid: DEV_KEY };
  const claims = {
    iss: DEV_KEY,
    aud: 'zzan',
    sub: user,
    name,
    iat: now,
    nbf: now,
    exp: now + ttlS,
    jti: randomUUID(),
    typ: grants ? 'room' : 'user',
    ...(grants && { grants }),
  };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createHmac('sha256', DEV_SECRET).update(signed).digest('base64url')}`;
}
