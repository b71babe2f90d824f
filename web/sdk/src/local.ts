// One's own microphone, camera and shared screen: which are on, and their tracks. Knows nothing of rooms; a room follows its changes.

import { openDevices, openScreen, problemOf, type DeviceKind, type DeviceProblem } from './devices.js';
import { Emitter, type Unsubscribe } from './emitter.js';

export interface LocalDevice {
  /** What the person chose; the device may still be opening, or have a problem. */
  readonly on: boolean;
  readonly opening: boolean;
  readonly track: MediaStreamTrack | null;
  readonly deviceId: string | undefined;
  readonly problem: DeviceProblem | null;
}

export interface LocalScreen {
  readonly track: MediaStreamTrack | null;
  /** Not `denied`: who closes the browser's question has changed their mind. */
  readonly problem: Exclude<DeviceProblem, 'denied'> | null;
}

export type LocalState = Readonly<Record<DeviceKind, LocalDevice> & { screen: LocalScreen }>;

export interface LocalChoice {
  on: boolean;
  deviceId?: string | undefined;
}

const KINDS: readonly DeviceKind[] = ['microphone', 'camera'];

export class LocalMedia {
  private readonly events = new Emitter<{ change: LocalState }>();
  private current: LocalState;
  /** Per device, so that a slow answer of an earlier request is dropped. */
  private readonly requests: Record<DeviceKind, number> = { microphone: 0, camera: 0 };
  private closed = false;

  constructor(choices: Record<DeviceKind, LocalChoice>) {
    const device = ({ on, deviceId }: LocalChoice): LocalDevice => ({ on, opening: false, track: null, deviceId, problem: null });
    this.current = { microphone: device(choices.microphone), camera: device(choices.camera), screen: { track: null, problem: null } };
  }

  get state(): LocalState {
    return this.current;
  }

  onChange(listener: (state: LocalState) => void): Unsubscribe {
    return this.events.on('change', listener);
  }

  /** Opens what is switched on: both in one question, and one by one where that fails, to learn which is missing. */
  async open(): Promise<void> {
    const wanted = KINDS.filter((kind) => this.current[kind].on && !this.current[kind].track);
    if (wanted.length < 2 || !(await this.acquire(wanted))) for (const kind of wanted) await this.acquire([kind]);
  }

  /** A muted microphone stays open, so that unmuting is immediate. */
  async setMicrophone(on: boolean): Promise<void> {
    const { track } = this.current.microphone;
    if (track) track.enabled = on;
    this.set('microphone', { on });
    if (on && !track) await this.acquire(['microphone']);
  }

  /** A camera that is off is closed: its light goes out. */
  async setCamera(on: boolean): Promise<void> {
    this.set('camera', { on });
    if (on && !this.current.camera.track) await this.acquire(['camera']);
    if (!on) this.drop('camera');
  }

  /** Asks which screen, window or tab to share. Call it in a click: browsers want one. */
  async shareScreen(): Promise<void> {
    if (this.current.screen.track) return;
    this.setScreen({ problem: null });
    try {
      const track = await openScreen();
      if (this.closed || this.current.screen.track) return track.stop();
      // Also by the browser's own button.
      track.addEventListener('ended', () => this.current.screen.track === track && this.setScreen({ track: null }));
      this.setScreen({ track });
    } catch (error) {
      const problem = problemOf(error);
      if (problem !== 'denied') this.setScreen({ problem });
    }
  }

  stopScreen(): void {
    this.current.screen.track?.stop();
    this.setScreen({ track: null });
  }

  /** Changes the device; opens it only where it is in use. */
  async choose(kind: DeviceKind, deviceId: string): Promise<void> {
    const inUse = this.current[kind].track !== null || this.current[kind].on;
    this.set(kind, { deviceId });
    if (!inUse) return;
    // Some systems open one camera at a time: the old one is let go first.
    this.drop(kind);
    await this.acquire([kind]);
  }

  /** Lets all devices go for good. */
  close(): void {
    this.closed = true;
    for (const kind of KINDS) this.drop(kind);
    this.stopScreen();
    this.events.clear();
  }

  private async acquire(kinds: readonly DeviceKind[]): Promise<boolean> {
    const wanted: Partial<Record<DeviceKind, string | undefined>> = {};
    const numbers = kinds.map((kind) => ++this.requests[kind]);
    for (const kind of kinds) {
      wanted[kind] = this.current[kind].deviceId;
      this.set(kind, { opening: true, problem: null });
    }
    try {
      const stream = await openDevices(wanted);
      kinds.forEach((kind, at) => this.adopt(kind, numbers[at], kind === 'microphone' ? stream.getAudioTracks()[0] : stream.getVideoTracks()[0]));
      return true;
    } catch (error) {
      kinds.forEach((kind, at) => {
        if (numbers[at] !== this.requests[kind] || this.closed) return;
        this.set(kind, { opening: false, on: kinds.length > 1 && this.current[kind].on, problem: problemOf(error) });
      });
      return false;
    }
  }

  private adopt(kind: DeviceKind, number: number | undefined, track: MediaStreamTrack | undefined): void {
    const unwanted = this.closed || number !== this.requests[kind] || (kind === 'camera' && !this.current.camera.on);
    if (!track || unwanted) return track?.stop();
    if (kind === 'microphone') track.enabled = this.current.microphone.on;
    track.addEventListener('ended', () => {
      if (this.current[kind].track !== track) return;
      this.set(kind, { track: null, on: false, problem: 'missing' });
    });
    this.set(kind, { track, opening: false, problem: null });
  }

  private drop(kind: DeviceKind): void {
    this.requests[kind] += 1;
    this.current[kind].track?.stop();
    this.set(kind, { track: null, opening: false });
  }

  private setScreen(change: Partial<LocalScreen>): void {
    this.current = { ...this.current, screen: { ...this.current.screen, ...change } };
    this.events.emit('change', this.current);
  }

  private set(kind: DeviceKind, change: Partial<LocalDevice>): void {
    this.current = { ...this.current, [kind]: { ...this.current[kind], ...change } };
    this.events.emit('change', this.current);
  }
}
