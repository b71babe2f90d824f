// One PeerConnection that makes one offer: two sending m-lines, then receive slots, told apart by mid. It never renegotiates by itself.

import { ZzanError } from './errors.js';
import type { MediaOffer, Publication, SessionDescription, TrackKind } from './protocol.gen.js';
import { watchTransport } from './transport_watch.js';

export type SendSource = 'microphone' | 'camera';

export interface Sending {
  track: MediaStreamTrack | null;
  muted: boolean;
}

export interface SlotCounts {
  audio: number;
  video: number;
}

/** For a room of four: everyone's microphone, everyone's camera and one screen. */
export const FIRST_SLOTS: SlotCounts = { audio: 3, video: 4 };

/** A camera's share of a slow uplink; the browser's own estimate goes below it. */
const CAMERA_MAX_BITRATE = 900_000;

export class PeerMedia {
  private readonly pc: RTCPeerConnection;
  private readonly senders: Record<SendSource, RTCRtpTransceiver>;
  private readonly stopWatching: () => void;
  private lost = false;
  private lostListener: (() => void) | undefined;

  constructor(sending: Record<SendSource, Sending>, private readonly counts: SlotCounts) {
    if (typeof RTCPeerConnection === 'undefined') throw new ZzanError('unsupported', 'this browser has no WebRTC');
    this.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.senders = {
      microphone: this.pc.addTransceiver('audio', { direction: 'sendonly' }),
      camera: this.pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: [{ maxBitrate: CAMERA_MAX_BITRATE }] }),
    };
    preferCodecs(this.senders.microphone, 'audio', RTCRtpSender.getCapabilities('audio'));
    preferCodecs(this.senders.camera, 'video', RTCRtpSender.getCapabilities('video'));
    this.replace('microphone', sending.microphone.track);
    this.replace('camera', sending.camera.track);
    this.addSlots('audio', counts.audio);
    this.addSlots('video', counts.video);
    this.stopWatching = watchTransport(this.pc, () => {
      this.lost = true;
      this.lostListener?.();
    });
  }

  /** `listener` is called once, when the transport is dead or as good as dead; at once where it is so already. */
  onLost(listener: () => void): void {
    this.lostListener = listener;
    if (this.lost) listener();
  }

  /** The offer to send, and what its sending m-lines carry. The server is ICE-lite: our candidates are of no use to it, so none is awaited. */
  async offer(muted: Record<SendSource, boolean>): Promise<MediaOffer & { publish: Publication[] }> {
    await this.pc.setLocalDescription(await this.pc.createOffer());
    const sdp = this.pc.localDescription?.sdp ?? '';
    const publish = (['microphone', 'camera'] as const).map((source) => ({
      mid: this.senders[source].mid ?? '',
      source,
      muted: muted[source],
    }));
    return { offer: { type: 'offer', sdp }, publish };
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
    sender.replaceTrack(track).catch((error: unknown) => console.warn(`zzan: ${source} could not be replaced`, error));
  }

  stats(): Promise<RTCStatsReport> {
    return this.pc.getStats();
  }

  close(): void {
    this.stopWatching();
    this.pc.close();
  }

  private addSlots(kind: TrackKind, count: number): void {
    for (let n = 0; n < count; n += 1) {
      preferCodecs(this.pc.addTransceiver(kind, { direction: 'recvonly' }), kind, RTCRtpReceiver.getCapabilities(kind));
    }
  }
}

/** Only what the server forwards: with every codec of a browser the offer would be ten times as long. */
function preferCodecs(transceiver: RTCRtpTransceiver, kind: TrackKind, capabilities: RTCRtpCapabilities | null): void {
  const codecs = (capabilities?.codecs ?? []).filter((codec) => isForwarded(kind, codec));
  if (codecs.length === 0 || !('setCodecPreferences' in transceiver)) return;
  codecs.sort((a, b) => rank(a) - rank(b));
  try {
    transceiver.setCodecPreferences(codecs);
  } catch {
    // A browser that refuses its own list offers all it has; the answer still picks what the server can.
  }
}

function isForwarded(kind: TrackKind, { mimeType, sdpFmtpLine = '' }: RTCRtpCodec): boolean {
  const name = mimeType.toLowerCase();
  if (kind === 'audio') return name === 'audio/opus';
  // Constrained baseline is the one H264 profile that every browser has.
  if (name === 'video/h264') return /profile-level-id=42e0/i.test(sdpFmtpLine) && /packetization-mode=1/.test(sdpFmtpLine);
  return name === 'video/vp8' || name === 'video/rtx';
}

function rank({ mimeType }: RTCRtpCodec): number {
  return ['video/vp8', 'video/h264', 'video/rtx'].indexOf(mimeType.toLowerCase());
}
