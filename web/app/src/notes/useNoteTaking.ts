// Taking notes in a call: while a note runs, what one says goes into it, if one wants that and isn't muted.

import { useEffect, useState, useSyncExternalStore } from 'react';
import type { LocalState, Notes, NotesState, Room } from 'zzan-client';
import { useWords } from '../i18n';
import { browserShelf } from '../storage';
import { canListen, listen, type SpeechProblem } from './speech';

const KEY = 'zzan.notes.speech';

/** The languages of the page as speech recognition calls them. */
const SPOKEN = { ko: 'ko-KR', en: 'en-US' } as const;

export interface Speech {
  readonly state: 'missing' | 'off' | 'muted' | 'listening' | SpeechProblem;
  /** Whether the person wants it; remembered for the next note. */
  readonly wanted: boolean;
  want: (wanted: boolean) => void;
}

export interface NoteTaking {
  readonly notes: Notes;
  readonly state: NotesState;
  readonly speech: Speech;
}

export function useNotesState(notes: Notes): NotesState {
  return useSyncExternalStore((changed) => notes.on('change', changed), () => notes.state);
}

export function useNoteTaking(room: Room, { microphone }: LocalState, moderated: boolean): NoteTaking {
  const { language } = useWords();
  const { notes } = room;
  const state = useNotesState(notes);
  const [wanted, setWanted] = useState(() => browserShelf.read<boolean>(KEY) === true);
  const [problem, setProblem] = useState<SpeechProblem>();
  const isHeard = microphone.on && microphone.track !== null && !moderated;
  const note = state.running?.id;
  const listens = note !== undefined && wanted && isHeard;

  useEffect(() => {
    setProblem(undefined);
    if (!listens) return undefined;
    return listen(SPOKEN[language], { said: (text) => void notes.append(text), changed: setProblem });
  }, [listens, notes, note, language]);

  const want = (next: boolean) => {
    browserShelf.write(KEY, next);
    setWanted(next);
  };
  const speechState = !canListen() ? 'missing' : !wanted ? 'off' : (problem ?? (isHeard ? 'listening' : 'muted'));
  return { notes, state, speech: { state: speechState, wanted, want } };
}
