// Which codecs an m-line offers, and in what order. Only what the server forwards: with every codec of a browser an offer would be ten times as long.

import type { TrackKind } from './protocol.gen.js';

/** VP8 where nothing is said: every browser has it, and encodes three layers of it cheaply. */
export type VideoCodec = 'vp8' | 'h264' | 'vp9' | 'av1';

export interface CodecChoice {
  /** The codec to send with, where the browser has it; all others stay possible for receiving. */
  video?: VideoCodec;
  /** Sound with redundancy (RFC 2198), which hides single losses and costs twice the bitrate. On where the browser has it. */
  red?: boolean;
}

/** For receiving, and after the preferred one for sending. */
const ORDER: readonly VideoCodec[] = ['vp8', 'h264', 'vp9', 'av1'];

/** Orders an m-line's codecs; leaves it as it is where the browser doesn't let it be ordered. */
export function preferCodecs(transceiver: RTCRtpTransceiver, kind: TrackKind, capabilities: RTCRtpCapabilities | null, choice: CodecChoice): void {
  const codecs = ordered(kind, capabilities?.codecs ?? [], choice);
  if (codecs.length === 0 || !('setCodecPreferences' in transceiver)) return;
  try {
    transceiver.setCodecPreferences(codecs);
  } catch {
    // A browser that refuses its own list offers all it has; the answer still picks what the server can.
  }
}

/** Those that the server forwards, the preferred one first. */
export function ordered(kind: TrackKind, codecs: readonly RTCRtpCodec[], { video = 'vp8', red = true }: CodecChoice): RTCRtpCodec[] {
  const names = kind === 'audio' ? [...(red ? ['audio/red'] : []), 'audio/opus'] : [video, ...ORDER.filter((codec) => codec !== video)].map((codec) => `video/${codec}`);
  const wanted = codecs.filter((codec) => isForwarded(codec));
  const rank = ({ mimeType }: RTCRtpCodec) => names.indexOf(mimeType.toLowerCase());
  const media = wanted.filter((codec) => rank(codec) >= 0).sort((a, b) => rank(a) - rank(b));
  const repair = wanted.filter(({ mimeType }) => mimeType.toLowerCase() === 'video/rtx');
  return [...media, ...repair];
}

function isForwarded({ mimeType, sdpFmtpLine = '' }: RTCRtpCodec): boolean {
  switch (mimeType.toLowerCase()) {
    // Constrained baseline is the one H264 profile that every browser has.
    case 'video/h264':
      return /profile-level-id=42e0/i.test(sdpFmtpLine) && /packetization-mode=1/.test(sdpFmtpLine);
    // The other profiles have more than 8 bits a sample, or none of the others can decode them.
    case 'video/vp9':
      return !/profile-id=[^0]/.test(sdpFmtpLine);
    case 'video/av1':
      return !/profile=[^0]/.test(sdpFmtpLine);
    default:
      return true;
  }
}
