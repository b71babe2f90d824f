// The simulcast layers of a camera: what is offered, and which of them are sent because somebody can use them.

import type { VideoCodec } from './codecs.js';
import type { SendSource } from './media.js';

/** What the server said is wanted of an own track. Before the first word everything is. */
export interface WantedLayers {
  wanted: boolean;
  /** Rids, low to high; empty for a track without layers. */
  active: readonly string[];
}

/** A picture's size in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Low to high. */
const RIDS = ['q', 'h', 'f'] as const;

/** How many layers a picture is worth, by its pixels: as many as Chromium sends of it at most. */
const LAYERS_BY_PIXELS: readonly (readonly [pixels: number, layers: number])[] = [[960 * 540, 3], [480 * 270, 2], [0, 1]];

/** What VP8 needs to look well at 24 frames a second, by the pixels that it has at most. */
const BITRATE_BY_PIXELS: readonly (readonly [pixels: number, bitrate: number])[] = [
  [320 * 180, 150_000], [480 * 270, 300_000], [640 * 360, 500_000], [960 * 540, 900_000], [Infinity, 1_500_000],
];

/** What is taken for a camera's picture until there is one. */
const USUAL: Size = { width: 1280, height: 720 };

/** Text needs sharpness, not frames: one encoding, which a slow uplink makes slower rather than blurred. */
const SCREEN: RTCRtpEncodingParameters = { maxBitrate: 2_500_000, maxFramerate: 15 };

/** One layer of a picture; without `sent` it isn't worth being sent. */
export interface Layer {
  rid: string;
  sent: boolean;
  scaleResolutionDownBy: number;
  maxBitrate: number;
}

/** The layers of a picture of this size: halves of each other, the highest of them whole. */
export function layersOf({ width, height }: Size): Layer[] {
  const pixels = width * height;
  const count = LAYERS_BY_PIXELS.find(([from]) => pixels >= from)?.[1] ?? 1;
  return RIDS.map((rid, at) => {
    const scaleResolutionDownBy = 2 ** Math.max(0, count - 1 - at);
    const scaled = pixels / scaleResolutionDownBy ** 2;
    const maxBitrate = BITRATE_BY_PIXELS.find(([upTo]) => scaled <= upTo)?.[1] ?? 1_500_000;
    return { rid, sent: at < count, scaleResolutionDownBy, maxBitrate };
  });
}

/** What a sending m-line of video offers. */
export function encodingsOf(source: Exclude<SendSource, 'microphone'>, codec: VideoCodec): RTCRtpEncodingParameters[] {
  // These two have layers inside one stream by default; said so, each rid is a plain stream of its own.
  const plain = codec === 'vp9' || codec === 'av1' ? { scalabilityMode: 'L1T1' } : {};
  if (source === 'screen') return [{ ...SCREEN, ...plain }];
  return layersOf(USUAL).map(({ rid, scaleResolutionDownBy, maxBitrate }) => ({ rid, scaleResolutionDownBy, maxBitrate, ...plain }));
}

/** The rids that are to be sent; `-` stands for an encoding without one. */
export function activeOf(layers: readonly Layer[] | undefined, wanted: WantedLayers | undefined): ReadonlySet<string> {
  if (wanted && !wanted.wanted) return new Set();
  if (!layers) return new Set(['-']);
  const sent = layers.filter((layer) => layer.sent).map(({ rid }) => rid);
  if (!wanted || wanted.active.length === 0) return new Set(sent);
  const active = sent.filter((rid) => wanted.active.includes(rid));
  // What is asked for may be more than the camera gives: then its best.
  return new Set(active.length > 0 ? active : sent.slice(-1));
}

/** Keeps a sender's encodings to the picture's size and to what is wanted, one change at a time. */
export class LayerSwitch {
  private wanted: WantedLayers | undefined;
  private layers: Layer[] | undefined;
  private busy = false;

  constructor(private readonly sender: RTCRtpSender, source: 'camera' | 'screen') {
    if (source === 'camera') this.layers = layersOf(USUAL);
  }

  follow(wanted: WantedLayers | undefined): void {
    this.wanted = wanted;
    this.update();
  }

  /** Another camera gives another picture. */
  fit({ width, height }: Partial<Size>): void {
    if (this.layers && width && height) this.layers = layersOf({ width, height });
    this.update();
  }

  private update(): void {
    if (!this.busy) void this.apply();
  }

  private async apply(): Promise<void> {
    this.busy = true;
    try {
      for (;;) {
        const parameters = this.sender.getParameters();
        const active = activeOf(this.layers, this.wanted);
        // None before the first negotiation in some browsers; this is called again after it.
        const stale = (parameters.encodings ?? []).filter((encoding) => this.change(encoding, active));
        if (stale.length === 0) return;
        await this.sender.setParameters(parameters);
      }
    } catch (error) {
      // Refused while a negotiation is under way; the next word of the server, or the answer, tries again.
      console.debug('zzan: layers could not be switched', error);
    } finally {
      this.busy = false;
    }
  }

  /** Makes an encoding what it should be; whether it wasn't. */
  private change(encoding: RTCRtpEncodingParameters, wanted: ReadonlySet<string>): boolean {
    const layer = this.layers?.find(({ rid }) => rid === encoding.rid);
    const active = wanted.has(encoding.rid || '-');
    const scale = layer?.scaleResolutionDownBy ?? encoding.scaleResolutionDownBy;
    const same = (encoding.active ?? true) === active && (scale === undefined || (encoding.scaleResolutionDownBy ?? 1) === scale);
    if (same) return false;
    encoding.active = active;
    if (layer) Object.assign(encoding, { scaleResolutionDownBy: layer.scaleResolutionDownBy, maxBitrate: layer.maxBitrate });
    return true;
  }
}
