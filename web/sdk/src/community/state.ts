// What a member knows of a server, and how each event changes it. Pure: no socket, no clock. Each event may come twice and changes nothing then.

import type { Category, Channel, Member, Membership, Message, Permission, Person, Role, Server, ServerInfo, Unread } from '../protocol.gen.js';
import type { ServerEvent } from '../protocol.js';
import { count, NOTHING_READ } from './unread.js';

export interface ServerState {
  readonly info: ServerInfo;
  /** Highest rank first. */
  readonly roles: readonly Role[];
  /** In the order to show them. */
  readonly categories: readonly Category[];
  /** Those that one reads, in the order to show them within their category. */
  readonly channels: readonly Channel[];
  /** By channel id; of every channel above. */
  readonly unread: ReadonlyMap<string, Unread>;
  /** Who is in a call, by channel id; nothing for channels where nobody is. */
  readonly voices: ReadonlyMap<string, readonly Person[]>;
  readonly me: Membership;
  /** In the order of joining. `undefined` until they were asked for. */
  readonly members: readonly Member[] | undefined;
}

/** Badges of a whole server. */
export interface Totals {
  readonly unread: number;
  readonly mentions: number;
}

/** The state after a listing; members are asked for on their own. */
export function fromListing(server: Server, members?: readonly Member[]): ServerState {
  const { info, roles, categories, channels, me } = server;
  return {
    info,
    roles,
    categories,
    channels,
    unread: new Map(server.unread.map((unread) => [unread.channel, unread])),
    voices: new Map(server.voices.map(({ channel, people }) => [channel, people])),
    me,
    members,
  };
}

/** What is unread of the channels that one reads. */
export function totals(state: ServerState): Totals {
  const all = [...state.unread.values()];
  return { unread: sum(all.map(({ unread }) => unread)), mentions: sum(all.map(({ mentions }) => mentions)) };
}

/** Whether one's roles allow it. Whom it may be done to depends on ranks too. */
export function can(state: ServerState, permission: Permission): boolean {
  return state.me.permissions.includes(permission);
}

/** The rank of a member: that of its highest role; the owner stands above all. */
export function rankOf(state: ServerState, user: string, roles: readonly string[]): number {
  if (state.info.owner === user) return Infinity;
  return Math.max(0, ...state.roles.filter(({ id }) => roles.includes(id)).map(({ rank }) => rank));
}

/** Events of other servers change nothing: the same object comes back. */
export function reduce(state: ServerState, event: ServerEvent): ServerState {
  if (serverOf(event) !== state.info.id) return state;
  switch (event.name) {
    case 'server:updated': {
      const { server, roles, categories } = event.payload;
      return withRights({ ...state, info: server, roles, categories });
    }
    case 'channel:created':
    case 'channel:updated':
      return withChannel(state, event.payload.channel);
    case 'channel:deleted':
      return withoutChannel(state, event.payload.channel);
    case 'member:joined':
    case 'member:updated':
      return withMember(state, event.payload.member);
    case 'member:left': {
      const { user } = event.payload;
      return state.members ? { ...state, members: state.members.filter((member) => member.user.id !== user) } : state;
    }
    case 'presence:changed': {
      const presences = new Map(event.payload.presences.map((changed) => [changed.user, changed]));
      const follow = (member: Member): Member => {
        const now = presences.get(member.user.id);
        if (!now) return member;
        const { last_seen: _before, ...rest } = member;
        return { ...rest, presence: now.presence, ...(now.last_seen === undefined ? {} : { last_seen: now.last_seen }) };
      };
      return state.members ? { ...state, members: state.members.map(follow) } : state;
    }
    case 'voice:changed': {
      const { channel, people } = event.payload.voice;
      const voices = new Map(state.voices);
      if (people.length > 0) voices.set(channel, people);
      else voices.delete(channel);
      return { ...state, voices };
    }
    default:
      return state;
  }
}

/** The server that an event is about, where it is about one. */
export function serverOf({ payload }: ServerEvent): string | undefined {
  const { server } = payload as { server?: string | ServerInfo };
  return typeof server === 'object' ? server.id : server;
}

/** After a message. `read`: it is in sight, and counts as read at once. */
export function withMessage(state: ServerState, message: Message, read: boolean): ServerState {
  const before = state.unread.get(message.channel);
  if (!before) return state;
  const after = count(before, message, state.me, read);
  return after === before ? state : withUnread(state, [after]);
}

/** What the server counted takes the place of what was counted here. Channels that aren't here are left out. */
export function withUnread(state: ServerState, counted: readonly Unread[]): ServerState {
  const unread = new Map(state.unread);
  for (const one of counted) if (state.channels.some(({ id }) => id === one.channel)) unread.set(one.channel, one);
  return { ...state, unread };
}

function withChannel(state: ServerState, channel: Channel): ServerState {
  const channels = [...state.channels.filter(({ id }) => id !== channel.id), channel].sort((a, b) => a.position - b.position || (a.id < b.id ? -1 : 1));
  const unread = state.unread.has(channel.id) ? state.unread : new Map(state.unread).set(channel.id, { channel: channel.id, ...NOTHING_READ });
  return { ...state, channels, unread };
}

function withoutChannel(state: ServerState, channel: string): ServerState {
  const [unread, voices] = [new Map(state.unread), new Map(state.voices)];
  unread.delete(channel);
  voices.delete(channel);
  return { ...state, channels: state.channels.filter(({ id }) => id !== channel), unread, voices };
}

function withMember(state: ServerState, member: Member): ServerState {
  const { members, me } = state;
  const known = members?.some(({ user }) => user.id === member.user.id);
  const next = known ? members?.map((one) => (one.user.id === member.user.id ? member : one)) : members && [...members, member];
  if (member.user.id !== me.user.id) return { ...state, members: next };
  const { nickname: _before, ...kept } = me;
  const { nickname, roles } = member;
  return withRights({ ...state, members: next, me: { ...kept, ...(nickname === undefined ? {} : { nickname }), roles } });
}

/** What one may, after roles have changed: the owner everything, else what any of one's roles allows. */
function withRights(state: ServerState): ServerState {
  const { me, info, roles } = state;
  const own = info.owner === me.user.id ? ALL : roles.filter(({ id }) => me.roles.includes(id)).flatMap(({ permissions }) => permissions);
  return { ...state, me: { ...me, permissions: ALL.filter((permission) => own.includes(permission)) } };
}

/** Every permission that there is, as the server orders them. */
export const ALL: readonly Permission[] = [
  'send', 'connect', 'invite', 'schedule', 'note', 'mention_everyone', 'manage_messages', 'mute_members', 'kick', 'ban', 'manage_invites',
  'manage_schedules', 'manage_nicknames', 'manage_channels', 'manage_roles', 'manage_server',
];

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
