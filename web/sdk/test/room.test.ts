import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Client } from '../src/client.js';
import { LocalMedia } from '../src/local.js';
import type { RoomJoined, Track } from '../src/protocol.gen.js';
import { Room, type RoomEnd } from '../src/room.js';
import { FakeServer } from './fake_connection.js';
import { FakeDataChannel, FakePeerConnection } from './fake_rtc.js';

beforeEach(() => {
  vi.useFakeTimers();
  FakePeerConnection.all.length = 0;
  FakeDataChannel.all.length = 0;
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
  me: { id: 'p1', user: 'u1', name: 'Ann', rights: { publish: true, subscribe: true, data: true, administer: true } },
  room: {
    id: 'r1', name: 'Friday', kind: 'buddy', capacity: 4, has_password: false, owner: 'u1', channel: 'c1',
    participants: [{ id: 'p1', user: 'u1', name: 'Ann', state: 'joined' }, { id: 'p2', user: 'u2', name: 'Bo', state: 'joined' }],
  },
  tracks: [{ id: 't2', participant: 'p2', kind: 'video', source: 'camera', muted: false, muted_by_moderator: false }],
  rev,
  ice_servers: [],
});
const map = (rev: number, track: string | null) => ({ room: 'r1', rev, slots: [{ mid: '5', track }] });
const settle = () => vi.advanceTimersByTimeAsync(100);

