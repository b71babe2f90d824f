// How far others have read a channel: what "3 have not read this" is counted from. Nobody is named.

import type { Client } from '../client.js';
import { Emitter, type Unsubscribe } from '../emitter.js';
import { ZzanError } from '../errors.js';
import type { ReceiptMove, Standing } from '../protocol.gen.js';

/** A request that failed for a reason that goes by is made again after this. */
const RETRY_AFTER_MS = 2_000;

export class Receipts {
  private readonly events = new Emitter<{ change: undefined }>();
  private readonly offs: Unsubscribe[];
  /** How many readers stand at each message; `undefined` while that isn't known. */
  private standing: Map<number, number> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(private readonly client: Client, readonly channel: string) {
    this.offs = [
      client.onEvent('receipts:standing', (told) => told.channel === this.channel && this.begin(told.standing)),
      client.onEvent('receipts:moved', (told) => told.channel === this.channel && this.move(told.moves)),
    ];
    this.watch();
  }

  /** How many haven't read this message. `undefined`: not known, or not told on this server or of so large a channel. */
  unreadBy(seq: number): number | undefined {
    if (!this.standing) return undefined;
    let readers = 0;
    for (const [at, count] of this.standing) if (at < seq) readers += count;
    return readers;
  }

  onChange(listener: () => void): Unsubscribe {
    return this.events.on('change', listener);
  }

  /** Asks anew, on a session that knows of no watch: to be called after it has asked for its servers. */
  watch(): void {
    if (this.closed) return;
    clearTimeout(this.retry);
    this.set(undefined);
    this.client.request('receipts:watch', { channel: this.channel }).catch((cause: unknown) => {
      if (!this.closed && ZzanError.from(cause).transient) this.retry = setTimeout(() => this.watch(), RETRY_AFTER_MS);
    });
  }

  /** Ends the watch. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.retry);
    for (const off of this.offs) off();
    this.events.clear();
    this.client.request('receipts:watch', { channel: this.channel, watch: false }).catch(() => undefined);
  }

  private begin(standing: readonly Standing[]): void {
    this.set(new Map(standing.map(({ seq, readers }) => [seq, readers])));
  }

  private move(moves: readonly ReceiptMove[]): void {
    if (!this.standing) return;
    const standing = new Map(this.standing);
    const add = (seq: number | undefined, readers: number) => {
      if (seq === undefined) return;
      const there = (standing.get(seq) ?? 0) + readers;
      if (there > 0) standing.set(seq, there);
      else standing.delete(seq);
    };
    for (const { from, to, readers } of moves) {
      add(to, readers);
      add(from, -readers);
    }
    this.set(standing);
  }

  private set(standing: Map<number, number> | undefined): void {
    if (standing === this.standing) return;
    this.standing = standing;
    this.events.emit('change', undefined);
  }
}
