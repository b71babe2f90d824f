// How long one has to wait in a slow channel before one's next message is taken.

import { useEffect, useState } from 'react';
import type { ChatState } from 'zzan-client';

/** Whole seconds; 0 where one may write. `interval_s` is absent where nobody waits. */
export function useSlowMode({ messages, outgoing }: ChatState, me: string, interval_s: number | undefined): number {
  const [until, setUntil] = useState(0);
  const [now, setNow] = useState(() => Date.now());
  const last = messages.findLast(({ author }) => author.id === me)?.sent_at;
  const refused = outgoing.findLast(({ error }) => error?.code === 'rate_limited')?.error;

  useEffect(() => {
    if (interval_s === undefined || last === undefined) return;
    const wait = Date.parse(last) + interval_s * 1_000 - Date.now();
    // The clocks of the server and of this machine may differ.
    const until = Date.now() + Math.min(wait, interval_s * 1_000);
    setUntil((known) => Math.max(known, until));
  }, [last, interval_s]);
  useEffect(() => {
    if (interval_s !== undefined && refused?.retryAfterMs !== undefined) setUntil(Date.now() + refused.retryAfterMs);
  }, [refused, interval_s]);

  const wait = interval_s === undefined ? 0 : Math.max(0, Math.ceil((until - now) / 1_000));
  useEffect(() => {
    setNow(Date.now());
    if (until <= Date.now()) return;
    const timer = setInterval(() => {
      setNow(Date.now());
      if (until <= Date.now()) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [until]);
  return wait;
}