async function joined(own: Track[] = []) {
  const server = new FakeServer();
  const client = new Client({ url: 'http://zzan.test', token: () => 't', connect: server.connect, random: () => 0.5 });
  client.open();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s1');
  const local = new LocalMedia({ microphone: { on: false }, camera: { on: false } });
  const joining = Room.join(client, { room: 'r1', password: 'pw', local });
  await vi.advanceTimersByTimeAsync(0);
  server.last.requests('room:join')[0]?.answer({ ok: true, ...seat(7), tracks: [...seat(7).tracks, ...own] });
  server.last.push('media:map', map(7, 't2'));
  await settle();
  const room = await joining;
  const ends: RoomEnd[] = [];
  room.on('ended', (end) => ends.push(end));
  return { server, client, room, ends, local };
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

/** A screen that is being shared, without a browser's question. */
function screenTrack(): MediaStreamTrack {
  return Object.assign(new EventTarget(), { kind: 'video', stop: () => undefined }) as unknown as MediaStreamTrack;
}

test('a shared screen is a track for the others for as long as it is shared', async () => {
  const { server, local } = await joined();
  const track = screenTrack();
  vi.stubGlobal('navigator', { mediaDevices: { getDisplayMedia: () => Promise.resolve({ getVideoTracks: () => [track] }) } });
  await local.shareScreen();
  const faces = [{ mid: '0', source: 'microphone', muted: true }, { mid: '1', source: 'camera', muted: true }];
  expect(server.last.requests('media:publish').map(({ payload }) => payload)).toEqual([{ publish: [...faces, { mid: '2', source: 'screen', muted: false }] }]);
  const screen = { id: 't9', participant: 'p1', kind: 'video', source: 'screen', muted: false, muted_by_moderator: false };
  answer(server, 'media:publish', { ok: true, tracks: [...seat(7).tracks, screen] });
  await settle();
  expect(server.last.requests('media:publish').length).toBe(1);

  track.dispatchEvent(new Event('ended'));
  await settle();
  expect(server.last.requests('media:publish').at(-1)?.payload).toEqual({ publish: faces });
  expect(FakePeerConnection.all.map(({ offers }) => offers)).toEqual([1]);
});

test('an own camera sends the layers that somebody can use, and none when nobody can', async () => {
  const { server } = await joined([{ id: 't1', participant: 'p1', kind: 'video', source: 'camera', muted: true, muted_by_moderator: false }]);
  const camera = FakePeerConnection.all[0]?.getTransceivers()[1]?.sender;
  const layers = async (wanted: boolean, active: string[]) => {
    server.last.push('media:layers', { room: 'r1', track: 't1', wanted, active });
    await settle();
    return camera?.active;
  };
  expect(camera?.active).toEqual(['q', 'h', 'f']);
  expect(await layers(true, ['q'])).toEqual(['q']);
  expect(await layers(false, [])).toEqual([]);
  expect(await layers(true, ['q', 'f'])).toEqual(['q', 'f']);
  expect(camera?.changes).toBe(3);
});

test('what one can use of a track is said once, and again after a new join', async () => {
  const { server, room } = await joined();
  room.subscribe('t2', { width: 320, height: 180 });
  room.subscribe('t2', { width: 320, height: 180 });
  room.subscribe('t2', { paused: true });
  const said = () => server.last.requests('media:subscribe').map(({ payload }) => payload);
  expect(said()).toEqual([{ track: 't2', paused: false, width: 320, height: 180 }, { track: 't2', paused: true }]);
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s2', { resumed: false });
  await settle();
  answer(server, 'room:join', { ok: true, ...seat(1) });
  await settle();
  expect(said()).toEqual([{ track: 't2', paused: true }]);
});

test('data goes to its channel and comes with its sender, and a broken channel is opened again', async () => {
  const { room } = await joined();
  const heard: unknown[] = [];
  room.on('data', ({ participant, payload, reliable }) => heard.push([participant, new TextDecoder().decode(payload), reliable]));
  room.on('dataInterrupted', () => heard.push('interrupted'));
  const reliable = FakeDataChannel.last('zzan-reliable');
  expect(reliable.options).toEqual({ ordered: true });
  expect(FakeDataChannel.last('zzan-lossy').options).toEqual({ ordered: false, maxRetransmits: 0 });
  expect(room.sendData('waits')).toBe(true);
  expect(room.sendData('gone', { reliable: false })).toBe(false);
  FakePeerConnection.all[0]?.become('connected');
  for (const label of ['zzan-reliable', 'zzan-lossy']) FakeDataChannel.last(label).become('open');
  expect(reliable.sent.map((payload) => new TextDecoder().decode(payload))).toEqual(['waits']);
  expect(room.sendData(new Uint8Array([7]), { reliable: false })).toBe(true);
  reliable.receive(new TextEncoder().encode('\u0002p2짠'));
  expect(heard).toEqual([['p2', '짠', true]]);

  reliable.become('closed');
  expect(heard.at(-1)).toBe('interrupted');
  expect(FakeDataChannel.last('zzan-reliable')).not.toBe(reliable);
  expect(() => room.sendData(new Uint8Array(16_385))).toThrow(expect.objectContaining({ code: 'too_large' }));
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
  expect(FakePeerConnection.all.map((pc) => pc.getTransceivers().length)).toEqual([11]);
  server.last.push('media:need', { room: 'r1', audio: 3, video: 5 });
  await settle();
  expect(server.last.requests('media:offer').length).toBe(1);
});

const answered = (rev: number) => ({ ok: true, answer: { type: 'answer', sdp: 'v=0' }, slots: seat(rev).slots, tracks: seat(rev).tracks, rev });

/** The only connection's path carries something every 100 ms for a time. */
async function flow(ms: number, pc = FakePeerConnection.all[0]) {
  for (let at = 0; at < ms; at += 100) {
    if (pc) pc.path.bytesReceived += 2_000;
    await vi.advanceTimersByTimeAsync(100);
  }
}

test('a path that is gone is replaced by an ICE restart on the same connection', async () => {
  const { server, room } = await joined();
  FakePeerConnection.all[0]?.become('connected');
  await flow(3_000);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(room.status).toBe('reconnecting');
  expect(server.last.requests('media:offer').length).toBe(1);
  answer(server, 'media:offer', answered(8));
  await flow(1_000);
  expect(room.status).toBe('joined');
  expect(FakePeerConnection.all.map(({ restarts, offers, connectionState }) => [restarts, offers, connectionState])).toEqual([
    [1, 2, 'connected'],
  ]);
  expect(room.mediaOf('p2', 'camera')).toMatchObject({ mid: '5' });
});

test('a path that was only dark for a moment is not restarted', async () => {
  const { server, room } = await joined();
  FakePeerConnection.all[0]?.become('connected');
  await flow(3_000);
  await vi.advanceTimersByTimeAsync(2_550);
  expect(room.status).toBe('reconnecting');
  await flow(1_000);
  expect(room.status).toBe('joined');
  expect(server.last.requests('media:offer')).toEqual([]);
  expect(FakePeerConnection.all.map(({ restarts }) => restarts)).toEqual([0]);
});

test('the restart waits for the session, and a lost answer reconnects that first', async () => {
  const { server, room } = await joined();
  FakePeerConnection.all[0]?.become('connected');
  await flow(3_000);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(server.last.requests('media:offer').length).toBe(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(server.connections.length).toBe(2);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(server.last.requests('media:offer')).toEqual([]);
  server.last.ready('s2', { resumed: true, seat: seat(9) });
  server.last.push('media:map', map(9, 't2'));
  await settle();
  expect(server.last.requests('media:offer').length).toBe(1);
  answer(server, 'media:offer', answered(10));
  await flow(1_000);
  expect(room.status).toBe('joined');
  expect(FakePeerConnection.all.length).toBe(1);
});

test('an answer that is late while packets flow again costs no session', async () => {
  const { server, room } = await joined();
  FakePeerConnection.all[0]?.become('connected');
  await flow(3_000);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(server.last.requests('media:offer').length).toBe(1);
  await flow(1_500);
  expect(server.connections.length).toBe(1);
  expect(server.last.requests('media:offer').length).toBe(2);
  server.last.requests('media:offer')[1]?.answer(answered(8));
  await flow(1_000);
  expect(room.status).toBe('joined');
  expect(FakePeerConnection.all.length).toBe(1);
});

test('two restarts without a packet lead to a new connection in the same seat', async () => {
  const { server, room } = await joined();
  FakePeerConnection.all[0]?.become('connected');
  await flow(3_000);
  await vi.advanceTimersByTimeAsync(2_900);
  for (const [rev, ms] of [[8, 3_850], [9, 5_800]] as const) {
    answer(server, 'media:offer', answered(rev));
    await vi.advanceTimersByTimeAsync(ms);
  }
  expect(FakePeerConnection.all.map(({ restarts }) => restarts)).toEqual([2, 0]);
  answer(server, 'media:offer', answered(10));
  await settle();
  expect(room.status).toBe('joined');
  expect(FakePeerConnection.all[0]?.connectionState).toBe('closed');
  expect(server.last.requests('room:join').length).toBe(1);
});

test('a session that resumed looks at the path at once', async () => {
  const { server } = await joined();
  FakePeerConnection.all[0]?.become('connected');
  await flow(3_000);
  server.last.lose();
  await vi.advanceTimersByTimeAsync(400);
  server.last.ready('s2', { resumed: true, seat: seat(9) });
  await vi.advanceTimersByTimeAsync(1_400);
  expect(server.last.requests('media:offer').length).toBe(1);
});

test('connections and restarts are given what the server said last of relays', async () => {
  const relay = (name: string) => [{ urls: ['turn:turn.test'], username: name, credential: 'c' }];
  const server = new FakeServer();
  const client = new Client({ url: 'http://zzan.test', token: () => 't', connect: server.connect });
  const local = new LocalMedia({ microphone: { on: false }, camera: { on: false } });
  const joining = Room.join(client, { room: 'r1', local });
  client.open();
  await vi.advanceTimersByTimeAsync(0);
  expect(FakePeerConnection.all).toEqual([]);
  server.last.ready('s1', { ice_servers: relay('first') });
  await vi.advanceTimersByTimeAsync(0);
  answer(server, 'room:join', { ok: true, ...seat(7), ice_servers: relay('first') });
  await settle();
  await joining;
  const [pc] = FakePeerConnection.all;
  expect(pc?.configuration.iceServers).toEqual(relay('first'));
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s2', { resumed: true, seat: seat(8), ice_servers: relay('second') });
  pc?.become('connected');
  pc?.become('failed');
  await vi.advanceTimersByTimeAsync(300);
  expect(pc?.configuration.iceServers).toEqual(relay('second'));
});

test('slots that are needed while an offer is out go into the next one', async () => {
  const { server, room } = await joined();
  server.last.push('media:need', { room: 'r1', audio: 5, video: 4 });
  await settle();
  room.seeUpTo(8);
  room.seeUpTo(12);
  await settle();
  expect(server.last.requests('media:offer').length).toBe(1);
  const { answer: sdp, slots, tracks, rev } = seat(8);
  answer(server, 'media:offer', { ok: true, answer: sdp, slots, tracks, rev });
  await settle();
  expect(server.last.requests('media:offer').length).toBe(2);
  answer(server, 'media:offer', { ok: true, answer: sdp, slots, tracks, rev: 9 });
  await settle();
  // Three to send, five and twelve to receive.
  expect(FakePeerConnection.all[0]?.getTransceivers().length).toBe(3 + 5 + 12);
  expect(server.last.requests('media:offer').length).toBe(2);
  expect(FakePeerConnection.all.length).toBe(1);
});

test('a voice is played by its slot, and named once the map says whose it is', async () => {
  const { server, room } = await joined();
  expect(room.voices).toMatchObject([{ mid: '2', media: { mid: '2' }, participant: undefined }]);
  server.last.push('track:published', {
    room: 'r1',
    track: { id: 't9', participant: 'p2', kind: 'audio', source: 'microphone', muted: false, muted_by_moderator: false },
  });
  server.last.push('media:map', { room: 'r1', rev: 8, slots: [{ mid: '2', track: 't9' }, { mid: '5', track: null }] });
  await settle();
  expect(room.voices).toMatchObject([{ mid: '2', participant: 'p2' }]);
});

test('pins are told, and told again to a new seat', async () => {
  const { server, room } = await joined();
  const pinning = room.pin(['t2']);
  await vi.advanceTimersByTimeAsync(0);
  expect(server.last.requests('media:pin')[0]?.payload).toEqual({ tracks: ['t2'] });
  answer(server, 'media:pin', { ok: true });
  await pinning;
  server.last.lose();
  await vi.advanceTimersByTimeAsync(0);
  server.last.ready('s2');
  await settle();
  answer(server, 'room:join', { ok: true, ...seat(1) });
  await settle();
  expect(server.last.requests('media:pin').at(-1)?.payload).toEqual({ tracks: ['t2'] });
});
