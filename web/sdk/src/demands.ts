// What this client can use of the others' tracks: kept by track, so that it can be said again after a new join.

import type { MediaSubscribe } from './protocol.gen.js';

/** What one can use of a track. Without a size it is the largest. */
export interface Demand {
  /** Nothing is to be sent. */
  paused?: boolean;
  /** Of the tile that shows it, in physical pixels. */
  width?: number;
  height?: number;
}

/** Sends a demand; resolves or rejects as the request does. */
export type SendDemand = (demand: MediaSubscribe) => Promise<unknown>;

export class Demands {
  private readonly wanted = new Map<string, MediaSubscribe>();
  /** What the server has, or is being told. */
  private readonly told = new Map<string, string>();

  constructor(private readonly send: SendDemand) {}

  set(track: string, { paused = false, width, height }: Demand): void {
    const size = width !== undefined && height !== undefined ? { width: pixels(width), height: pixels(height) } : {};
    this.wanted.set(track, { track, paused, ...size });
    this.tell(track);
  }

  isPaused(track: string): boolean {
    return this.wanted.get(track)?.paused === true;
  }

  /** Everything is to be told again: the server has a new seat for us. */
  repeat(): void {
    this.told.clear();
    for (const track of this.wanted.keys()) this.tell(track);
  }

  /** Tracks that are no more need no demand. */
  keep(tracks: ReadonlySet<string>): void {
    for (const track of this.wanted.keys()) {
      if (tracks.has(track)) continue;
      this.wanted.delete(track);
      this.told.delete(track);
    }
  }

  private tell(track: string): void {
    const demand = this.wanted.get(track);
    if (!demand) return;
    const text = JSON.stringify(demand);
    if (this.told.get(track) === text) return;
    this.told.set(track, text);
    this.send(demand).catch(() => {
      // Lost with the connection, or the track is gone: the next demand, or the next join, tells it.
      if (this.told.get(track) === text) this.told.delete(track);
    });
  }
}

function pixels(length: number): number {
  return Math.min(16_384, Math.max(1, Math.round(length)));
}
