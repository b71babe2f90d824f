// Goes to the message that the address names, however old it is, and shows which one it is.

import { useEffect, useRef, type RefObject } from 'react';
import type { Chat } from 'zzan-client';
import { dropFragment, useMessageInAddress } from '../route';

/** So long it is pointed at. */
const POINTED_MS = 2_500;

/** Pages that are fetched on the way to it. */
const PAGES_MAX = 40;

/** To be given to what is around the channel's messages. */
export function useGoal(chat: Chat): RefObject<HTMLElement | null> {
  const around = useRef<HTMLElement>(null);
  const seq = useMessageInAddress();
  useEffect(() => {
    if (seq === undefined) return undefined;
    let isWanted = true;
    void fetched(chat, seq).then(() => {
      if (!isWanted) return;
      const line = around.current?.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
      if (line) point(line);
      dropFragment();
    });
    return () => void (isWanted = false);
  }, [chat, seq]);
  return around;
}

/** Resolves when the message is on the page, or isn't to be had. */
async function fetched(chat: Chat, seq: number): Promise<void> {
  await chat.catchUp();
  for (let n = 0; n < PAGES_MAX && chat.state.more && (chat.state.messages[0]?.seq ?? 0) > seq; n += 1) await chat.loadOlder();
  await new Promise((drawn) => setTimeout(drawn));
}

function point(line: HTMLElement): void {
  line.scrollIntoView({ block: 'center' });
  // What follows the scrolling hears of it now, before the next message moves anything.
  line.closest('[role="log"]')?.dispatchEvent(new Event('scroll'));
  line.tabIndex = -1;
  line.focus({ preventScroll: true });
  line.dataset['pointed'] = '';
  setTimeout(() => delete line.dataset['pointed'], POINTED_MS);
}
