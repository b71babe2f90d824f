// React's view of the inbox.

import { useCallback, useMemo, useSyncExternalStore } from 'react';
import type { Client, Community, InboxState, Notification, Notifications } from 'zzan-client';
import { navigate } from '../route';
import { wayOf } from './entry';

export function useInbox(client: Client): { inbox: Notifications; state: InboxState } {
  const inbox = useMemo(() => client.notifications(), [client]);
  const state = useSyncExternalStore((changed) => inbox.on('change', changed), () => inbox.state);
  return { inbox, state };
}

/** One's servers once they are wanted, which is from when they matter on: following them costs the server something. */
export function useCommunityIf(client: Client, wanted: boolean): Community | undefined {
  const community = useMemo(() => (wanted ? client.community() : undefined), [client, wanted]);
  // What is said of servers changes with them.
  const subscribe = useCallback((changed: () => void) => {
    const offs = [community?.on('change', changed), community?.on('server', changed)];
    return () => offs.forEach((off) => off?.());
  }, [community]);
  useSyncExternalStore(subscribe, () => community?.state);
  return community;
}

/** Whether servers' names are needed to tell of these. */
export function tellsOfServers({ notifications }: InboxState): boolean {
  return notifications.some(({ about }) => 'server' in about);
}

/** Marks it as read; the list shows whether that worked. */
export function markRead(inbox: Notifications, { id, read }: Notification): void {
  if (!read) inbox.read([id]).catch(() => undefined);
}

/** Goes where an entry leads, and takes it for read. A call isn't left for it: that opens another tab. */
export function followEntry(inbox: Notifications, entry: Notification, inCall: boolean): void {
  const way = wayOf(entry);
  markRead(inbox, entry);
  if (!way) return;
  if (way.inside && !inCall) navigate(way.href);
  else window.open(way.href, '_blank', 'noopener');
}
