// The few requests that a page makes outside the socket: tokens.

import { ZzanError } from './errors.js';

export interface Access {
  token: string;
  user: { id: string; name: string };
  /** RFC 3339. */
  expires_at: string;
}

export interface LinkAccess extends Access {
  room: string;
}

/** A token for a visitor. With an earlier token of the same visitor, even an expired one, the user stays the same. */
export function createGuest(name: string, earlier?: string, origin = ''): Promise<Access> {
  return post(`${origin}/v1/guests`, { name }, earlier);
}

/** Uses a room link once. Rejects with `link_invalid` when it can't be used (any more). */
export async function redeemLink(secret: string, name?: string, origin = ''): Promise<LinkAccess> {
  try {
    return await post(`${origin}/v1/links/redeem`, name === undefined ? { secret } : { secret, name });
  } catch (cause) {
    const error = ZzanError.from(cause);
    if (error.code !== 'not_found' && error.code !== 'invalid') throw error;
    throw new ZzanError('link_invalid', error.message);
  }
}

/** A fresh token that says the same, for one that hasn't expired yet. */
export function refreshToken(token: string, origin = ''): Promise<Pick<Access, 'token' | 'expires_at'>> {
  return post(`${origin}/v1/tokens/refresh`, {}, token);
}

async function post<T>(url: string, body: object, bearer?: string): Promise<T> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (bearer !== undefined) headers['authorization'] = `Bearer ${bearer}`;
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  } catch (cause) {
    throw new ZzanError('unreachable', cause instanceof Error ? cause.message : 'the server could not be reached');
  }
  if (response.ok) return (await response.json()) as T;
  throw problem(response.status, await response.json().catch(() => undefined), response.headers.get('retry-after'));
}

const CODE_OF_STATUS: Record<number, ZzanError['code']> = {
  400: 'invalid', 401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 409: 'conflict', 410: 'not_found', 413: 'too_large',
  422: 'invalid', 429: 'rate_limited', 502: 'unavailable', 503: 'unavailable', 504: 'unavailable',
};

/** RFC 9457. */
function problem(status: number, body: { title?: string; detail?: string } | undefined, retryAfter: string | null): ZzanError {
  const message = body?.detail ?? body?.title ?? `the server answered ${status}`;
  const seconds = Number(retryAfter);
  const wait = retryAfter !== null && Number.isFinite(seconds) ? seconds * 1000 : undefined;
  return new ZzanError(CODE_OF_STATUS[status] ?? 'internal', message, wait);
}
