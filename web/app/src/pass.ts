// Who a backend's link says that one is: a user token in the fragment of a server's address. It holds for this tab, across reloads, and stands in
// the address no longer than it takes to read it.

import { refreshToken, ZzanError } from 'zzan-client';
import { claimsOf } from './claims';
import { parseFragment } from './invitation';
import { dropFragment, parseRoute } from './route';
import { tabShelf } from './storage';

const KEY = 'zzan.pass';

/** A token is renewed this long before it runs out: afterwards it can't be. */
const EXPIRY_MARGIN_MS = 60_000;

export interface Pass {
  token: string;
  /** The name that the token carries. */
  name: string;
}

/** Takes the pass out of the address, if one is there, and keeps it. */
export function takePass(): Pass | undefined {
  const fragment = parseFragment(location.hash);
  if (!fragment || !('token' in fragment) || parseRoute(location.pathname).screen !== 'servers') return undefined;
  tabShelf.write(KEY, fragment.token);
  dropFragment();
  return keptPass();
}

export function keptPass(): Pass | undefined {
  const token = tabShelf.read<string>(KEY);
  return token === undefined ? undefined : { token, name: claimsOf(token).name };
}

export function forgetPass(): void {
  tabShelf.remove(KEY);
}

/** Whether time alone has ended it. */
export function hasExpired({ token }: Pass): boolean {
  const { expiresAt } = claimsOf(token);
  return expiresAt > 0 && expiresAt <= Date.now();
}

/**
 * The token to connect with. `isRefused`: the server takes the kept one no longer. A backend's own tokens are renewed by the backend alone, with another
 * link. Rejects when it can't be had any more.
 */
export async function passToken(pass: Pass, isRefused: boolean): Promise<string> {
  const { kind, expiresAt } = claimsOf(pass.token);
  if (kind !== 'user') throw new ZzanError('unauthorized', 'the link carries no token of a user');
  if (!isRefused && expiresAt - Date.now() > EXPIRY_MARGIN_MS) return pass.token;
  try {
    const { token } = await refreshToken(pass.token);
    if (keptPass()?.token === pass.token) tabShelf.write(KEY, token);
    return token;
  } catch (cause) {
    // It is good for its last minute too.
    if (!isRefused && expiresAt > Date.now()) return pass.token;
    throw cause;
  }
}
