// What a participant knows of its room, and how each event changes it. Pure: no socket, no media, no clock.

import type { ServerEvent } from './protocol.js';
import type { WantedLayers } from './layers.js';
import type { LobbyRoom, MediaAnswer, Me, Participant, Quality, Room, RoomJoined, Seat, Slot, Speaker, Track, TrackSource } from './protocol.gen.js';

export interface RoomState {
  readonly me: Me;
  readonly room: Omit<Room, 'participants'>;
  /** In the order of joining, oneself included. */
  readonly participants: readonly Participant[];
  /** All tracks, own ones included. */
  readonly tracks: readonly Track[];
  readonly slots: readonly Slot[];
  /** Track ids by the mid of the slot that carries them. */
  readonly bindings: ReadonlyMap<string, string>;
  /** Bindings of a lower revision are stale. */
  readonly rev: number;
  /** Audible participants, loudest first. */
  readonly speakers: readonly Speaker[];
  /** Ids of others' tracks that the server holds back, because the own connection is too narrow for them. */
  readonly stalled: ReadonlySet<string>;
  /** How well participants' connections do, by participant id; nothing for those of whom it isn't known yet. */
  readonly qualities: ReadonlyMap<string, Quality>;
  /** What is wanted of own tracks, by track id. */
  readonly layers: ReadonlyMap<string, WantedLayers>;
}

/** The state after a join, or after a resume when `previous` is given: its bindings hold until the next `media:map`. */
export function fromSnapshot(snapshot: RoomJoined | Seat, previous?: RoomState): RoomState {
  const { participants, ...room } = snapshot.room;
  return {
    me: snapshot.me,
    room,
    participants,
    tracks: snapshot.tracks,
    slots: snapshot.slots,
    bindings: previous?.bindings ?? new Map(),
    rev: snapshot.rev,
    speakers: previous?.speakers ?? [],
    // The server says it again to who comes back.
    stalled: new Set(),
    qualities: previous?.qualities ?? new Map(),
    layers: previous?.layers ?? new Map(),
  };
}

/** The state after a new offer was answered. */
export function withAnswer(state: RoomState, answer: MediaAnswer): RoomState {
  return { ...state, slots: answer.slots, tracks: answer.tracks, rev: answer.rev };
}

/** The state after the server took what is published. */
export function withTracks(state: RoomState, tracks: readonly Track[]): RoomState {
  return { ...state, tracks };
}

/** Events of other rooms, of unknown participants and of stale revisions change nothing: the same object comes back. */
export function reduce(state: RoomState, event: ServerEvent): RoomState {
  if (roomOf(event) !== state.room.id) return state;
  switch (event.name) {
    case 'participant:joined':
    case 'participant:updated':
      return { ...state, participants: upsert(state.participants, event.payload.participant) };
    case 'participant:left':
      return withoutParticipant(state, event.payload.participant);
    case 'track:published':
    case 'track:updated':
      return { ...state, tracks: upsert(state.tracks, event.payload.track) };
    case 'track:unpublished':
      return { ...state, tracks: state.tracks.filter((track) => track.id !== event.payload.track), stalled: without(state.stalled, event.payload.track) };
    case 'media:map': {
      if (event.payload.rev < state.rev) return state;
      const bindings = new Map<string, string>();
      for (const { mid, track } of event.payload.slots) if (track !== null) bindings.set(mid, track);
      // What no slot carries any more isn't held back either.
      const bound = new Set(bindings.values());
      const stalled = new Set([...state.stalled].filter((track) => bound.has(track)));
      return { ...state, bindings, stalled, rev: event.payload.rev };
    }
    case 'speaker:changed':
      return { ...state, speakers: event.payload.speakers };
    case 'media:stalled': {
      const { track, stalled } = event.payload;
      return { ...state, stalled: stalled ? new Set(state.stalled).add(track) : without(state.stalled, track) };
    }
    case 'media:layers': {
      const { track, wanted, active } = event.payload;
      return { ...state, layers: new Map(state.layers).set(track, { wanted, active }) };
    }
    case 'quality:changed': {
      const qualities = new Map(state.qualities);
      for (const { participant, quality } of event.payload.qualities) qualities.set(participant, quality);
      return { ...state, qualities };
    }
    case 'room:updated': {
      const { participants, ...room } = event.payload.room;
      return { ...state, room, participants };
    }
    default:
      return state;
  }
}

/** Whether a track can be heard or seen: neither its publisher nor a moderator muted it. */
export function isAudible(track: Track | undefined): track is Track {
  return track !== undefined && !track.muted && !track.muted_by_moderator;
}

/** A participant's track of one source. */
export function trackOf(state: RoomState, participant: string, source: TrackSource): Track | undefined {
  return state.tracks.find((track) => track.participant === participant && track.source === source);
}

/** The slot that carries a track. */
export function midOf(state: RoomState, track: string): string | undefined {
  for (const [mid, bound] of state.bindings) if (bound === track) return mid;
  return undefined;
}

/** Whether something should be arriving: a slot carries a track that is neither muted, paused nor held back, of somebody whose connection is alive. */
export function hasLiveSlot(state: RoomState, isPaused: (track: string) => boolean): boolean {
  const here = new Set(state.participants.filter((participant) => participant.state === 'joined').map((participant) => participant.id));
  const bound = new Set(state.bindings.values());
  const flows = (track: Track) => bound.has(track.id) && isAudible(track) && !state.stalled.has(track.id) && !isPaused(track.id);
  return state.tracks.some((track) => flows(track) && here.has(track.participant));
}

/** The lobby after `lobby:changed`: newest first. */
export function mergeLobby(rooms: readonly LobbyRoom[], changed: readonly LobbyRoom[], removed: readonly string[]): LobbyRoom[] {
  const gone = new Set(removed);
  let next = rooms.filter((room) => !gone.has(room.id));
  for (const room of changed) next = upsert(next, room);
  return next.sort((a, b) => b.created_at.localeCompare(a.created_at));
}

function withoutParticipant(state: RoomState, id: string): RoomState {
  const qualities = new Map(state.qualities);
  qualities.delete(id);
  return {
    ...state,
    participants: state.participants.filter((participant) => participant.id !== id),
    tracks: state.tracks.filter((track) => track.participant !== id),
    speakers: state.speakers.filter((speaker) => speaker.participant !== id),
    qualities,
  };
}

function roomOf(event: ServerEvent): string | undefined {
  if (event.name === 'room:updated') return event.payload.room.id;
  return 'room' in event.payload ? event.payload.room : undefined;
}

function without<T>(set: ReadonlySet<T>, item: T): ReadonlySet<T> {
  if (!set.has(item)) return set;
  const next = new Set(set);
  next.delete(item);
  return next;
}

function upsert<T extends { id: string }>(list: readonly T[], item: T): T[] {
  const at = list.findIndex((other) => other.id === item.id);
  return at < 0 ? [...list, item] : list.with(at, item);
}
