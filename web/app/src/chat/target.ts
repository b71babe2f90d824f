// The message that somebody wants to see: a search result, a pin, a quote, a notification. Whoever shows its channel goes there. One for the page.

import { useSyncExternalStore } from 'react';

/** An object of its own each time, also for the same message. */
export interface Target {
  readonly channel: string;
  readonly seq: number;
}

let wanted: Target | undefined;
const listeners = new Set<() => void>();

/** Shows a message, as soon as its channel is open. */
export function showMessage(channel: string, seq: number): void {
  set({ channel, seq });
}

/** It is in sight, or can't be. */
export function arrived(target: Target): void {
  if (wanted === target) set(undefined);
}

/** The message of this channel that is wanted and isn't in sight yet. */
export function useTarget(channel: string): Target | undefined {
  const target = useSyncExternalStore(subscribe, () => wanted);
  return target?.channel === channel ? target : undefined;
}

function set(target: Target | undefined): void {
  wanted = target;
  for (const listener of [...listeners]) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
