// Keeps the newest message in sight while one is at the end, and the read place in sight while older ones are put above it.

import { useLayoutEffect, useRef, useState, type RefObject } from 'react';

/** So near the end counts as at the end. */
const NEAR_END_PX = 60;

/** So near the top older messages are fetched. */
const NEAR_TOP_PX = 80;

interface ChatScroll {
  ref: RefObject<HTMLDivElement | null>;
  newBelow: boolean;
  onScroll: (loadOlder: () => void) => void;
  toEnd: () => void;
}

export function useChatScroll(oldest: number, newest: number, outgoing: number): ChatScroll {
  const ref = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const before = useRef({ oldest, newest, outgoing, height: 0 });
  const [newBelow, setNewBelow] = useState(false);

  const toEnd = () => {
    const box = ref.current;
    if (box) box.scrollTop = box.scrollHeight;
  };

  useLayoutEffect(() => {
    const box = ref.current;
    if (!box) return;
    const was = before.current;
    const sentOne = outgoing > was.outgoing;
    if (atEnd.current || sentOne) toEnd();
    else if (oldest < was.oldest) box.scrollTop += box.scrollHeight - was.height;
    else if (newest > was.newest) setNewBelow(true);
    before.current = { oldest, newest, outgoing, height: box.scrollHeight };
  }, [oldest, newest, outgoing]);

  // The box also changes its height when a phone's keyboard opens.
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box || typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(() => atEnd.current && toEnd());
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  const onScroll = (loadOlder: () => void) => {
    const box = ref.current;
    if (!box) return;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
    if (atEnd.current) setNewBelow(false);
    if (box.scrollTop < NEAR_TOP_PX && !atEnd.current) loadOlder();
  };

  return { ref, newBelow, onScroll, toEnd };
}
