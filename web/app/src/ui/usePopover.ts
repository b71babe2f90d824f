// A panel above everything else that a button opens: the browser closes it at a click elsewhere and at Escape.

import { useEffect, useId, useRef, useState, type RefObject } from 'react';
import { place } from './place';

export interface Popover {
  readonly button: RefObject<HTMLButtonElement | null>;
  readonly panel: RefObject<HTMLDivElement | null>;
  readonly id: string;
  readonly open: boolean;
}

/** `onOpen` is told the panel when it stands in its place: something in it should get the focus. */
export function usePopover(onOpen: (panel: HTMLDivElement) => void): Popover {
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const id = useId();

  useEffect(() => {
    const element = panel.current;
    if (!element) return;
    const opener = button.current;
    const toggled = (event: Event) => setOpen((event as ToggleEvent).newState === 'open');
    // Before the focus is in the panel, too, Escape closes it and not what is around it.
    const escape = (event: KeyboardEvent) => event.key === 'Escape' && element.matches(':popover-open') && event.stopPropagation();
    element.addEventListener('toggle', toggled);
    opener?.addEventListener('keydown', escape);
    return () => {
      element.removeEventListener('toggle', toggled);
      opener?.removeEventListener('keydown', escape);
    };
  }, []);
  useEffect(() => {
    if (!open || !panel.current || !button.current) return;
    place(panel.current, button.current.getBoundingClientRect());
    onOpen(panel.current);
  }, [open]);
  return { button, panel, id, open };
}
