import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Client } from '../src/client.js';
import { LocalMedia } from '../src/local.js';
import type { RoomJoined } from '../src/protocol.gen.js';
import { Room, type RoomEnd } from '../src/room.js';
import { FakeServer } from './fake_connection.js';

/** A PeerConnection without a network: it has m-lines, and takes a while to take an answer. */
class FakePeerConnection extends EventTarget {
  static readonly all: FakePeerConnection[] = [];
  connectionState: RTCPeerConnectionState = 'new';
  offers = 0;
  localDescription: RTCSessionDescriptionInit | null = null;
  private readonly transceivers: { mid: string; sender: object; receiver: object }[] = [];

  constructor() {
    super();
    FakePeerConnection.all.push(this);
  }

  addTransceiver(kind: string) {
    const mid = String(this.transceivers.length);
    const sender = { track: null as unknown, replaceTrack: (track: unknown) => Promise.resolve(void (sender.track = track)) };
    const transceiver = { mid, sender, receiver: { track: { kind, mid } } };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers() {
    return this.transceivers;
  }

  createOffer() {
    this.offers += 1;
    return Promise.resolve({ type: 'offer', sdp: 'v=0' });
  }

  setLocalDescription(description: RTCSessionDescriptionInit) {
    this.localDescription = description;
    return Promise.resolve();
  }

  setRemoteDescription() {
    return new Promise((done) => setTimeout(done, 50));
  }

  getStats() {
    return Promise.resolve(new Map());
  }

  become(state: RTCPeerConnectionState) {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  close() {
    this.connectionState = 'closed';
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  FakePeerConnection.all.length = 0;
  vi.stubGlobal('RTCPeerConnection', FakePeerConnection);
  for (const name of ['RTCRtpSender', 'RTCRtpReceiver']) vi.stubGlobal(name, { getCapabilities: () => null });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const seat = (rev: number): RoomJoined => ({
  answer: { type: 'answer', sdp: 'v=0' },
  slots: [{ mid: '2', kind: 'audio' }, { mid: '5', kind: 'video' }],
  me: { id: 'p1', user: 'u1', name: 'Ann' },
  room: {
    id: 'r1', name: 'Friday', kind: 'buddy', capacity: 4, has_password: false, owner: 'u1', channel: 'c1',
    participants: [{ id: 'p1', user: 'u1', name: 'Ann', state: 'joined' }, { id: 'p2', user: 'u2', name: 'Bo', state: 'joined' }],
  },
  tracks: [{ id: 't2', participant: 'p2', kind: 'video', source: 'camera', muted: false, muted_by_moderator: false }],
  rev,
});
const map = (rev: number, track: string | null) => ({ room: 'r1', rev, slots: [{ mid: '5', track }] });
const settle = () => vi.advanceTimersByTimeAsync(100);

async function joined() {
  const server = new FakeServer();
  const client = new Client({ url: 'http://zzan.test', token: () => 't', connect: server.connect, random: () => 0.5 });
  client.open();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s1');
  const local = new LocalMedia({ microphone: { on: false }, camera: { on: false } });
  const joining = Room.join(client, { room: 'r1', password: 'pw', local });
  await vi.advanceTimersByTimeAsync(0);
  server.last.requests('room:join')[0]?.answer({ ok: true, ...seat(7) });
  server.last.push('media:map', map(7, 't2'));
  await settle();
  const room = await joining;
  const ends: RoomEnd[] = [];
  room.on('ended', (end) => ends.push(end));
  return { server, client, room, ends };
}

/** Answers the newest request of a name. */
function answer(server: FakeServer, name: string, body: object): void {
  server.last.requests(name).at(-1)?.answer(body);
}

test('a map that comes while the answer is still being taken is not lost', async () => {
  const { room } = await joined();
  expect(room.mediaOf('p2', 'camera')).toMatchObject({ mid: '5' });
  expect(room.status).toBe('joined');
});

test('an offer names what its sending lines carry', async () => {
  const { server } = await joined();
  expect(server.last.requests('room:join')[0]?.payload).toMatchObject({
    room: 'r1',
    password: 'pw',
    offer: { type: 'offer' },
    publish: [{ mid: '0', source: 'microphone', muted: true }, { mid: '1', source: 'camera', muted: true }],
  });
});

test('a resumed session keeps its connection of media', async () => {
  const { server, room } = await joined();
  server.last.lose();
  expect(room.status).toBe('reconnecting');
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s2', { resumed: true, seat: seat(9) });
  server.last.push('media:map', map(9, 't2'));
  await settle();
  expect(room.status).toBe('joined');
  expect(FakePeerConnection.all.map(({ offers, connectionState }) => [offers, connectionState])).toEqual([[1, 'new']]);
  expect(room.mediaOf('p2', 'camera')).toMatchObject({ mid: '5' });
});

test('a session that is another one joins again, and its first map counts though its revision is lower', async () => {
  const { server, room } = await joined();
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s2', { resumed: false });
  await settle();
  expect(server.last.requests('room:join')[0]?.payload).toMatchObject({ room: 'r1', password: 'pw' });
  answer(server, 'room:join', { ok: true, ...seat(1) });
  server.last.push('media:map', map(1, 't2'));
  await settle();
  expect(room.status).toBe('joined');
  expect(room.mediaOf('p2', 'camera')).toMatchObject({ mid: '5' });
  expect(FakePeerConnection.all.map(({ connectionState }) => connectionState)).toEqual(['closed', 'new']);
});

test('a join that overtakes a dying offer keeps its map', async () => {
  const { server, room } = await joined();
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  FakePeerConnection.all[0]?.become('failed');
  await settle();
  server.last.ready('s2', { resumed: true });
  await settle();
  answer(server, 'media:offer', { ok: false, error: { code: 'not_found', message: 'no seat' } });
  await settle();
  answer(server, 'room:join', { ok: true, ...seat(1) });
  server.last.push('media:map', map(1, 't2'));
  await settle();
  expect(room.status).toBe('joined');
  expect(room.mediaOf('p2', 'camera')).toMatchObject({ mid: '5' });
});

test('a room that is gone after an absence ends the call', async () => {
  const { server, room, ends } = await joined();
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s2', { resumed: false });
  await settle();
  answer(server, 'room:join', { ok: false, error: { code: 'not_found', message: 'no such room' } });
  await settle();
  expect(ends).toEqual([{ reason: 'gone' }]);
  expect(room.status).toBe('ended');
});

test('dead media is offered anew in the same seat, once', async () => {
  const { server, room } = await joined();
  FakePeerConnection.all[0]?.become('failed');
  await settle();
  expect(room.status).toBe('reconnecting');
  expect(server.last.requests('media:offer').length).toBe(1);
  answer(server, 'media:offer', { ok: true, answer: { type: 'answer', sdp: 'v=0' }, slots: seat(8).slots, tracks: seat(8).tracks, rev: 8 });
  server.last.push('media:map', map(8, 't2'));
  await settle();
  expect(room.status).toBe('joined');
  expect(FakePeerConnection.all.map(({ offers, connectionState }) => [offers, connectionState])).toEqual([[1, 'closed'], [1, 'new']]);
  expect(room.mediaOf('p2', 'camera')).toMatchObject({ mid: '5' });
});

test('media that is disconnected for a moment only is kept', async () => {
  const { room } = await joined();
  FakePeerConnection.all[0]?.become('disconnected');
  await vi.advanceTimersByTimeAsync(1_500);
  FakePeerConnection.all[0]?.become('connected');
  await vi.advanceTimersByTimeAsync(3_000);
  expect(room.status).toBe('joined');
  expect(FakePeerConnection.all.length).toBe(1);
});

test('too late for the seat, media is offered with a new join', async () => {
  const { server } = await joined();
  server.last.push('media:lost', { room: 'r1' });
  await settle();
  answer(server, 'media:offer', { ok: false, error: { code: 'not_found', message: 'no seat' } });
  await settle();
  expect(server.last.requests('room:join').length).toBe(2);
});

test('a refusal that no attempt can change ends the call and tells why', async () => {
  const { server, ends } = await joined();
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s2', { resumed: false });
  await settle();
  answer(server, 'room:join', { ok: false, error: { code: 'room_full', message: 'full' } });
  await settle();
  expect(ends).toMatchObject([{ reason: 'refused', error: { code: 'room_full' } }]);
});

test.each([
  ['room:replaced', { room: 'r1' }, 'replaced'],
  ['room:closed', { room: 'r1', reason: 'kicked' }, 'kicked'],
  ['room:closed', { room: 'r1', reason: 'closed' }, 'closed'],
] as const)('%s ends the call', async (name, payload, reason) => {
  const { server, ends } = await joined();
  server.last.push(name, { ...payload, room: 'another' });
  expect(ends).toEqual([]);
  server.last.push(name, payload);
  expect(ends).toEqual([{ reason }]);
  expect(FakePeerConnection.all[0]?.connectionState).toBe('closed');
});

test('more slots are offered on the same connection when they are needed', async () => {
  const { server } = await joined();
  server.last.push('media:need', { room: 'r1', audio: 3, video: 5 });
  await settle();
  expect(server.last.requests('media:offer').length).toBe(1);
  expect(FakePeerConnection.all.map((pc) => pc.getTransceivers().length)).toEqual([10]);
  server.last.push('media:need', { room: 'r1', audio: 3, video: 5 });
  await settle();
  expect(server.last.requests('media:offer').length).toBe(1);
});
