// The note that runs: its lines as they come, the field for one of one's own, and its end.

import { useLayoutEffect, useRef, useState } from 'react';
import type { Author, Note, Notes, NotesState } from 'zzan-client';
import { useShortWhen } from '../community/hooks';
import { useT } from '../i18n';
import { Confirm } from '../ui/Confirm';
import { LineField } from './LineField';
import { NoteLines } from './NoteLines';
import { SpeechSwitch } from './SpeechSwitch';
import type { Speech } from './useNoteTaking';

/** So near the end counts as at the end. */
const NEAR_END_PX = 60;

interface Props {
  notes: Notes;
  state: NotesState;
  note: Note;
  speech: Speech | undefined;
  nameOf: (author: Author) => string;
}

export function RunningNote({ notes, state, note, speech, nameOf }: Props) {
  const t = useT().notes;
  const when = useShortWhen();
  const [ending, setEnding] = useState(false);
  const { lines, outgoing } = state;
  const log = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    if (log.current && isAtEnd.current) log.current.scrollTop = log.current.scrollHeight;
  }, [lines, outgoing]);
  const onScroll = () => {
    const box = log.current;
    if (box) isAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
  };
  return (
    <section className="note-running" aria-label={note.name} data-testid="note-running">
      <header className="note-head">
        <div className="row-text">
          <h3 data-testid="note-title">{note.name}</h3>
          <span className="muted small">{t.startedBy(nameOf(note.started_by), when(note.started_at))}</span>
        </div>
        <button type="button" className="button ghost small danger-text" onClick={() => setEnding(true)} data-testid="note-end">{t.end}</button>
      </header>
      <div ref={log} className="notes-scroll" onScroll={onScroll} role="log" aria-label={t.log} aria-live="polite" aria-relevant="additions" tabIndex={0} data-testid="note-log">
        {lines.length === 0 && outgoing.length === 0 && <p className="muted small">{t.empty}</p>}
        <NoteLines lines={lines} nameOf={nameOf} />
        {outgoing.map(({ nonce, text, state: sending }) => (
          <p key={nonce} className={`note-outgoing ${sending}`} data-testid="note-outgoing" data-state={sending}>
            <span className="note-text">{text}</span>
            <span className="line-state" role={sending === 'failed' ? 'alert' : undefined}>
              {sending === 'failed' ? t.failed : t.sending}
              {sending === 'failed' && (
                <>
                  <button type="button" className="link-button" onClick={() => void notes.retry(nonce)}>{t.retry}</button>
                  <button type="button" className="link-button" onClick={() => notes.discard(nonce)}>{t.discard}</button>
                </>
              )}
            </span>
          </p>
        ))}
      </div>
      {speech && <SpeechSwitch speech={speech} running />}
      <LineField onAdd={(text) => void notes.append(text)} />
      {ending && <Confirm title={t.endTitle} text={t.endText} action={t.end} onConfirm={() => notes.end()} onClose={() => setEnding(false)} />}
    </section>
  );
}
