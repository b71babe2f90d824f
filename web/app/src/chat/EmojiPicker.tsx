// A small board of emoji beside what is reacted to. It is there while it is open.

import { useEffect, useLayoutEffect, useRef, type KeyboardEvent } from 'react';
import { useT } from '../i18n';
import { MORE, QUICK } from './emoji';

const COLUMNS = 8;
const GAP = 8;

interface Props {
  /** What it stands beside, and what gets the focus back. */
  anchor: HTMLElement;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

export function EmojiPicker({ anchor, onPick, onClose }: Props) {
  const t = useT().messages.reactions;
  const board = useRef<HTMLDivElement>(null);

  useLayoutEffect(() => {
    const element = board.current;
    if (!element) return;
    element.showPopover();
    place(element, anchor.getBoundingClientRect());
    element.querySelector('button')?.focus();
  }, [anchor]);
  useEffect(() => {
    const element = board.current;
    const toggled = (event: Event) => (event as ToggleEvent).newState === 'closed' && onClose();
    element?.addEventListener('toggle', toggled);
    return () => element?.removeEventListener('toggle', toggled);
  }, [onClose]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      // It closes the board, not what is around it.
      event.stopPropagation();
      anchor.focus();
    }
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const buttons = [...(board.current?.querySelectorAll('button') ?? [])];
    const to = buttons.indexOf(document.activeElement as HTMLButtonElement) + step;
    buttons[Math.max(0, Math.min(to, buttons.length - 1))]?.focus();
  };
  const pick = (emoji: string) => {
    anchor.focus();
    onPick(emoji);
    onClose();
  };

  return (
    <div ref={board} className="emoji-board" role="group" aria-label={t.picker} popover="auto" onKeyDown={onKeyDown} data-testid="emoji-picker">
      {[...QUICK, ...MORE].map((emoji, at) => (
        <button key={emoji} type="button" tabIndex={at === 0 ? 0 : -1} className={at < QUICK.length ? 'emoji quick' : 'emoji'} onClick={() => pick(emoji)} data-testid="emoji">{emoji}</button>
      ))}
    </div>
  );
}

function place(board: HTMLElement, anchor: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = board;
  const above = anchor.top - GAP - height;
  const top = above >= GAP ? above : Math.min(anchor.bottom + GAP, window.innerHeight - GAP - height);
  board.style.top = `${Math.max(GAP, top)}px`;
  board.style.left = `${Math.max(GAP, Math.min(anchor.left, window.innerWidth - GAP - width))}px`;
}
