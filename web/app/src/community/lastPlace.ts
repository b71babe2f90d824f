// The channel that was open last, for a visit that names none; and the way back out of a call that a channel led to.

import { browserShelf, tabShelf } from '../storage';

const PLACES = 'zzan.places';
const BACK = 'zzan.back';

interface Places {
  server?: string;
  /** By server id. */
  channels: Record<string, string>;
}

export function rememberPlace(server: string, channel: string): void {
  const { channels } = places();
  browserShelf.write(PLACES, { server, channels: { ...channels, [server]: channel } });
}

export function lastServer(): string | undefined {
  return places().server;
}

export function lastChannel(server: string): string | undefined {
  return places().channels[server];
}

/** After the call in this room one goes back to `path`. */
export function rememberWayBack(room: string, path: string): void {
  tabShelf.write(BACK, { room, path });
}

export function wayBack(room: string): string | undefined {
  const known = tabShelf.read<{ room: string; path: string }>(BACK);
  return known?.room === room ? known.path : undefined;
}

function places(): Places {
  return browserShelf.read<Places>(PLACES) ?? { channels: {} };
}
