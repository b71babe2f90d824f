// The list that opens where somebody begins to write a name: what is on it, which entry is active, and the keys that move in it.

import { useMemo, useState, type KeyboardEvent } from 'react';
import { useT } from '../i18n';
import { folded, mentioning, queryAt, rawOf, type Draft } from './mentions';
import { candidatesOf, useTalk, type Candidate, type People } from './people';

/** Longer lists are narrowed by writing on. */
const SHOWN_MAX = 8;

export interface MentionList {
  /** Empty while it is closed. */
  readonly candidates: readonly Candidate[];
  readonly active: number;
  setActive: (at: number) => void;
  pick: (candidate: Candidate) => void;
  /** Whether the key was for the list. */
  take: (event: KeyboardEvent) => boolean;
}

interface Options {
  draft: Draft;
  /** Where the caret stands; nothing while the field doesn't have the focus. */
  caret: number | undefined;
  onPick: (picked: { draft: Draft; caret: number }) => void;
}

export function useMentionList({ draft, caret, onPick }: Options): MentionList {
  const t = useT();
  const { people } = useTalk();
  const [state, setState] = useState({ key: '', active: 0 });
  const [dismissed, setDismissed] = useState<number>();
  const asked = caret === undefined ? undefined : queryAt(draft, caret);
  const key = asked ? `${asked.from} ${asked.query}` : '';
  const everyone = t.messages.mention.everyone;
  const open = asked !== undefined && asked.from !== dismissed;
  const candidates = useMemo(() => (open ? matches(people, everyone, asked.query) : []), [open, people, everyone, asked?.query]);
  const active = state.key === key ? Math.min(state.active, candidates.length - 1) : 0;

  const pick = ({ kind, id, name }: Candidate) => {
    if (!asked || caret === undefined) return;
    onPick(mentioning(draft, asked.from, caret, `@${name}`, rawOf({ kind, id })));
  };
  const take = (event: KeyboardEvent): boolean => {
    const chosen = candidates[active];
    if (!chosen || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setState({ key, active: (active + step + candidates.length) % candidates.length });
    else if (event.key === 'Enter' || event.key === 'Tab') pick(chosen);
    else if (event.key === 'Escape') setDismissed(asked?.from);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  // Another `@` opens it again.
  if (dismissed !== undefined && asked?.from !== dismissed) setDismissed(undefined);
  return { candidates, active, setActive: (at) => setState({ key, active: at }), pick, take };
}

/** Names that begin so before names with it in the middle. */
function matches(people: People, everyone: string, query: string): Candidate[] {
  const wanted = folded(query);
  const place = ({ name, also }: Candidate) => Math.min(...[name, also ?? ''].map((one) => folded(one).indexOf(wanted)).map((at) => (at < 0 ? Infinity : Math.min(at, 1))));
  const found = candidatesOf(people, everyone).map((candidate) => ({ candidate, at: place(candidate) })).filter(({ at }) => at < Infinity);
  return found.sort((a, b) => a.at - b.at).slice(0, SHOWN_MAX).map(({ candidate }) => candidate);
}
