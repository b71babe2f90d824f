// A seat in a room: joins, keeps state and media alive through losses, and ends with a reason. It decides nothing about layout or devices.

import { Backoff } from './backoff.js';
import { Chat } from './chat.js';
import type { Client } from './client.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { ZzanError } from './errors.js';
import type { LocalMedia } from './local.js';
import { FIRST_SLOTS, PeerMedia, type SendSource, type SlotCounts } from './media.js';
import type { CloseReason, RoomJoined, SessionReady, TrackSource } from './protocol.gen.js';
import type { ServerEvent, ServerEventName, ServerEvents } from './protocol.js';
import { fromSnapshot, midOf, reduce, trackOf, withAnswer, type RoomState } from './state.js';

export interface JoinOptions {
  room: string;
  password?: string | undefined;
  /** What is published; the room follows its changes. The caller closes it. */
  local: LocalMedia;
}

/** `reconnecting`: the own connection or seat is lost, and being got back. */
export type RoomStatus = 'joined' | 'reconnecting' | 'ended';

/** `gone`: the room ended while we were away. `refused`: the seat could not be had again; `error` tells why. */
export type EndReason = 'left' | 'replaced' | 'gone' | 'refused' | Extract<CloseReason, 'closed' | 'kicked' | 'failed'>;

export interface RoomEnd {
  reason: EndReason;
  error?: ZzanError;
}

/** All that changes in a room: an object of its own after each change. */
export interface RoomView {
  readonly state: RoomState;
  readonly status: RoomStatus;
  readonly isOwner: boolean;
}

/** A slot of a voice room. */
export interface Voice {
  mid: string;
  media: MediaStreamTrack;
  /** Whom it carries; nobody yet, or no more. */
  participant: string | undefined;
}

interface RoomEvents {
  /** `view` is another one, and `mediaOf` may tell another track. */
  change: undefined;
  ended: RoomEnd;
}

const SOURCES: readonly SendSource[] = ['microphone', 'camera'];

const FOLLOWED = [
  'participant:joined', 'participant:updated', 'participant:left', 'track:published', 'track:updated', 'track:unpublished', 'media:map',
  'speaker:changed', 'room:updated',
] as const satisfies readonly ServerEventName[];

export class Room {
  readonly chat: Chat;
  private readonly events = new Emitter<RoomEvents>();
  private readonly offs: Unsubscribe[] = [];
  private media: PeerMedia | undefined;
  private slots: SlotCounts = { ...FIRST_SLOTS };
  private currentState: RoomState;
  private ended = false;
  private recovering = false;
  private currentView: RoomView | undefined;
  private holds = 0;
  private readonly held: ServerEvent[] = [];
  /** Counts recoveries: an older one that comes back late does nothing. */
  private recovery = 0;
  private pinned: readonly string[] = [];
  private readonly told: Partial<Record<SendSource, boolean>> = {};

  private constructor(private readonly client: Client, private readonly options: JoinOptions, seat: Joining) {
    this.currentState = seat.state;
    this.chat = new Chat(client, seat.state.room.channel, seat.state.me.user);
  }

  /** Takes a seat. Rejects with a {@link ZzanError}, for example `room_full` or `bad_password`. */
  static async join(client: Client, options: JoinOptions): Promise<Room> {
    // Events may arrive together with the answer; they wait until there is a room to hear them.
    const early: ServerEvent[] = [];
    const offs = FOLLOWED.map((name) => client.onEvent(name, (payload) => void early.push({ name, payload } as ServerEvent)));
    try {
      const seat = await takeSeat(client, options, FIRST_SLOTS);
      const room = new Room(client, options, seat);
      room.listen();
      room.adopt(seat.media);
      for (const event of early) room.apply(event);
      room.followLocal();
      void room.chat.catchUp();
      return room;
    } finally {
      for (const off of offs) off();
    }
  }

  get state(): RoomState {
    return this.currentState;
  }

  get status(): RoomStatus {
    if (this.ended) return 'ended';
    return this.recovering || this.client.state !== 'ready' ? 'reconnecting' : 'joined';
  }

  get isOwner(): boolean {
    return this.currentState.room.owner === this.currentState.me.user;
  }

  get view(): RoomView {
    this.currentView ??= { state: this.currentState, status: this.status, isOwner: this.isOwner };
    return this.currentView;
  }

  on<N extends keyof RoomEvents>(name: N, listener: (payload: RoomEvents[N]) => void): Unsubscribe {
    return this.events.on(name, listener);
  }

