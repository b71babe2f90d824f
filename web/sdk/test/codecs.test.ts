import { expect, test } from 'vitest';
import { ordered } from '../src/codecs.js';

const video: RTCRtpCodec[] = [
  { mimeType: 'video/VP8', clockRate: 90_000 },
  { mimeType: 'video/rtx', clockRate: 90_000 },
  { mimeType: 'video/VP9', clockRate: 90_000, sdpFmtpLine: 'profile-id=0' },
  { mimeType: 'video/VP9', clockRate: 90_000, sdpFmtpLine: 'profile-id=2' },
  { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f' },
  { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f' },
  { mimeType: 'video/H264', clockRate: 90_000, sdpFmtpLine: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f' },
  { mimeType: 'video/AV1', clockRate: 90_000, sdpFmtpLine: 'level-idx=5;profile=0;tier=0' },
  { mimeType: 'video/AV1', clockRate: 90_000, sdpFmtpLine: 'level-idx=5;profile=1;tier=0' },
  { mimeType: 'video/red', clockRate: 90_000 },
  { mimeType: 'video/ulpfec', clockRate: 90_000 },
];
const audio: RTCRtpCodec[] = [
  { mimeType: 'audio/opus', clockRate: 48_000, channels: 2, sdpFmtpLine: 'minptime=10;useinbandfec=1' },
  { mimeType: 'audio/red', clockRate: 48_000, channels: 2 },
  { mimeType: 'audio/G722', clockRate: 8_000 },
];

const names = (codecs: RTCRtpCodec[]) => codecs.map(({ mimeType }) => mimeType.split('/')[1]);

test('VP8 comes first where nothing is chosen, and everything that the server forwards follows once', () => {
  expect(names(ordered('video', video, {}))).toEqual(['VP8', 'H264', 'VP9', 'AV1', 'rtx']);
});

test.each([['h264', 'H264'], ['vp9', 'VP9'], ['av1', 'AV1']] as const)('%s comes first where it is chosen', (codec, name) => {
  const chosen = ordered('video', video, { video: codec });
  expect(names(chosen)[0]).toBe(name);
  expect(chosen.length).toBe(5);
});

test('a codec that the browser lacks leaves the order to the others', () => {
  const without = video.filter(({ mimeType }) => mimeType !== 'video/AV1');
  expect(names(ordered('video', without, { video: 'av1' }))).toEqual(['VP8', 'H264', 'VP9', 'rtx']);
});

test('sound goes with redundancy unless it is switched off', () => {
  expect(names(ordered('audio', audio, {}))).toEqual(['red', 'opus']);
  expect(names(ordered('audio', audio, { red: false }))).toEqual(['opus']);
});
