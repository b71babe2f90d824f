// Tells the server what one can use of a track: a tile's size in physical pixels, and nothing while nobody can see or hear it.

import { useEffect, type RefObject } from 'react';
import type { Room } from 'zzan-client';
import { usePageHidden } from './usePageHidden';

/** A tile that is being resized is told when it rests. */
const SETTLE_MS = 120;

/** Sizes are told in steps: a scroll bar that comes and goes is no news. */
const STEP_PIXELS = 16;

export function useDemand(room: Room, track: string | undefined, tile: RefObject<HTMLElement | null>, paused: boolean): void {
  const pageHidden = usePageHidden();
  useEffect(() => {
    const element = tile.current;
    if (!track || !element) return;
    if (paused || pageHidden) return room.subscribe(track, { paused: true });
    let visible = true;
    let size: { width: number; height: number } | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = () => room.subscribe(track, visible && size ? size : { paused: !visible });
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(tell, SETTLE_MS);
    };
    const resized = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const first = size === undefined;
      size = physicalSize(entry);
      // The first picture shouldn't come larger than needed, nor later.
      if (first) tell();
      else soon();
    });
    const scrolled = new IntersectionObserver(([entry]) => {
      if (!entry || entry.isIntersecting === visible) return;
      visible = entry.isIntersecting;
      soon();
    });
    resized.observe(element);
    scrolled.observe(element);
    return () => {
      clearTimeout(timer);
      resized.disconnect();
      scrolled.disconnect();
    };
  }, [room, track, tile, paused, pageHidden]);
}

/** Whom one has muted for oneself needn't be sent. */
export function useHearing(room: Room, track: string | undefined, muted: boolean): void {
  useEffect(() => {
    if (track) room.subscribe(track, { paused: muted });
  }, [room, track, muted]);
}

function physicalSize(entry: ResizeObserverEntry): { width: number; height: number } {
  const { width, height } = entry.contentRect;
  const scale = window.devicePixelRatio || 1;
  const step = (length: number) => Math.max(STEP_PIXELS, Math.ceil((length * scale) / STEP_PIXELS) * STEP_PIXELS);
  return { width: step(width), height: step(height) };
}
