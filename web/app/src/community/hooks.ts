// React's view of servers, and what the dialogs here have in common.

import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { ZzanError, type Author, type Client, type Community, type CommunityServer, type CommunityState, type Role, type ServerState } from 'zzan-client';
import { useT, useWords } from '../i18n';
import type { Dictionary } from '../i18n/en';

export function useCommunity(client: Client): { community: Community; state: CommunityState } {
  const community = useMemo(() => client.community(), [client]);
  const state = useSyncExternalStore((changed) => community.on('change', changed), () => community.state);
  return { community, state };
}

export function useServer(server: CommunityServer): ServerState {
  return useSyncExternalStore((changed) => server.on('change', changed), () => server.state);
}

/** Something asked of a server: whether it is under way, and why it failed. */
export interface Action {
  readonly busy: boolean;
  readonly error: string | undefined;
  run: (act: () => Promise<unknown>, done?: () => void) => void;
}

export function useAction(): Action {
  const t = useT();
  const [state, setState] = useState<{ busy: boolean; error?: string }>({ busy: false });
  const run = (act: () => Promise<unknown>, done?: () => void) => {
    setState({ busy: true });
    act().then(
      () => {
        setState({ busy: false });
        done?.();
      },
      (cause: unknown) => setState({ busy: false, error: problemText(t, cause) }),
    );
  };
  return { busy: state.busy, error: state.error, run };
}

/** What went wrong, in words for who asked. */
export function problemText(t: Dictionary, cause: unknown): string {
  const words = t.community.problem;
  switch (ZzanError.from(cause).code) {
    case 'forbidden':
    case 'unauthorized':
      return words.forbidden;
    case 'not_found':
      return words.not_found;
    case 'conflict':
      return words.conflict;
    case 'invalid':
    case 'too_large':
      return words.invalid;
    case 'rate_limited':
    case 'unavailable':
      return words.busy;
    case 'timeout':
    case 'disconnected':
    case 'unreachable':
    case 'closed':
      return words.unreachable;
    case 'room_full':
    case 'bad_password':
    case 'link_invalid':
    case 'unsupported':
    case 'internal':
      return words.failed;
  }
}

/** What somebody is called in a server: the nickname, else the name that comes with them. */
export function useNames(state: ServerState): (author: Author) => string {
  return useMemo(() => {
    const nicknames = new Map(state.members?.flatMap(({ user, nickname }) => (nickname === undefined ? [] : [[user.id, nickname] as const])));
    return ({ id, name }) => nicknames.get(id) ?? name;
  }, [state.members]);
}

/** The roles that a server begins with are called in the page's language until somebody renames them. */
export function roleName({ kind, name }: Role, t: Dictionary): string {
  return kind !== 'custom' && kind === name ? t.community.roles.kinds[kind] : name;
}

/** 0xRRGGBB as CSS has it. */
export function cssColor(color: number): string {
  return `#${color.toString(16).padStart(6, '0')}`;
}

/** The colour of somebody's highest role that has one. */
export function colorOf(state: ServerState, roles: readonly string[]): string | undefined {
  const colored = state.roles.find(({ id, color }) => color !== undefined && roles.includes(id));
  return colored?.color === undefined ? undefined : cssColor(colored.color);
}

/** A day and a time, short. */
export function useWhen(): (time: string) => string {
  const { language } = useWords();
  return (time) => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(time));
}

/** The time of something today, the day of anything else. */
export function useShortWhen(): (time: string) => string {
  const { language } = useWords();
  return (time) => {
    const at = new Date(time);
    const isToday = at.toDateString() === new Date().toDateString();
    return new Intl.DateTimeFormat(language, isToday ? { timeStyle: 'short' } : { dateStyle: 'medium' }).format(at);
  };
}

/** Notes that go by themselves. */
export interface Note {
  readonly id: number;
  readonly text: string;
}

const NOTE_MS = 8_000;

/** Notes shown at a time. */
const NOTES_MAX = 3;

export function useNotes(): { notes: readonly Note[]; show: (text: string) => void } {
  const [notes, setNotes] = useState<readonly Note[]>([]);
  useEffect(() => {
    const [oldest] = notes;
    if (!oldest) return;
    const timer = setTimeout(() => setNotes((shown) => shown.filter(({ id }) => id !== oldest.id)), NOTE_MS);
    return () => clearTimeout(timer);
  }, [notes[0]?.id]);
  const show = useMemo(() => {
    let last = 0;
    return (text: string) => setNotes((shown) => [...shown.slice(1 - NOTES_MAX), { id: ++last, text }]);
  }, []);
  return { notes, show };
}