  /** What is received of a participant's track, once a slot carries it. */
  mediaOf(participant: string, source: TrackSource): MediaStreamTrack | undefined {
    const track = trackOf(this.currentState, participant, source);
    const mid = track && midOf(this.currentState, track.id);
    return mid === undefined ? undefined : this.media?.received(mid);
  }

  /**
   * What the audio slots receive, and whom they carry now. In a voice room they follow the speakers: play each all the time, for what it
   * carries changes faster than this tells.
   */
  get voices(): readonly Voice[] {
    const { slots, bindings, tracks } = this.currentState;
    return slots.filter(({ kind }) => kind === 'audio').flatMap(({ mid }) => {
      const media = this.media?.received(mid);
      const track = tracks.find(({ id }) => id === bindings.get(mid));
      return media ? [{ mid, media, participant: track?.participant }] : [];
    });
  }

  /** From now on so many pictures can be received, or more where there were more already: a slot once offered stays. */
  seeUpTo(videos: number): void {
    if (videos > this.slots.video) this.needSlots({ audio: this.slots.audio, video: videos });
  }

  /** In a room with more pictures than slots: these tracks before all others, the best first. Replaces the list before. */
  async pin(tracks: readonly string[]): Promise<void> {
    await this.client.request('media:pin', { tracks: [...tracks] });
    this.pinned = tracks;
  }

  stats(): Promise<RTCStatsReport> | undefined {
    return this.media?.stats();
  }

  /** Gives the seat up at once. */
  leave(): void {
    if (this.ended) return;
    this.client.request('room:leave', { room: this.options.room }, 2_000).catch(() => undefined);
    this.end({ reason: 'left' });
  }

  /** Ends the room for all; for its owner. */
  async close(): Promise<void> {
    await this.client.request('room:close', { room: this.options.room });
  }

  /** Removes somebody; for the owner. */
  async kick(participant: string): Promise<void> {
    await this.client.request('room:kick', { room: this.options.room, participant });
  }

  private listen(): void {
    const hear = <N extends ServerEventName>(name: N, listener: (payload: ServerEvents[N]) => void) =>
      this.offs.push(this.client.onEvent(name, listener));
    const ours = (payload: { room: string }) => payload.room === this.options.room;
    for (const name of FOLLOWED) hear(name, (payload) => this.apply({ name, payload } as ServerEvent));
    hear('session:ready', (ready) => this.sessionReady(ready));
    hear('room:replaced', (payload) => ours(payload) && this.end({ reason: 'replaced' }));
    hear('room:closed', (payload) => ours(payload) && this.closed(payload.reason));
    hear('media:lost', (payload) => ours(payload) && this.mediaLost(this.media));
    hear('media:need', (payload) => ours(payload) && this.needSlots(payload));
    this.offs.push(
      this.client.on('state', () => this.changed()),
      this.client.on('failed', (error) => this.end({ reason: 'refused', error })),
      this.options.local.onChange(() => this.followLocal()),
    );
  }

  /** What happens while an answer is awaited comes after the snapshot that the answer brings: it waits until that is the state. */
  private async hold(work: () => Promise<void>): Promise<void> {
    this.holds += 1;
    try {
      await work();
    } finally {
      // A recovery may overtake another one: the last to finish lets go.
      this.holds -= 1;
      if (this.holds === 0) for (const event of this.held.splice(0)) this.apply(event);
    }
  }

  private apply(event: ServerEvent): void {
    if (this.holds > 0) return void this.held.push(event);
    const next = reduce(this.currentState, event);
    if (next === this.currentState) return;
    this.currentState = next;
    this.changed();
  }

  private sessionReady(ready: SessionReady): void {
    const seat = ready.resumed && ready.seat?.room.id === this.options.room ? ready.seat : undefined;
    if (!seat) return this.rejoin();
    this.currentState = fromSnapshot(seat, this.currentState);
    this.changed();
    this.followLocal();
    void this.chat.catchUp();
  }

  /** A new seat for the same user, with a new PeerConnection. */
  private rejoin(): void {
    const attempt = (isCurrent: () => boolean) => this.hold(async () => {
      const seat = await takeSeat(this.client, this.options, this.slots);
      if (!isCurrent()) return seat.media.close();
      this.adopt(seat.media);
      this.currentState = seat.state;
      this.followLocal();
      // A new seat knows of no pins.
      if (this.pinned.length > 0) this.pin(this.pinned).catch(() => undefined);
      void this.chat.catchUp();
    });
    void this.recover(attempt, () => this.end({ reason: 'gone' }));
  }

