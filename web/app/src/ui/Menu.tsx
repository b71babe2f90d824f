// A button that opens a list of actions above everything else: a small tile never cuts it off.

import type { KeyboardEvent, ReactNode } from 'react';
import { usePopover } from './usePopover';

interface Props {
  label: string;
  icon: ReactNode;
  testId?: string;
  children: ReactNode;
}

export function Menu({ label, icon, testId, children }: Props) {
  const { button, panel, id, open } = usePopover((opened) => itemsOf(opened)[0]?.focus());

  const onKeyDown = (event: KeyboardEvent) => {
    // It closes this menu, not what is around it.
    if (event.key === 'Escape') event.stopPropagation();
    const items = panel.current ? itemsOf(panel.current) : [];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined || items.length === 0) return;
    event.preventDefault();
    items[(to + items.length) % items.length]?.focus();
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        className="icon-button solid"
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={id}
        data-testid={testId}
        onClick={() => panel.current?.togglePopover()}
      >
        {icon}
      </button>
      <div
        ref={panel}
        id={id}
        className="menu"
        role="menu"
        aria-label={label}
        popover="auto"
        onKeyDown={onKeyDown}
        onClick={(event) => {
          if (!(event.target as HTMLElement).closest('[role^="menuitem"]')) return;
          panel.current?.hidePopover();
          button.current?.focus();
        }}
      >
        {children}
      </div>
    </>
  );
}

interface ItemProps {
  icon: ReactNode;
  /** Given for what can be on or off. */
  checked?: boolean;
  danger?: boolean;
  onClick: () => void;
  testId?: string;
  children: ReactNode;
}

export function MenuItem({ icon, checked, danger = false, onClick, testId, children }: ItemProps) {
  const role = checked === undefined ? 'menuitem' : 'menuitemcheckbox';
  return (
    <button type="button" role={role} aria-checked={checked} tabIndex={-1} className={`menu-item${danger ? ' danger-text' : ''}`} onClick={onClick} data-testid={testId}>
      {icon}
      <span>{children}</span>
    </button>
  );
}

function itemsOf(panel: HTMLElement): HTMLElement[] {
  return [...panel.querySelectorAll<HTMLElement>('[role^="menuitem"]')];
}
