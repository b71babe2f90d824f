// A panel beside what one reads; over it where there is no place. Escape closes it.

import { useEffect, useId, useRef, type ReactNode } from 'react';
import { useT } from '../i18n';
import { CloseIcon } from './icons';

/** There a panel covers what it is about. */
const NARROW = '(width < 760px)';

export function isCovering(): boolean {
  return window.matchMedia(NARROW).matches;
}

interface Props {
  title: string;
  onClose: () => void;
  testId: string;
  children: ReactNode;
}

export function Panel({ title, onClose, testId, children }: Props) {
  const t = useT();
  const id = useId();
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <section
      ref={panel}
      className="panel"
      tabIndex={-1}
      aria-labelledby={id}
      data-testid={testId}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.nativeEvent.isComposing) return;
        event.stopPropagation();
        onClose();
      }}
    >
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        <button type="button" className="icon-button" aria-label={t.common.close} onClick={onClose} data-testid={`${testId}-close`}><CloseIcon /></button>
      </header>
      <div className="panel-body">{children}</div>
    </section>
  );
}
