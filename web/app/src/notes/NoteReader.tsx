// One note to read, and to take away.

import { useEffect, useRef, useState } from 'react';
import type { Author, Note, NoteFormat, NoteLine, Notes } from 'zzan-client';
import { useAction, useWhen } from '../community/hooks';
import { useT } from '../i18n';
import { BackIcon } from '../ui/icons';
import { NoteLines } from './NoteLines';
import { saveText } from './save';

const FORMATS: readonly NoteFormat[] = ['markdown', 'text'];

export function NoteReader({ notes, note, nameOf, onBack }: { notes: Notes; note: Note; nameOf: (author: Author) => string; onBack: () => void }) {
  const words = useT();
  const t = words.notes;
  const when = useWhen();
  const [lines, setLines] = useState<readonly NoteLine[]>();
  const action = useAction();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
    let current = true;
    action.run(async () => {
      const read = await notes.read(note.id);
      if (current) setLines(read);
    });
    return () => void (current = false);
  }, [notes, note.id]);
  const save = (format: NoteFormat) => action.run(async () => saveText(note, format, await notes.export(note.id, format)));
  return (
    <section className="notes" aria-label={note.name} data-testid="note-reader">
      <header className="note-head">
        <button type="button" className="icon-button" aria-label={t.back} title={t.back} onClick={onBack} data-testid="note-back"><BackIcon /></button>
        <div className="row-text">
          <h3 ref={heading} tabIndex={-1} data-testid="note-title">{note.name}</h3>
          <span className="muted small">{t.startedBy(nameOf(note.started_by), when(note.started_at))}</span>
        </div>
      </header>
      <div className="notes-scroll" tabIndex={0} aria-busy={lines === undefined}>
        {lines === undefined && !action.error && <p className="muted" role="status">{words.common.loading}</p>}
        {lines?.length === 0 && <p className="muted small">{t.empty}</p>}
        {lines && <NoteLines lines={lines} nameOf={nameOf} />}
      </div>
      {action.error && <p className="field-error" role="alert">{action.error}</p>}
      <footer className="notes-save">
        {FORMATS.map((format) => <button key={format} type="button" className="button ghost small" disabled={action.busy} onClick={() => save(format)} data-testid={`note-save-${format}`}>{t.save[format]}</button>)}
      </footer>
    </section>
  );
}
