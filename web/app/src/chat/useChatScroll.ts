// Keeps the newest message in sight while one is at the end, and what one reads in its place while anything above or below it changes. Goes to a
// message that is wanted, once it is here.

import { useLayoutEffect, useRef, useState, type RefObject } from 'react';
import type { Chat, ChatState } from 'zzan-client';
import type { Target } from './target';

/** So near the end counts as at the end. */
const NEAR_END_PX = 60;

/** So near an edge more messages are fetched: early enough that a fast reader doesn't wait. */
const NEAR_EDGE_PX = 400;

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
  start: string;
  /** Goes before all else. */
  target: Target | undefined;
  onArrived: (target: Target) => void;
}

export function useChatScroll(chat: Chat, { messages, outgoing, newer }: ChatState, { start, target, onArrived }: Options): ChatScroll {
  const ref = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const isNewer = useRef(newer);
  isNewer.current = newer;
  const begun = useRef(false);
  /** The end was asked for and isn't here yet. */
  const wantsEnd = useRef(false);
  const anchor = useRef<Anchor>(undefined);
  const newest = messages.at(-1)?.seq ?? 0;
  const before = useRef({ newest, outgoing: outgoing.length });
  const [atEnd, setAtEnd] = useState(true);
  const [newBelow, setNewBelow] = useState(false);

  const scrollToEnd = () => {
    const box = ref.current;
    if (box) box.scrollTop = box.scrollHeight;
  };
  const toEnd = () => {
    wantsEnd.current = isNewer.current;
    if (isNewer.current) chat.toNewest().catch(() => (wantsEnd.current = false));
    else scrollToEnd();
  };
  const look = (box: HTMLElement) => {
    const below = box.scrollHeight - box.scrollTop - box.clientHeight;
    isAtEnd.current = below < NEAR_END_PX && !isNewer.current;
    anchor.current = anchorIn(box);
    setAtEnd(isAtEnd.current);
    if (isAtEnd.current) return setNewBelow(false);
    if (box.scrollTop < NEAR_EDGE_PX) void chat.loadOlder();
    if (below < NEAR_EDGE_PX) void chat.loadNewer();
  };

  useLayoutEffect(() => {
    const box = ref.current;
    if (!box || messages.length + outgoing.length === 0) return;
    const was = before.current;
    before.current = { newest, outgoing: outgoing.length };
    const wanted = target && box.querySelector(`[data-seq="${target.seq}"]`);
    const first = begun.current || target ? null : box.querySelector(start);
    const sent = outgoing.length > was.outgoing;
    if (sent) wantsEnd.current = newer;
    begun.current = true;
    if (wanted) box.scrollTop += topIn(box, wanted) - Math.max(0, (box.clientHeight - wanted.clientHeight) / 2);
    else if (first) box.scrollTop += topIn(box, first) - box.clientHeight * CONTEXT_SHARE;
    else if (isAtEnd.current || sent || (wantsEnd.current && !newer)) scrollToEnd();
    else if (anchor.current?.line.isConnected) box.scrollTop += topIn(box, anchor.current.line) - anchor.current.top;
    if (wanted || !newer) wantsEnd.current = false;
    if (!wanted && !first && !isAtEnd.current && newest > was.newest) setNewBelow(true);
    look(box);
    if (wanted) onArrived(target);
  }, [messages, outgoing.length, target]);

  // The box also changes its size when a phone's keyboard or a panel opens, and the lines theirs when one is pinned or edited.
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box || typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) scrollToEnd();
      else if (anchor.current?.line.isConnected) box.scrollTop += topIn(box, anchor.current.line) - anchor.current.top;
    });
    observer.observe(box);
    for (const child of box.children) if (child.tagName === 'OL') observer.observe(child);
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
