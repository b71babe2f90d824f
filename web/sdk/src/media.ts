// One PeerConnection: three sending m-lines, then receive slots and data channels, told apart by mid. It never
// renegotiates by itself: what is switched on later, a shared screen too, goes over a line that was offered at first.

import { preferCodecs, type CodecChoice } from './codecs.js';
import { DataChannels, type DataLimits, type DataListener } from './data.js';
import { ZzanError } from './errors.js';
import { encodingsOf, LayerSwitch, type WantedLayers } from './layers.js';
import type { MediaOffer, Publication, SessionDescription, TrackKind } from './protocol.gen.js';
import { TransportWatch, type Trouble } from './transport_watch.js';

export type SendSource = 'microphone' | 'camera' | 'screen';

export const SEND_SOURCES: readonly SendSource[] = ['microphone', 'camera', 'screen'];

export interface Sending {
  track: MediaStreamTrack | null;
  muted: boolean;
  /** Whether the others know of it. A camera that is off is a muted one; a screen that isn't shared is none. */
  published: boolean;
}

export type SendingState = Readonly<Record<SendSource, Sending>>;

/** What a connection is made for, besides what it sends at first. */
export interface MediaOptions {
  codecs: CodecChoice;
  data: { limits: DataLimits; listener: DataListener };
  encodedTransform?: EncodedTransform | undefined;
}

/** Sees every sender and receiver before it is used; for end-to-end encryption by `transform` (WebRTC Encoded Transform). */
export type EncodedTransform = (end: RTCRtpSender | RTCRtpReceiver, kind: TrackKind) => void;

export interface SlotCounts {
  audio: number;
  video: number;
}

/** For a room of four: everyone's microphone, everyone's camera and one screen. */
export const FIRST_SLOTS: SlotCounts = { audio: 3, video: 4 };

export class PeerMedia {
  private readonly pc: RTCPeerConnection;
  private readonly senders: Record<SendSource, RTCRtpTransceiver>;
  private readonly layers: Record<'camera' | 'screen', LayerSwitch>;
  private readonly data: DataChannels;
  private readonly watch: TransportWatch;
  private trouble: Trouble | undefined;
  private troubleListener: ((trouble: Trouble) => void) | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(sending: SendingState, private readonly counts: SlotCounts, private readonly options: MediaOptions, iceServers: RTCIceServer[]) {
    if (typeof RTCPeerConnection === 'undefined') throw new ZzanError('unsupported', 'this browser has no WebRTC');
    this.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers });
    const { codecs } = options;
    const video = (source: 'camera' | 'screen') => this.pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: encodingsOf(source, codecs.video ?? 'vp8') });
    this.senders = { microphone: this.pc.addTransceiver('audio', { direction: 'sendonly' }), camera: video('camera'), screen: video('screen') };
    this.layers = { camera: new LayerSwitch(this.senders.camera.sender, 'camera'), screen: new LayerSwitch(this.senders.screen.sender, 'screen') };
    for (const source of SEND_SOURCES) {
      const kind = source === 'microphone' ? 'audio' : 'video';
      options.encodedTransform?.(this.senders[source].sender, kind);
      preferCodecs(this.senders[source], kind, RTCRtpSender.getCapabilities(kind), codecs);
      this.replace(source, sending[source].track);
    }
    this.addSlots('audio', counts.audio);
    this.addSlots('video', counts.video);
    this.data = new DataChannels(this.pc, options.data.limits, options.data.listener);
    this.watch = new TransportWatch(this.pc, (trouble) => {
      this.trouble = trouble;
      this.troubleListener?.(trouble);
    });
  }

  /** `listener` is called when the path is gone, and at once where it is so already. `expects` tells whether media should be arriving. */
  onTrouble(listener: (trouble: Trouble) => void, expects: () => boolean): void {
    this.troubleListener = listener;
    this.watch.expects = expects;
    if (this.trouble) listener(this.trouble);
  }

  /** The network may have changed. */
  hint(): void {
    this.watch.hint();
  }

  /** The next offer looks for another path; streams and slots stay what they are. */
  restartIce(iceServers: RTCIceServer[]): void {
    this.pc.setConfiguration({ bundlePolicy: 'max-bundle', iceServers });
    this.pc.restartIce();
  }

  /** Whether anything arrives from now on, within a time. */
  async revived(withinMs: number): Promise<boolean> {
    const revived = await this.watch.revived(withinMs);
    if (revived) this.trouble = undefined;
    return revived;
  }

  /** One offer after the other: each is answered before the next is made. */
  inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work, work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  /** The offer to send, and what its sending m-lines carry. The server is ICE-lite: our candidates are of no use to it, so none is awaited. */
  async offer(sending: SendingState): Promise<MediaOffer & { publish: Publication[] }> {
    await this.pc.setLocalDescription(await this.pc.createOffer());
    const sdp = this.pc.localDescription?.sdp ?? '';
    return { offer: { type: 'offer', sdp }, publish: this.publications(sending) };
  }

  /** What the m-lines of the last offer carry now. */
  publications(sending: SendingState): Publication[] {
    const published = SEND_SOURCES.filter((source) => sending[source].published);
    return published.map((source) => ({ mid: this.senders[source].mid ?? '', source, muted: sending[source].muted }));
  }

  async accept(answer: SessionDescription): Promise<void> {
    await this.pc.setRemoteDescription(answer);
  }

  /** More slots of a kind than there are; true when the next offer must tell. */
  grow(counts: SlotCounts): boolean {
    const more = { audio: counts.audio - this.counts.audio, video: counts.video - this.counts.video };
    this.addSlots('audio', more.audio);
    this.addSlots('video', more.video);
    this.counts.audio = Math.max(this.counts.audio, counts.audio);
    this.counts.video = Math.max(this.counts.video, counts.video);
    return more.audio > 0 || more.video > 0;
  }

  /** What the slot receives; the same object for the life of this connection. */
  received(mid: string): MediaStreamTrack | undefined {
    return this.pc.getTransceivers().find((transceiver) => transceiver.mid === mid)?.receiver.track;
  }

  /** Changes what is sent without a new offer. */
  replace(source: SendSource, track: MediaStreamTrack | null): void {
    const { sender } = this.senders[source];
    if (sender.track === track) return;
    if (track && source === 'camera') this.layers.camera.fit(track.getSettings?.() ?? {});
    sender.replaceTrack(track).catch((error: unknown) => console.warn(`zzan: ${source} could not be replaced`, error));
  }

  /** Sends those layers of an own track that somebody can use. */
  limit(source: SendSource, layers: WantedLayers | undefined): void {
    if (source !== 'microphone') this.layers[source].follow(layers);
  }

  /** Whether the message is on its way; see {@link DataChannels.send}. */
  sendData(payload: Uint8Array<ArrayBuffer>, reliable: boolean): boolean {
    return this.data.send(payload, reliable);
  }

  stats(): Promise<RTCStatsReport> {
    return this.pc.getStats();
  }

  close(): void {
    this.watch.stop();
    this.data.close();
    this.pc.close();
  }

  private addSlots(kind: TrackKind, count: number): void {
    for (let n = 0; n < count; n += 1) {
      const slot = this.pc.addTransceiver(kind, { direction: 'recvonly' });
      this.options.encodedTransform?.(slot.receiver, kind);
      preferCodecs(slot, kind, RTCRtpReceiver.getCapabilities(kind), this.options.codecs);
    }
  }
}
