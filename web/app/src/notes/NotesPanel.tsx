// The notes of a call beside it: on wide screens a column, on phones a sheet.

import { useEffect, useRef } from 'react';
import { useT } from '../i18n';
import { CloseIcon } from '../ui/icons';
import { NotesBody } from './NotesBody';
import type { NoteTaking } from './useNoteTaking';

export function NotesPanel({ taking, onClose }: { taking: NoteTaking; onClose: () => void }) {
  const t = useT().notes;
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const escape = (event: KeyboardEvent) => {
      const inside = panel.current?.contains(document.activeElement) && !document.querySelector('dialog[open]');
      if (event.key === 'Escape' && inside && !event.isComposing) onClose();
    };
    window.addEventListener('keydown', escape);
    return () => window.removeEventListener('keydown', escape);
  }, [onClose]);
  return (
    <aside ref={panel} className="chat" aria-label={t.title} data-testid="notes">
      <header className="chat-head">
        <h2>{t.title}</h2>
        <button type="button" className="icon-button" aria-label={t.close} onClick={onClose}><CloseIcon /></button>
      </header>
      <NotesBody notes={taking.notes} mayStart speech={taking.speech} />
    </aside>
  );
}
