// A seat in a room: joins, keeps state and media alive through losses, and ends with a reason. It decides nothing about layout or devices.

import { Backoff } from './backoff.js';
import { Chat } from './chat.js';
import type { Client } from './client.js';
import type { CodecChoice } from './codecs.js';
import { DATA_MAX_BYTES, DataLimits, type DataMessage } from './data.js';
import { Demands, type Demand } from './demands.js';
import { Emitter, type Unsubscribe } from './emitter.js';
import { ZzanError } from './errors.js';
import type { LocalMedia } from './local.js';
import { FIRST_SLOTS, PeerMedia, SEND_SOURCES, type EncodedTransform, type MediaOptions, type SendingState, type SendSource, type SlotCounts } from './media.js';
import { Notes } from './notes.js';
import type { CloseReason, MediaStats, RoomJoined, SessionReady, TrackSource } from './protocol.gen.js';
import type { ServerEvent, ServerEventName, ServerEvents } from './protocol.js';
import { fromSnapshot, hasLiveSlot, midOf, reduce, trackOf, withAnswer, withTracks, type RoomState } from './state.js';
import type { Trouble } from './transport_watch.js';

export interface JoinOptions {
  room: string;
  password?: string | undefined;
  /** What is published; the room follows its changes. The caller closes it. */
  local: LocalMedia;
  /** VP8, and sound with redundancy, when absent. */
  codecs?: CodecChoice;
  /** Called for every sender and receiver that is made, also after a loss; see docs/embedding.md on end-to-end encryption. */
  encodedTransform?: EncodedTransform;
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
  readonly canAdminister: boolean;
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
  /** Somebody else sent application data. */
  data: DataMessage;
  /** Reliable data of others is missing from here on: the own connection didn't keep up, or was made anew. */
  dataInterrupted: undefined;
}

/** Offers on the same connection that look for another path, before a new connection is made. */
const RESTARTS = 2;

/** A path that was only dark for a moment is back within this, and nothing needs to be looked for. */
const BACK_MS = 250;

/** An answer to such an offer that takes longer went with the network, mostly: then a new socket is opened, which takes no longer than to wait. */
const RESTART_ANSWER_MS = 700;

/** How long a new path may take from its answer to the first packet. Relays and TCP take longest. */
const RESTART_MS = 3_000;

