import { expect, test } from 'vitest';
import type { LobbyRoom, Participant, Quality, RoomJoined, Track } from '../src/protocol.gen.js';
import { fromSnapshot, hasLiveSlot, mergeLobby, midOf, reduce, trackOf, withAnswer, type RoomState } from '../src/state.js';

const ann: Participant = { id: 'p1', user: 'u1', name: 'Ann', state: 'joined' };
const bo: Participant = { id: 'p2', user: 'u2', name: 'Bo', state: 'joined' };
const boCamera: Track = { id: 't2', participant: 'p2', kind: 'video', source: 'camera', muted: false, muted_by_moderator: false };
const boMicrophone: Track = { id: 't3', participant: 'p2', kind: 'audio', source: 'microphone', muted: false, muted_by_moderator: false };

function joined(): RoomState {
  const seat: RoomJoined = {
    ice_servers: [],
    me: { id: 'p1', user: 'u1', name: 'Ann', rights: { publish: true, subscribe: true, data: true, administer: false } },
    room: { id: 'r1', name: 'Friday', kind: 'buddy', capacity: 4, has_password: false, owner: 'u1', channel: 'c1', participants: [ann, bo] },
    slots: [{ mid: '2', kind: 'audio' }, { mid: '5', kind: 'video' }],
    tracks: [boCamera, boMicrophone],
    rev: 3,
  };
  return fromSnapshot(seat);
}

const map = (rev: number, ...slots: [string, string | null][]) =>
  ({ name: 'media:map', payload: { room: 'r1', rev, slots: slots.map(([mid, track]) => ({ mid, track })) } }) as const;

test('a map binds slots to tracks by mid', () => {
  const state = reduce(joined(), map(3, ['2', 't3'], ['5', 't2']));
  expect(midOf(state, 't2')).toBe('5');
  expect(midOf(state, 't3')).toBe('2');
});

test('a map of a lower revision is stale, one of the same or a higher revision replaces all bindings', () => {
  const bound = reduce(joined(), map(5, ['5', 't2']));
  expect(reduce(bound, map(4, ['5', 't9']))).toBe(bound);
  expect([...reduce(bound, map(5, ['2', 't3'])).bindings]).toEqual([['2', 't3']]);
  expect([...reduce(bound, map(6, ['2', null], ['5', null])).bindings]).toEqual([]);
});

test('bindings hold over a resume until the next map', () => {
  const bound = reduce(joined(), map(4, ['5', 't2']));
  const resumed = fromSnapshot({ ...joined(), room: { ...bound.room, participants: [ann, bo] }, slots: [], tracks: [boCamera], rev: 6 }, bound);
  expect(midOf(resumed, 't2')).toBe('5');
  expect(reduce(resumed, map(5, ['5', null]))).toBe(resumed);
  expect(midOf(reduce(resumed, map(6, ['5', null])), 't2')).toBeUndefined();
});

test('an answered offer brings its tracks and revision', () => {
  const state = withAnswer(joined(), { answer: { type: 'answer', sdp: '' }, slots: [], tracks: [boMicrophone], rev: 9, ice_servers: [] });
  expect(state.tracks).toEqual([boMicrophone]);
  expect(reduce(state, map(8, ['2', 't3']))).toBe(state);
});

test('people come, change and go with their tracks', () => {
  const cy: Participant = { id: 'p3', user: 'u3', name: 'Cy', state: 'joined' };
  let state = reduce(joined(), { name: 'participant:joined', payload: { room: 'r1', participant: cy } });
  expect(state.participants.map(({ name }) => name)).toEqual(['Ann', 'Bo', 'Cy']);
  const away: Participant = { ...bo, state: 'reconnecting' };
  state = reduce(state, { name: 'participant:updated', payload: { room: 'r1', participant: away, state: 'reconnecting' } });
  expect(state.participants[1]).toEqual(away);
  state = reduce(state, { name: 'speaker:changed', payload: { room: 'r1', speakers: [{ participant: 'p2', level: -20 }] } });
  state = reduce(state, { name: 'participant:left', payload: { room: 'r1', participant: 'p2', reason: 'disconnected' } });
  expect(state.participants.map(({ id }) => id)).toEqual(['p1', 'p3']);
  expect(state.tracks).toEqual([]);
  expect(state.speakers).toEqual([]);
});

