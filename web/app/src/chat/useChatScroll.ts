// Keeps the newest message in sight while one is at the end, and what one reads in its place while anything above or below it changes.

import { useLayoutEffect, useRef, useState, type RefObject } from 'react';
import type { Message } from 'zzan-client';

/** So near the end counts as at the end. */
const NEAR_END_PX = 60;

/** So near the top older messages are fetched: early enough that a fast reader doesn't wait. */
const NEAR_TOP_PX = 400;

/** What stands above what is new when one comes to it. */
const CONTEXT_SHARE = 0.25;

interface ChatScroll {
  ref: RefObject<HTMLDivElement | null>;
  atEnd: boolean;
  newBelow: boolean;
  onScroll: () => void;
  toEnd: () => void;
}

/** A message and where it stands in the box. */
interface Anchor {
  line: Element;
  top: number;
}

interface Options {
  /** Finds what one comes to first; without it that is the end. */
  start?: string | undefined;
  /** Called whenever the oldest message is near, also often. */
  loadOlder: () => void;
}

export function useChatScroll(messages: readonly Message[], outgoing: number, { start, loadOlder }: Options): ChatScroll {
  const ref = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const begun = useRef(false);
  const anchor = useRef<Anchor>(undefined);
  const newest = messages.at(-1)?.seq ?? 0;
  const before = useRef({ newest, outgoing });
  const [atEnd, setAtEnd] = useState(true);
  const [newBelow, setNewBelow] = useState(false);

  const toEnd = () => {
    const box = ref.current;
    if (box) box.scrollTop = box.scrollHeight;
  };
  const look = (box: HTMLElement) => {
    isAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
    anchor.current = anchorIn(box);
    setAtEnd(isAtEnd.current);
    if (isAtEnd.current) setNewBelow(false);
    else if (box.scrollTop < NEAR_TOP_PX) loadOlder();
  };

  useLayoutEffect(() => {
    const box = ref.current;
    if (!box || messages.length + outgoing === 0) return;
    const was = before.current;
    before.current = { newest, outgoing };
    const first = start === undefined || begun.current ? null : box.querySelector(start);
    begun.current = true;
    if (first) box.scrollTop += topIn(box, first) - box.clientHeight * CONTEXT_SHARE;
    else if (isAtEnd.current || outgoing > was.outgoing) toEnd();
    else if (anchor.current?.line.isConnected) box.scrollTop += topIn(box, anchor.current.line) - anchor.current.top;
    if (!first && !isAtEnd.current && newest > was.newest) setNewBelow(true);
    look(box);
  }, [messages, outgoing]);

  // The box also changes its height when a phone's keyboard opens.
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box || typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(() => isAtEnd.current && toEnd());
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  const onScroll = () => {
    if (ref.current) look(ref.current);
  };

  return { ref, atEnd, newBelow, onScroll, toEnd };
}

/** The first message that is in sight. Messages stand in order, so that not each is measured. */
function anchorIn(box: HTMLElement): Anchor | undefined {
  const lines = box.querySelectorAll('[data-seq]');
  let [low, high] = [0, lines.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const line = lines[middle];
    if (line && line.getBoundingClientRect().bottom > box.getBoundingClientRect().top) high = middle;
    else low = middle + 1;
  }
  const line = lines[low];
  return line && { line, top: topIn(box, line) };
}

function topIn(box: HTMLElement, element: Element): number {
  return element.getBoundingClientRect().top - box.getBoundingClientRect().top;
}
