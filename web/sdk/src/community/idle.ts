// Whether anybody touches this page. It tells the change alone, not every touch.

import type { Unsubscribe } from '../emitter.js';

/** Untouched so long counts as idle. */
export const IDLE_AFTER_MS = 5 * 60_000;

/** What counts as touching. */
const TOUCHES = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'focus'] as const;

/** Where touches are heard; the window of a page. */
export type Touched = Pick<EventTarget, 'addEventListener' | 'removeEventListener'>;

/** Calls `changed` whenever touching stops for long or begins again, until it is undone. Hears nothing where there is no window. */
export function watchIdle(changed: (idle: boolean) => void, page: Touched | undefined = globalThis.window): Unsubscribe {
  if (!page) return () => undefined;
  let touchedAt = Date.now();
  let idle = false;
  let timer = setTimeout(check, IDLE_AFTER_MS);
  // A touch moves no timer: pointers move hundreds of times a second.
  function check(): void {
    const left = touchedAt + IDLE_AFTER_MS - Date.now();
    if (left > 0) return void (timer = setTimeout(check, left));
    idle = true;
    changed(true);
  }
  const touch = () => {
    touchedAt = Date.now();
    if (!idle) return;
    idle = false;
    timer = setTimeout(check, IDLE_AFTER_MS);
    changed(false);
  };
  for (const name of TOUCHES) page.addEventListener(name, touch, { capture: true, passive: true });
  return () => {
    clearTimeout(timer);
    for (const name of TOUCHES) page.removeEventListener(name, touch, { capture: true });
  };
}
