// The simulcast layers of a camera: what is offered, and which of them are sent because somebody can use them.

import type { VideoCodec } from './codecs.js';
import type { SendSource } from './media.js';

/** What the server said is wanted of an own track. Before the first word everything is. */
export interface WantedLayers {
  wanted: boolean;
  /** Rids, low to high; empty for a track without layers. */
  active: readonly string[];
}

/** A quarter, a half and the full size. Bitrates are those at which VP8 looks well in 320×180, 640×360 and 1280×720. */
const CAMERA: readonly RTCRtpEncodingParameters[] = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];

/** Text needs sharpness, not frames: one encoding, which a slow uplink makes slower rather than blurred. */
const SCREEN: readonly RTCRtpEncodingParameters[] = [{ maxBitrate: 2_500_000, maxFramerate: 15 }];

/** What a sending m-line of video offers. */
export function encodingsOf(source: Exclude<SendSource, 'microphone'>, codec: VideoCodec): RTCRtpEncodingParameters[] {
  const encodings = source === 'camera' ? CAMERA : SCREEN;
  // These two have layers inside one stream by default; said so, each rid is a plain stream of its own.
  const plain = codec === 'vp9' || codec === 'av1' ? { scalabilityMode: 'L1T1' } : {};
  return encodings.map((encoding) => ({ ...encoding, ...plain }));
}

/** Whether an encoding is to be sent. */
export function isActive(rid: string | undefined, layers: WantedLayers | undefined): boolean {
  if (!layers) return true;
  if (!layers.wanted) return false;
  return rid === undefined || rid === '' || layers.active.length === 0 || layers.active.includes(rid);
}

/** Keeps a sender's encodings to what is wanted, one change at a time. */
export class LayerSwitch {
  private layers: WantedLayers | undefined;
  private busy = false;

  constructor(private readonly sender: RTCRtpSender) {}

  follow(layers: WantedLayers | undefined): void {
    this.layers = layers;
    if (!this.busy) void this.apply();
  }

  private async apply(): Promise<void> {
    this.busy = true;
    try {
      for (;;) {
        const parameters = this.sender.getParameters();
        // None before the first negotiation in some browsers; this is called again after it.
        const stale = (parameters.encodings ?? []).filter(({ rid, active }) => (active ?? true) !== isActive(rid, this.layers));
        if (stale.length === 0) return;
        for (const encoding of stale) encoding.active = isActive(encoding.rid, this.layers);
        await this.sender.setParameters(parameters);
      }
    } catch (error) {
      // Refused while a negotiation is under way; the next word of the server, or the answer, tries again.
      console.debug('zzan: layers could not be switched', error);
    } finally {
      this.busy = false;
    }
  }
}
