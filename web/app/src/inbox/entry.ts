// What a notification says, and where it leads. Pure: it shows nothing and goes nowhere.

import type { Community, Notification, NotificationAbout } from 'zzan-client';
import { httpsOf, ownPathOf } from '../address';
import type { Dictionary } from '../i18n/en';
import { messagePath, parseRoute, roomPath, serverPath } from '../route';

/** Where an entry leads. `inside`: a screen of this page. */
export interface Way {
  readonly href: string;
  readonly inside: boolean;
}

export interface Said {
  readonly title: string;
  /** More of it, where there is more. */
  readonly text: string | undefined;
}

/** Names of servers and channels as far as they are known here. */
export function sayingOf({ about }: Notification, t: Dictionary, community: Community | undefined, when: (time: string) => string): Said {
  const { says } = t.inbox;
  const told = (title: string, text?: string): Said => ({ title, text: text === '' ? undefined : text });
  switch (about.kind) {
    case 'mention':
    case 'reply':
      return told(says[about.kind](nameOf(about, community)), placeOf(about, t, community));
    case 'server_invite':
      return told(says.server_invite(about.by.name, about.name));
    case 'room_invite':
      return told(says.room_invite(about.by.name, about.name));
    case 'schedule':
      return told(says.schedule(about.title), [when(about.starts_at), community?.server(about.server)?.state.info.name].filter(Boolean).join(' · '));
    case 'backend':
      return told(about.title, about.body);
  }
}

export function wayOf({ about }: Notification): Way | undefined {
  switch (about.kind) {
    case 'mention':
    case 'reply':
      return { href: messagePath(about.server, about.channel, about.message_seq), inside: true };
    case 'server_invite':
      return about.state === 'accepted' ? { href: serverPath(about.server), inside: true } : undefined;
    case 'room_invite':
      return { href: roomPath(about.room), inside: true };
    case 'schedule':
      return { href: serverPath(about.server), inside: true };
    case 'backend':
      return about.url === undefined ? undefined : wayTo(about.url);
  }
}

/** A backend's address: https, or a place of this site. One that carries a token is another person's tab. */
function wayTo(url: string): Way | undefined {
  const own = ownPathOf(url);
  if (own !== undefined) return { href: own, inside: !/[?#]/.test(own) && parseRoute(own).screen !== 'unknown' };
  const href = httpsOf(url);
  return href === undefined ? undefined : { href, inside: false };
}

/** The channel that a notification is about, where it is about one. */
export function channelOf({ about }: Notification): string | undefined {
  return 'channel' in about ? about.channel : undefined;
}

/** Mentions and answers that one has seen in their channels, by their ids: they needn't be read once more in the inbox. */
export function seenElsewhere(notifications: readonly Notification[], community: Community): string[] {
  return notifications.flatMap(({ id, read, about }) => {
    if (read || (about.kind !== 'mention' && about.kind !== 'reply')) return [];
    const marker = community.server(about.server)?.state.unread.get(about.channel);
    return marker && marker.read_seq >= about.message_seq ? [id] : [];
  });
}

function nameOf({ server, by }: { server: string; by: { id: string; name: string } }, community: Community | undefined): string {
  const member = community?.server(server)?.state.members?.find(({ user }) => user.id === by.id);
  return member?.nickname ?? by.name;
}

function placeOf(about: NotificationAbout & { server: string; channel: string }, t: Dictionary, community: Community | undefined): string | undefined {
  const state = community?.server(about.server)?.state;
  const channel = state?.channels.find(({ id }) => id === about.channel);
  return state && channel && t.inbox.in(channel.name, state.info.name);
}
