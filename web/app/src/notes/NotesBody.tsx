// A channel's notes: the one that runs, the way to start one, those that have ended, and one of these to read.

import { useId, useState } from 'react';
import type { Author, Note, Notes } from 'zzan-client';
import { useAction, useWhen } from '../community/hooks';
import { useT, useWords } from '../i18n';
import { NAME_MAX } from '../ui/NameField';
import { NoteReader } from './NoteReader';
import { RunningNote } from './RunningNote';
import { SpeechSwitch } from './SpeechSwitch';
import { useNotesState, type Speech } from './useNoteTaking';

interface Props {
  notes: Notes;
  mayStart: boolean;
  /** Given in a call. */
  speech?: Speech;
  /** What somebody is called here; the name that the line carries when absent. */
  nameOf?: (author: Author) => string;
}

export function NotesBody({ notes, mayStart, speech, nameOf = ({ name }) => name }: Props) {
  const t = useT().notes;
  const state = useNotesState(notes);
  const [reading, setReading] = useState<Note>();
  if (reading) return <NoteReader notes={notes} note={reading} nameOf={nameOf} onBack={() => setReading(undefined)} />;
  const { running, ended, loaded, error } = state;
  const list = <EndedNotes notes={notes} onRead={setReading} />;
  return (
    <div className="notes">
      {error && !loaded && <p className="field-error" role="alert">{t.loadFailed}</p>}
      {running && <RunningNote key={running.id} notes={notes} state={state} note={running} speech={speech} nameOf={nameOf} />}
      {loaded && !running && (
        <div className="notes-scroll">
          {mayStart && <StartForm notes={notes} speech={speech} />}
          <h3>{t.earlier}</h3>
          {list}
        </div>
      )}
      {running && ended.length > 0 && (
        <details className="notes-earlier" data-testid="notes-earlier">
          <summary>{t.earlier} ({ended.length})</summary>
          {list}
        </details>
      )}
    </div>
  );
}

function StartForm({ notes, speech }: { notes: Notes; speech: Speech | undefined }) {
  const { t, language } = useWords();
  const words = t.notes;
  const id = useId();
  const action = useAction();
  const [name, setName] = useState(() => words.suggestion(new Intl.DateTimeFormat(language, { month: 'long', day: 'numeric' }).format(new Date())));
  const isFine = name.trim() !== '' && [...name.trim()].length <= NAME_MAX;
  return (
    <form
      className="form notes-start"
      onSubmit={(event) => {
        event.preventDefault();
        if (isFine && !action.busy) action.run(() => notes.start(name.trim()));
      }}
    >
      <div>
        <h3>{words.startTitle}</h3>
        <p className="muted small">{words.startText}</p>
      </div>
      <div className="field">
        <label htmlFor={id}>{words.name}</label>
        <input id={id} className="input" autoComplete="off" value={name} aria-invalid={!isFine || undefined} data-testid="note-name" onInput={(event) => setName(event.currentTarget.value)} />
      </div>
      {speech && <SpeechSwitch speech={speech} running={false} />}
      {action.error && <p className="field-error" role="alert" data-testid="note-error">{action.error}</p>}
      <button type="submit" className="button primary block" disabled={action.busy || !isFine} data-testid="note-start">{words.start}</button>
    </form>
  );
}

function EndedNotes({ notes, onRead }: { notes: Notes; onRead: (note: Note) => void }) {
  const t = useT().notes;
  const when = useWhen();
  const action = useAction();
  const { ended, more } = useNotesState(notes);
  if (ended.length === 0) return <p className="muted small" data-testid="notes-none">{t.none}</p>;
  return (
    <>
      <ul className="notes-list">
        {ended.map((note) => (
          <li key={note.id}>
            <button type="button" className="notes-item" onClick={() => onRead(note)} data-testid="note">
              <strong>{note.name}</strong>
              <span className="muted small">{t.facts(when(note.started_at), note.lines)}</span>
            </button>
          </li>
        ))}
      </ul>
      {more && <button type="button" className="button ghost small" disabled={action.busy} onClick={() => action.run(() => notes.loadOlder())} data-testid="notes-more">{t.more}</button>}
      {action.error && <p className="field-error" role="alert">{action.error}</p>}
    </>
  );
}
