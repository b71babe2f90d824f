// How long to wait before the next attempt. Not a timer: it only counts.

/** Quick at first, since most losses are short; the last delay repeats until the user leaves. */
export const BACKOFF_DELAYS_MS: readonly number[] = [0, 300, 1_200, 2_700, 4_800, 7_000];

/** Spreads the clients of a restarted server. */
const JITTER = 0.5;

export class Backoff {
  private attempt = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** Milliseconds until the next attempt. */
  next(): number {
    const last = BACKOFF_DELAYS_MS.length - 1;
    const base = BACKOFF_DELAYS_MS[Math.min(this.attempt, last)] ?? 0;
    this.attempt += 1;
    return Math.round(base * (1 - JITTER + 2 * JITTER * this.random()));
  }

  reset(): void {
    this.attempt = 0;
  }
}