  /** The transport is dead: the seat stays, a new PeerConnection takes the old one's place. */
  private mediaLost(media: PeerMedia | undefined): void {
    if (this.ended || media !== this.media) return;
    const attempt = async () => {
      const fresh = new PeerMedia(sendingOf(this.options.local), { ...this.slots });
      this.adopt(fresh);
      await this.negotiate(fresh);
    };
    // Too late for the seat's grace: a join may still get one.
    void this.recover(attempt, () => this.rejoin());
  }

  private adopt(media: PeerMedia): void {
    if (this.media !== media) this.media?.close();
    this.media = media;
    media.onLost(() => this.mediaLost(media));
  }

  private needSlots({ audio, video }: SlotCounts): void {
    this.slots = { audio: Math.max(audio, this.slots.audio), video: Math.max(video, this.slots.video) };
    const { media } = this;
    if (!media?.grow(this.slots)) return;
    this.negotiate(media).catch(() => this.mediaLost(media));
  }

  private negotiate(media: PeerMedia): Promise<void> {
    return this.hold(async () => {
      const answer = await this.client.request('media:offer', await media.offer(mutedOf(this.options.local)));
      if (media !== this.media) return;
      await media.accept(answer.answer);
      this.currentState = withAnswer(this.currentState, answer);
      this.changed();
      this.followLocal();
    });
  }

  /** Tries until it works, is overtaken by another recovery, or is refused; `missing` when there is no such seat or room. */
  private async recover(attempt: (isCurrent: () => boolean) => Promise<void>, missing: () => void): Promise<void> {
    const number = ++this.recovery;
    const isCurrent = () => number === this.recovery && !this.ended;
    const backoff = new Backoff();
    this.recovering = true;
    this.changed();
    while (isCurrent()) {
      await new Promise((wake) => setTimeout(wake, backoff.next()));
      if (!isCurrent()) return;
      try {
        await attempt(isCurrent);
        if (!isCurrent()) return;
        this.recovering = false;
        return this.changed();
      } catch (cause) {
        const error = ZzanError.from(cause);
        if (!isCurrent() || error.transient) continue;
        return error.code === 'not_found' ? missing() : this.end({ reason: 'refused', error });
      }
    }
  }

  private closed(reason: CloseReason): void {
    // Lost, not ended: the room goes on, or is open again once the server is back.
    if (reason === 'media_lost') return this.rejoin();
    if (reason === 'server_stopped') return;
    this.end({ reason });
  }

  /** Sends what is on, and tells the others what is muted. */
  private followLocal(): void {
    const sending = sendingOf(this.options.local);
    for (const source of SOURCES) {
      this.media?.replace(source, sending[source].track);
      const track = trackOf(this.currentState, this.currentState.me.id, source);
      const { muted } = sending[source];
      if (!track || (this.told[source] ?? track.muted) === muted) continue;
      this.told[source] = muted;
      this.client
        .request('media:mute', { track: track.id, muted })
        .then(() => this.followLocal())
        // After a reconnect the snapshot tells what the server knows, and this is asked again.
        .catch(() => undefined)
        .finally(() => delete this.told[source]);
    }
  }

  private changed(): void {
    this.currentView = undefined;
    this.events.emit('change', undefined);
  }

  private end(end: RoomEnd): void {
    if (this.ended) return;
    this.ended = true;
    for (const off of this.offs) off();
    this.media?.close();
    this.chat.close();
    this.changed();
    this.events.emit('ended', end);
  }
}

interface Joining {
  state: RoomState;
  media: PeerMedia;
}

async function takeSeat(client: Client, { room, password, local }: JoinOptions, slots: SlotCounts): Promise<Joining> {
  const media = new PeerMedia(sendingOf(local), { ...slots });
  try {
    const offer = await media.offer(mutedOf(local));
    const joined: RoomJoined = await client.request('room:join', { room, ...(password ? { password } : {}), ...offer });
    if (joined.answer) await media.accept(joined.answer);
    return { state: fromSnapshot(joined), media };
  } catch (error) {
    media.close();
    throw error;
  }
}

function sendingOf(local: LocalMedia): Record<SendSource, { track: MediaStreamTrack | null; muted: boolean }> {
  const of = (source: SendSource) => {
    const { on, track, opening } = local.state[source];
    // A device that is being opened counts as on: the others needn't see it go on and off when a page was refreshed.
    return { track, muted: !on || (track === null && !opening) };
  };
  return { microphone: of('microphone'), camera: of('camera') };
}

function mutedOf(local: LocalMedia): Record<SendSource, boolean> {
  const sending = sendingOf(local);
  return { microphone: sending.microphone.muted, camera: sending.camera.muted };
}
