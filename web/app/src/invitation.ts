// A token for one room, come by link or handed over by a shop's page. Kept for this tab, so that a refresh doesn't use the link again.

import { Client, redeemLink, refreshToken, ZzanError } from 'zzan-client';
import { claimsOf } from './claims';
import { dropFragment } from './route';
import { tabShelf } from './storage';

export interface Invitation {
  token: string;
  /** The name that the token carries. */
  name: string;
  /** The link that it came by. */
  link?: string;
}

/** A token is renewed this long before it runs out: afterwards it can't be. */
const EXPIRY_MARGIN_MS = 60_000;

/** `name`: what the link will call who uses it, told beforehand so that nobody is asked for it. */
export type Fragment = { link: string; name?: string } | { token: string } | undefined;

export function parseFragment(hash: string): Fragment {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const token = parameters.get('token');
  if (token) return { token };
  const link = parameters.get('link');
  const name = parameters.get('name');
  if (!link) return undefined;
  return name ? { link, name } : { link };
}

/**
 * Any kept invitation for the room; a token or another link in the address takes its place. The same link again, as when a shop's page
 * around this one was reloaded, is the same person again.
 */
export function keptInvitation(room: string, fragment: Fragment): Invitation | undefined {
  if (fragment && 'token' in fragment) {
    keep(room, { token: fragment.token, name: claimsOf(fragment.token).name });
    dropFragment();
  }
  const kept = tabShelf.read<Invitation>(keyOf(room));
  if (!fragment || 'token' in fragment) return kept;
  if (kept?.link !== fragment.link || claimsOf(kept.token).expiresAt <= Date.now()) return undefined;
  dropFragment();
  return kept;
}

/** Uses the link; the address loses it once it did its work. */
export async function redeem(room: string, secret: string, name: string): Promise<Invitation> {
  const access = await redeemLink(secret, name);
  if (access.room !== room) throw new ZzanError('link_invalid', 'the link belongs to another room');
  const invitation = { token: access.token, name: access.user.name, link: secret };
  keep(room, invitation);
  dropFragment();
  return invitation;
}

export function forgetInvitation(room: string): void {
  tabShelf.remove(keyOf(room));
}

/** A session with the invitation's token, which is renewed while it is good: a call may last longer than a token. */
export function openInvited(room: string, invitation: Invitation): Client {
  const client = new Client({
    token: async (reason) => {
      const current = tabShelf.read<Invitation>(keyOf(room)) ?? invitation;
      const fresh = claimsOf(current.token).expiresAt - Date.now() > EXPIRY_MARGIN_MS;
      if (fresh && reason === 'connect') return current.token;
      const { token } = await refreshToken(current.token);
      keep(room, { ...current, token });
      return token;
    },
  });
  client.open();
  return client;
}

function keep(room: string, invitation: Invitation): void {
  tabShelf.write(keyOf(room), invitation);
}

function keyOf(room: string): string {
  return `zzan.invitation.${room}`;
}
