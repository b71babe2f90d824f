// The browser's cameras and microphones: what there is, and why one can't be had.

import type { Unsubscribe } from './emitter.js';

export type DeviceKind = 'microphone' | 'camera';

/** `denied` by the person or by policy, `missing`, `busy` in another program, `insecure` page without device access, else `failed`. */
export type DeviceProblem = 'denied' | 'missing' | 'busy' | 'insecure' | 'failed';

export interface Device {
  id: string;
  kind: DeviceKind;
  /** Empty until the person granted access once. */
  label: string;
}

/** For a tile that fills the window; the layers below it are what smaller ones get, and what nobody can use isn't encoded. */
const CAMERA: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } };
/** Frames beyond this cost bitrate that text needs. */
const SCREEN: MediaTrackConstraints = { frameRate: { ideal: 15, max: 30 } };
const MICROPHONE: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export async function listDevices(): Promise<Device[]> {
  const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return found
    .filter((info) => info.kind !== 'audiooutput' && info.deviceId !== '')
    .map((info) => ({ id: info.deviceId, kind: info.kind === 'audioinput' ? 'microphone' : 'camera', label: info.label }));
}

/** Calls back when a device is plugged in or out. */
export function onDevicesChanged(listener: () => void): Unsubscribe {
  navigator.mediaDevices?.addEventListener('devicechange', listener);
  return () => navigator.mediaDevices?.removeEventListener('devicechange', listener);
}

/** Opens devices with a single question to the person. Rejects as `getUserMedia` does; see {@link problemOf}. */
export function openDevices(wanted: Partial<Record<DeviceKind, string | undefined>>): Promise<MediaStream> {
  if (!navigator.mediaDevices) return Promise.reject(new DOMException('no device access', 'SecurityError'));
  return navigator.mediaDevices.getUserMedia({
    audio: 'microphone' in wanted && withDevice(MICROPHONE, wanted.microphone),
    video: 'camera' in wanted && withDevice(CAMERA, wanted.camera),
  });
}

/** Whether this browser can share a screen. */
export function canShareScreen(): boolean {
  return typeof navigator !== 'undefined' && typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}

/** Asks which screen, window or tab to share. Rejects as `getDisplayMedia` does. */
export async function openScreen(): Promise<MediaStreamTrack> {
  if (!canShareScreen()) throw new DOMException('no screen capture', 'SecurityError');
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: SCREEN, audio: false });
  const [track] = stream.getVideoTracks();
  if (!track) throw new DOMException('no picture', 'NotFoundError');
  track.contentHint = 'detail';
  return track;
}

export function problemOf(error: unknown): DeviceProblem {
  switch (error instanceof Error || error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    case 'SecurityError':
    case 'TypeError':
      return 'insecure';
    default:
      return 'failed';
  }
}

// `ideal`: a device that was chosen once and is gone must not keep its owner out.
function withDevice(constraints: MediaTrackConstraints, id: string | undefined): MediaTrackConstraints {
  return id === undefined ? constraints : { ...constraints, deviceId: { ideal: id } };
}
