// A token for one room, come by link or handed over by a shop's page. Kept for this tab, so that a refresh doesn't use the link again.

import { Client, redeemLink, ZzanError } from 'zzan-client';
import { dropFragment } from './route';
import { tabShelf } from './storage';

export interface Invitation {
  token: string;
  /** The name that the token carries. */
  name: string;
}

export type Fragment = { link: string } | { token: string } | undefined;

export function parseFragment(hash: string): Fragment {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const token = parameters.get('token');
  if (token) return { token };
  const link = parameters.get('link');
  return link ? { link } : undefined;
}

/** Any kept invitation for the room; a token in the address takes its place. */
export function keptInvitation(room: string, fragment: Fragment): Invitation | undefined {
  if (fragment && 'token' in fragment) {
    keep(room, { token: fragment.token, name: nameIn(fragment.token) });
    dropFragment();
  }
  return tabShelf.read<Invitation>(keyOf(room));
}

/** Uses the link; the address loses it once it did its work. */
export async function redeem(room: string, secret: string, name: string): Promise<Invitation> {
  const access = await redeemLink(secret, name);
  if (access.room !== room) throw new ZzanError('link_invalid', 'the link belongs to another room');
  const invitation = { token: access.token, name: access.user.name };
  keep(room, invitation);
  dropFragment();
  return invitation;
}

export function forgetInvitation(room: string): void {
  tabShelf.remove(keyOf(room));
}

/** A session with the invitation's token. It can't be renewed here: who invited hands out the next one. */
export function openInvited({ token }: Invitation): Client {
  const client = new Client({
    token: (reason) => {
      if (reason === 'expired') throw new ZzanError('unauthorized', 'the invitation has expired');
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

/** The claim, to show it; the server alone checks the token. */
export function nameIn(token: string): string {
  try {
    const body = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(body), (char) => char.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as { name?: unknown };
    return typeof claims.name === 'string' ? claims.name : '';
  } catch {
    return '';
  }
}
