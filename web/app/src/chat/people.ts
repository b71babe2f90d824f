// Who can be mentioned where one writes, and what those are called who were.

import { createContext, useContext, useMemo, useRef } from 'react';
import { can, type Author, type Mention, type Message, type Participant, type ServerState } from 'zzan-client';
import { colorOf, cssColor, roleName } from '../community/hooks';
import { useT } from '../i18n';
import type { Dictionary } from '../i18n/en';
import { rawOf, spelledOut, wireOf, type Draft } from './mentions';

export interface Known {
  readonly id: string;
  readonly name: string;
  /** What else they are called. */
  readonly also?: string | undefined;
  readonly color?: string | undefined;
}

/** Of the place where a chat is. */
export interface People {
  /** The own user id, and the ids of the own roles. */
  readonly me: string;
  readonly myRoles: readonly string[];
  readonly users: readonly Known[];
  readonly roles: readonly Known[];
  /** Whether one may mention roles and everyone. */
  readonly mayMentionAll: boolean;
  /** Whether `users` are all that there are, so that anybody else has left. */
  readonly complete: boolean;
}

/** Whom one may mention. */
export interface Candidate extends Known {
  readonly kind: Mention['kind'];
}

export function candidatesOf(people: People, everyone: string): Candidate[] {
  return [
    ...people.users.filter(({ id }) => id !== people.me).map((user) => ({ ...user, kind: 'user' as const })),
    ...(people.mayMentionAll ? [{ id: '', name: everyone, also: 'everyone', kind: 'everyone' as const }] : []),
    ...(people.mayMentionAll ? people.roles.map((role) => ({ ...role, kind: 'role' as const })) : []),
  ];
}

/** The text of a draft as it is sent, in which names that were written out are mentions too. */
export function useWire(): (draft: Draft) => string {
  const t = useT();
  const { people } = useTalk();
  return (draft) => {
    const names = candidatesOf(people, t.messages.mention.everyone).flatMap(({ kind, id, name, also }) => [name, also ?? ''].filter(Boolean).map((one) => ({ name: one, raw: rawOf({ kind, id }) })));
    return wireOf(spelledOut(draft, names)).trim();
  };
}

/** The people of a server. */
export function usePeople(state: ServerState): People {
  const t = useT();
  const { members, roles, me } = state;
  const mayMentionAll = can(state, 'mention_everyone');
  return useMemo(
    () => ({
      me: me.user.id,
      myRoles: me.roles,
      users: (members ?? []).map(({ user, nickname, roles: own }) => ({ id: user.id, name: nickname ?? user.name, also: nickname === undefined ? undefined : user.name, color: colorOf(state, own) })),
      roles: roles.map((role) => ({ id: role.id, name: roleName(role, t), color: role.color === undefined ? undefined : cssColor(role.color) })),
      mayMentionAll,
      complete: members !== undefined,
    }),
    [members, roles, me, mayMentionAll, t],
  );
}

/** The people of a call. Those who left it are still called what they were. */
export function useCallPeople(me: string, participants: readonly Participant[], administer: boolean): People {
  return useMemo(
    () => ({ me, myRoles: [], users: participants.map(({ user, name }) => ({ id: user, name })), roles: [], mayMentionAll: administer, complete: false }),
    [me, participants, administer],
  );
}

/** What a mention is shown as, with its `@`; nothing for one of nobody that can be known. */
export type LabelOf = (mention: Mention) => string | undefined;

/** Names of a place, and of who wrote here but isn't there any more. */
export function useLabels(people: People, messages: readonly Message[], nameOf: (author: Author) => string): LabelOf {
  const t = useT();
  const authors = useAuthors(messages, nameOf);
  return useMemo(() => {
    const users = new Map(authors);
    for (const { id, name } of people.users) users.set(id, name);
    const roles = new Map(people.roles.map(({ id, name }) => [id, name]));
    return (mention) => labelOf(mention, users, roles, people.complete, t);
  }, [people, authors, t]);
}

/** Another map only when somebody is new or called otherwise: all that shows names is drawn again then. */
function useAuthors(messages: readonly Message[], nameOf: (author: Author) => string): ReadonlyMap<string, string> {
  const known = useRef<ReadonlyMap<string, string>>(new Map());
  return useMemo(() => {
    const authors = new Map(messages.map(({ author }) => [author.id, nameOf(author)]));
    const same = authors.size === known.current.size && [...authors].every(([id, name]) => known.current.get(id) === name);
    return same ? known.current : (known.current = authors);
  }, [messages, nameOf]);
}

function labelOf({ kind, id = '' }: Mention, users: ReadonlyMap<string, string>, roles: ReadonlyMap<string, string>, complete: boolean, t: Dictionary): string | undefined {
  const words = t.messages.mention;
  if (kind === 'everyone') return `@${words.everyone}`;
  const name = (kind === 'role' ? roles : users).get(id);
  if (name !== undefined) return `@${name}`;
  // What is no id of anybody is a text that only looks like a mention.
  return kind === 'user' && complete && /^[\w.:-]+$/.test(id) ? `@${words.left}` : undefined;
}

interface Talk {
  readonly people: People;
  readonly labelOf: LabelOf;
}

const NOBODY: Talk = { people: { me: '', myRoles: [], users: [], roles: [], mayMentionAll: false, complete: false }, labelOf: () => undefined };

export const TalkContext = createContext<Talk>(NOBODY);

/** The people around the messages here. */
export function useTalk(): Talk {
  return useContext(TalkContext);
}
