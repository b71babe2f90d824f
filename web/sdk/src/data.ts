// Application data: messages to everybody else in the room, over two data channels of the PeerConnection. Knows bytes, not what they mean.

import { ZzanError } from './errors.js';

/** Longest message, in bytes: what the server forwards. */
export const DATA_MAX_BYTES = 16 * 1024;

/** What the server takes of one participant; more is refused here, where its sender can hear of it. */
const MESSAGES = { perSecond: 50, burst: 100 };
const BYTES = { perSecond: 64 * 1024, burst: 128 * 1024 };

/** Bytes that wait for a slow uplink. More is refused. */
const BACKLOG_MAX_BYTES = 512 * 1024;

/** Reliable messages that wait for the channel to open. One more is refused. */
const WAITING_MAX = 64;

const LABELS = { reliable: 'zzan-reliable', lossy: 'zzan-lossy' } as const;

type Delivery = keyof typeof LABELS;

/** A message of somebody else. */
export interface DataMessage {
  /** The participant id of who sent it. */
  participant: string;
  payload: Uint8Array;
  reliable: boolean;
}

export interface DataListener {
  received(message: DataMessage): void;
  /** The reliable channel broke off: what others sent around this moment is lost. It is being opened again. */
  interrupted(): void;
}

/** The channels of one PeerConnection; made before its first offer, gone with it. */
export class DataChannels {
  private readonly open: Record<Delivery, RTCDataChannel>;
  private readonly waiting: Uint8Array<ArrayBuffer>[] = [];
  private closed = false;

  constructor(private readonly pc: RTCPeerConnection, private readonly limits: DataLimits, private readonly listener: DataListener) {
    this.open = { reliable: this.connect('reliable'), lossy: this.connect('lossy') };
  }

  /** Whether the message is on its way. A lossy one that finds no place is gone; a reliable one throws. */
  send(payload: Uint8Array<ArrayBuffer>, reliable: boolean): boolean {
    const channel = this.open[reliable ? 'reliable' : 'lossy'];
    const opening = channel.readyState === 'connecting';
    const full = opening ? this.waiting.length >= WAITING_MAX : channel.bufferedAmount + payload.length > BACKLOG_MAX_BYTES;
    if (full || (!reliable && channel.readyState !== 'open')) return this.refuse(reliable, 'unavailable', 'the data channel has no place');
    const wait = this.limits.take(payload.length);
    if (wait > 0) return this.refuse(reliable, 'rate_limited', `too much data, try again in ${wait} ms`, wait);
    if (opening) this.waiting.push(payload);
    else channel.send(payload);
    return true;
  }

  close(): void {
    this.closed = true;
    for (const channel of Object.values(this.open)) channel.close();
  }

  private refuse(reliable: boolean, code: 'unavailable' | 'rate_limited', message: string, retryAfterMs?: number): false {
    if (reliable) throw new ZzanError(code, message, retryAfterMs);
    return false;
  }

  private connect(delivery: Delivery): RTCDataChannel {
    const options = delivery === 'reliable' ? { ordered: true } : { ordered: false, maxRetransmits: 0 };
    const channel = this.pc.createDataChannel(LABELS[delivery], options);
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      const message = data instanceof ArrayBuffer ? unframe(new Uint8Array(data), delivery === 'reliable') : undefined;
      if (message) this.listener.received(message);
    });
    channel.addEventListener('open', () => {
      if (delivery === 'reliable') for (const payload of this.waiting.splice(0)) channel.send(payload);
    });
    channel.addEventListener('close', () => this.reopen(delivery));
    return channel;
  }

  /** The server closes the reliable channel of a receiver that doesn't keep up, so that nobody takes a gap for completeness. */
  private reopen(delivery: Delivery): void {
    if (this.closed || this.pc.connectionState !== 'connected') return;
    this.open[delivery] = this.connect(delivery);
    if (delivery === 'reliable') this.listener.interrupted();
  }
}

/** Splits what the server put together: a byte with the length of the sender's id, the id, the message. */
export function unframe(framed: Uint8Array, reliable: boolean): DataMessage | undefined {
  const length = framed[0];
  if (length === undefined || framed.length < 1 + length) return undefined;
  const participant = new TextDecoder().decode(framed.subarray(1, 1 + length));
  return { participant, payload: framed.slice(1 + length), reliable };
}

/** How fast one participant may send; outlives a PeerConnection, as the server's count does not forget either. */
export class DataLimits {
  private readonly messages: Allowance;
  private readonly bytes: Allowance;

  constructor(now: () => number = () => performance.now()) {
    this.messages = new Allowance(MESSAGES, now);
    this.bytes = new Allowance(BYTES, now);
  }

  /** 0 when the message may go now, else in how many milliseconds. */
  take(size: number): number {
    const wait = Math.max(this.messages.wait(1), this.bytes.wait(size));
    if (wait > 0) return Math.ceil(wait);
    this.messages.spend(1);
    this.bytes.spend(size);
    return 0;
  }
}

/** A rate with a burst, kept as the time at which all of the burst is free again. */
class Allowance {
  private freeAt = -Infinity;
  private readonly eachMs: number;
  private readonly windowMs: number;

  constructor({ perSecond, burst }: { perSecond: number; burst: number }, private readonly now: () => number) {
    this.eachMs = 1_000 / perSecond;
    this.windowMs = this.eachMs * burst;
  }

  wait(count: number): number {
    return Math.max(this.freeAt, this.now()) + count * this.eachMs - this.now() - this.windowMs;
  }

  spend(count: number): void {
    this.freeAt = Math.max(this.freeAt, this.now()) + count * this.eachMs;
  }
}