const FOLLOWED = [
  'participant:joined', 'participant:updated', 'participant:left', 'track:published', 'track:updated', 'track:unpublished', 'media:map',
  'media:layers', 'media:stalled', 'speaker:changed', 'quality:changed', 'room:updated',
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
  private growing = false;
  private pinned: readonly string[] = [];
  private readonly told: Partial<Record<SendSource, boolean>> = {};
  private readonly demands: Demands;
  private publishing = false;
  private ownNotes: Notes | undefined;

  private constructor(
    private readonly client: Client,
    private readonly options: JoinOptions,
    private readonly mediaOptions: MediaOptions,
    seat: Joining,
  ) {
    this.currentState = seat.state;
    this.demands = new Demands((demand) => client.request('media:subscribe', demand));
    this.chat = new Chat(client, seat.state.room.channel, seat.state.me.user);
  }

  /** The meeting notes of this room's channel, followed from the first call on. They end with the room. */
  get notes(): Notes {
    return (this.ownNotes ??= new Notes(this.client, this.currentState.room.channel));
  }

  /** Takes a seat. Rejects with a {@link ZzanError}, for example `room_full` or `bad_password`. */
  static async join(client: Client, options: JoinOptions): Promise<Room> {
    // Events may arrive together with the answer; they wait until there is a room to hear them.
    const early: ServerEvent[] = [];
    const offs = FOLLOWED.map((name) => client.onEvent(name, (payload) => void early.push({ name, payload } as ServerEvent)));
    try {
      let room: Room | undefined;
      const listener = {
        received: (message: DataMessage) => room?.events.emit('data', message),
        interrupted: () => room?.events.emit('dataInterrupted', undefined),
      };
      const media: MediaOptions = {
        codecs: options.codecs ?? {},
        data: { limits: new DataLimits(), listener },
        encodedTransform: options.encodedTransform,
      };
      const seat = await takeSeat(client, options, media, FIRST_SLOTS);
      room = new Room(client, options, media, seat);
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

  /** Whether one may mute and remove others, and close the room. */
  get canAdminister(): boolean {
    return this.currentState.me.rights.administer;
  }

  get view(): RoomView {
    this.currentView ??= { state: this.currentState, status: this.status, isOwner: this.isOwner, canAdminister: this.canAdminister };
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

  /** The browser's own statistics. */
  stats(): Promise<RTCStatsReport> | undefined {
    return this.media?.stats();
  }

  /** What the server measures of the own connection and its tracks. */
  serverStats(): Promise<MediaStats> {
    return this.client.request('media:stats', {});
  }

  /** What one can use of somebody's track: what is paused isn't sent, and a small tile gets a small picture. Kept until it is said anew. */
  subscribe(track: string, demand: Demand): void {
    this.demands.set(track, demand);
  }

  /**
   * Sends application data to everybody else here; at most {@link DATA_MAX_BYTES}. Returns whether it is on its way: a message with
   * `reliable: false` that finds no place is dropped. Throws a {@link ZzanError}: `too_large`, `forbidden` by the token, and for a reliable one
   * `rate_limited` or `unavailable`.
   */
  sendData(payload: Uint8Array | string, { reliable = true }: { reliable?: boolean } = {}): boolean {
    const bytes = new Uint8Array(typeof payload === 'string' ? new TextEncoder().encode(payload) : payload);
    if (bytes.length > DATA_MAX_BYTES) throw new ZzanError('too_large', `a message has at most ${DATA_MAX_BYTES} bytes`);
    if (!this.currentState.me.rights.data) throw new ZzanError('forbidden', 'the token does not allow to send data');
    if (this.media && !this.ended) return this.media.sendData(bytes, reliable);
    if (reliable) throw new ZzanError('unavailable', 'there is no connection to send on');
    return false;
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

  /** Mutes or unmutes somebody's track for everyone, and whatever they publish from that source; for who {@link canAdminister}. */
  async moderate(track: string, muted: boolean): Promise<void> {
    await this.client.request('room:mute', { room: this.options.room, track, muted });
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
    const layersChanged = next.layers !== this.currentState.layers;
    const tracksChanged = next.tracks !== this.currentState.tracks;
    this.currentState = next;
    if (layersChanged) this.followLocal();
    if (tracksChanged) this.demands.keep(new Set(next.tracks.map(({ id }) => id)));
    this.changed();
  }

  private sessionReady(ready: SessionReady): void {
    const seat = ready.resumed && ready.seat?.room.id === this.options.room ? ready.seat : undefined;
    if (!seat) return this.rejoin();
    this.currentState = fromSnapshot(seat, this.currentState);
    this.changed();
    this.followLocal();
    this.demands.repeat();
    if (ready.replayed === undefined) this.catchUp();
    // What took the connection may have taken the path of the media too.
    this.media?.hint();
  }

  /** A new seat for the same user, with a new PeerConnection. */
  private rejoin(): void {
    const attempt = (isCurrent: () => boolean) => this.hold(async () => {
      const seat = await takeSeat(this.client, this.options, this.mediaOptions, this.slots);
      if (!isCurrent()) return seat.media.close();
      this.adopt(seat.media);
      this.currentState = seat.state;
      this.followLocal();
      // A new seat knows of no pins.
      if (this.pinned.length > 0) this.pin(this.pinned).catch(() => undefined);
      this.demands.repeat();
      this.events.emit('dataInterrupted', undefined);
      this.catchUp();
    });
    void this.recover(attempt, () => this.end({ reason: 'gone' }));
  }

  /** The transport is dead: the seat stays, a new PeerConnection takes the old one's place. */
  private mediaLost(media: PeerMedia | undefined): void {
    if (this.ended || media !== this.media) return;
    const attempt = async () => {
      const fresh = new PeerMedia(sendingOf(this.options.local), { ...this.slots }, this.mediaOptions, this.client.iceServers);
      this.adopt(fresh);
      await this.negotiate(fresh);
      this.events.emit('dataInterrupted', undefined);
    };
    // Too late for the seat's grace: a join may still get one.
    void this.recover(attempt, () => this.rejoin());
  }

  /** The path is gone, or was never there. The same connection looks for another one first: the others notice nothing of that. */
  private mediaTroubled(media: PeerMedia, trouble: Trouble): void {
    if (this.ended || media !== this.media) return;
    if (trouble === 'dead') return this.mediaLost(media);
    // A seat that is being taken anew brings its own connection.
    if (this.recovering) return;
    let restarts = 0;
    const attempt = async () => {
      restarts += 1;
      if (restarts > RESTARTS) return this.mediaLost(media);
      await this.restart(media);
    };
    void this.recover(attempt, () => this.rejoin());
  }

  private async restart(media: PeerMedia): Promise<void> {
    if (await media.revived(BACK_MS)) return;
    await this.client.whenReady();
    media.restartIce(this.client.iceServers);
    try {
      await this.negotiate(media, RESTART_ANSWER_MS).catch(async (cause: unknown) => {
        if (ZzanError.from(cause).code !== 'timeout') throw cause;
        // The network took the socket too, and nobody told it; or both are back, and the answer is late.
        if (!(await media.revived(BACK_MS))) this.client.reconnect();
        await this.client.whenReady();
        await this.negotiate(media);
      });
    } catch (cause) {
      const error = ZzanError.from(cause);
      if (error.transient || error.code === 'not_found') throw error;
      return this.mediaLost(media);
    }
    if (!(await media.revived(RESTART_MS))) throw new ZzanError('timeout', 'no path was found in time');
  }

  private adopt(media: PeerMedia): void {
    if (this.media !== media) this.media?.close();
    this.media = media;
    media.onTrouble((trouble) => this.mediaTroubled(media, trouble), () => hasLiveSlot(this.currentState, (track) => this.demands.isPaused(track)));
  }

  private needSlots({ audio, video }: SlotCounts): void {
    this.slots = { audio: Math.max(audio, this.slots.audio), video: Math.max(video, this.slots.video) };
    void this.grow();
  }

  /** One offer at a time: what is needed meanwhile goes into the next one. */
  private async grow(): Promise<void> {
    if (this.growing) return;
    this.growing = true;
    const { media } = this;
    try {
      while (media && media === this.media && media.grow(this.slots)) await this.negotiate(media);
    } catch {
      this.mediaLost(media);
    } finally {
      this.growing = false;
    }
  }

  private negotiate(media: PeerMedia, timeoutMs?: number): Promise<void> {
    return this.hold(() => media.inTurn(async () => {
      const answer = await this.client.request('media:offer', await media.offer(sendingOf(this.options.local)), timeoutMs);
      this.client.iceServers = answer.ice_servers ?? [];
      if (media !== this.media) return;
      await media.accept(answer.answer);
      this.currentState = withAnswer(this.currentState, answer);
      this.changed();
      this.followLocal();
    }));
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

  /** Sends what is on and of use to somebody, and tells the others what is muted, and that a screen is there. */
  private followLocal(): void {
    const sending = sendingOf(this.options.local);
    for (const source of SEND_SOURCES) {
      this.media?.replace(source, sending[source].track);
      const track = trackOf(this.currentState, this.currentState.me.id, source);
      this.media?.limit(source, track && this.currentState.layers.get(track.id));
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
    this.followScreen(sending);
  }

  /** A screen is a track for the others only while it is shared: nobody sees an empty tile. */
  private followScreen(sending: SendingState): void {
    const { media } = this;
    const published = trackOf(this.currentState, this.currentState.me.id, 'screen') !== undefined;
    if (!media || this.publishing || published === sending.screen.published || !this.currentState.me.rights.publish) return;
    this.publishing = true;
    this.client
      .request('media:publish', { publish: media.publications(sending) })
      .then(({ tracks }) => {
        this.publishing = false;
        this.currentState = withTracks(this.currentState, tracks);
        this.changed();
        this.followLocal();
      })
      // The next offer or snapshot mends it.
      .catch(() => void (this.publishing = false));
  }

  private changed(): void {
    this.currentView = undefined;
    this.events.emit('change', undefined);
  }

  /** Fetches what was said and noted while one had no seat. */
  private catchUp(): void {
    void this.chat.catchUp();
    void this.ownNotes?.catchUp();
  }

  private end(end: RoomEnd): void {
    if (this.ended) return;
    this.ended = true;
    for (const off of this.offs) off();
    this.media?.close();
    this.chat.close();
    this.ownNotes?.close();
    this.changed();
    this.events.emit('ended', end);
  }
}

interface Joining {
  state: RoomState;
  media: PeerMedia;
}

async function takeSeat(client: Client, { room, password, local }: JoinOptions, options: MediaOptions, slots: SlotCounts): Promise<Joining> {
  await client.whenReady();
  const media = new PeerMedia(sendingOf(local), { ...slots }, options, client.iceServers);
  try {
    const offer = await media.offer(sendingOf(local));
    const joined: RoomJoined = await client.request('room:join', { room, ...(password ? { password } : {}), ...offer });
    if (joined.answer) await media.accept(joined.answer);
    return { state: fromSnapshot(joined), media };
  } catch (error) {
    media.close();
    throw error;
  }
}

function sendingOf(local: LocalMedia): SendingState {
  const of = (source: 'microphone' | 'camera') => {
    const { on, track, opening } = local.state[source];
    // A device that is being opened counts as on: the others needn't see it go on and off when a page was refreshed.
    return { track, muted: !on || (track === null && !opening), published: true };
  };
  const screen = local.state.screen.track;
  return { microphone: of('microphone'), camera: of('camera'), screen: { track: screen, muted: false, published: screen !== null } };
}