test('the same person joining twice stands there once', () => {
  const state = reduce(joined(), { name: 'participant:joined', payload: { room: 'r1', participant: bo } });
  expect(state.participants.length).toBe(2);
});

test('tracks are published, muted and taken back', () => {
  const screen: Track = { id: 't4', participant: 'p2', kind: 'video', source: 'screen', muted: false, muted_by_moderator: false };
  let state = reduce(joined(), { name: 'track:published', payload: { room: 'r1', track: screen } });
  expect(trackOf(state, 'p2', 'screen')).toEqual(screen);
  state = reduce(state, { name: 'track:updated', payload: { room: 'r1', track: { ...boCamera, muted: true } } });
  expect(trackOf(state, 'p2', 'camera')?.muted).toBe(true);
  state = reduce(state, { name: 'track:unpublished', payload: { room: 'r1', track: 't2' } });
  expect(trackOf(state, 'p2', 'camera')).toBeUndefined();
});

test('events of another room change nothing', () => {
  const state = joined();
  expect(reduce(state, { name: 'participant:left', payload: { room: 'r2', participant: 'p2', reason: 'left' } })).toBe(state);
  expect(reduce(state, { name: 'chat:message', payload: { message: {} as never } })).toBe(state);
});

test('the lobby stays newest first, and ended rooms go', () => {
  const room = (id: string, minute: number, seated = 1): LobbyRoom => ({
    id, seated, name: id, kind: 'buddy', capacity: 4, has_password: false, owner_name: 'Ann', created_at: `2026-01-01T00:0${minute}:00Z`,
  });
  const rooms = mergeLobby([], [room('a', 1), room('b', 2)], []);
  const next = mergeLobby(rooms, [room('c', 3), room('a', 1, 4)], ['b']);
  expect(next.map(({ id, seated }) => [id, seated])).toEqual([['c', 1], ['a', 4]]);
});

test('a track that is held back is so until it comes, or ends', () => {
  const stalled = (track: string, stalled: boolean) => ({ name: 'media:stalled' as const, payload: { room: 'r1', track, stalled } });
  let state = reduce(joined(), stalled('t2', true));
  expect([...state.stalled]).toEqual(['t2']);
  expect(reduce(state, stalled('t2', false)).stalled.size).toBe(0);
  state = reduce(state, { name: 'track:unpublished', payload: { room: 'r1', track: 't2' } });
  expect(state.stalled.size).toBe(0);
  expect(reduce(state, { ...stalled('t2', true), payload: { room: 'r2', track: 't2', stalled: true } })).toBe(state);
});

test('qualities add up, and leave with their participants', () => {
  const changed = (participant: string, quality: Quality) => ({ name: 'quality:changed' as const, payload: { room: 'r1', qualities: [{ participant, quality }] } });
  let state = reduce(reduce(joined(), changed('p1', 'excellent')), changed('p2', 'poor'));
  expect([...state.qualities]).toEqual([['p1', 'excellent'], ['p2', 'poor']]);
  state = reduce(state, { name: 'participant:left', payload: { room: 'r1', participant: 'p2', reason: 'left' } });
  expect([...state.qualities.keys()]).toEqual(['p1']);
});

test('what is muted, paused or held back is not missed when nothing arrives', () => {
  const onlyCamera = reduce(joined(), map(3, ['5', 't2']));
  const never = () => false;
  expect(hasLiveSlot(joined(), never)).toBe(false);
  expect(hasLiveSlot(onlyCamera, never)).toBe(true);
  expect(hasLiveSlot(onlyCamera, (track) => track === 't2')).toBe(false);
  expect(hasLiveSlot(reduce(onlyCamera, { name: 'media:stalled', payload: { room: 'r1', track: 't2', stalled: true } }), never)).toBe(false);
  const moderated = { ...boCamera, muted_by_moderator: true };
  expect(hasLiveSlot(reduce(onlyCamera, { name: 'track:updated', payload: { room: 'r1', track: moderated } }), never)).toBe(false);
});
