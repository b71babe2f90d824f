// Devices and switches: what a person chose last in this browser, and what was on in the call that this tab is in.

import type { DeviceKind, LocalChoice, LocalState } from 'zzan-client';
import { browserShelf, tabShelf } from './storage';

type Choices = Record<DeviceKind, LocalChoice>;

interface CallMemo extends Choices {
  room: string;
}

const CHOICES = 'zzan.devices';
const CALL = 'zzan.call';

export function lastChoices(): Choices {
  const kept = browserShelf.read<Choices>(CHOICES);
  return { microphone: kept?.microphone ?? { on: true }, camera: kept?.camera ?? { on: true } };
}

export function keepChoices(state: LocalState): void {
  browserShelf.write(CHOICES, choicesOf(state));
}

/** The call that a refresh of this tab goes back to. */
export function callMemo(room: string): Choices | undefined {
  const memo = tabShelf.read<CallMemo>(CALL);
  return memo?.room === room ? memo : undefined;
}

export function keepCall(room: string, state: LocalState): void {
  tabShelf.write(CALL, { room, ...choicesOf(state) });
}

export function forgetCall(): void {
  tabShelf.remove(CALL);
}

function choicesOf(state: LocalState): Choices {
  const of = ({ on, deviceId }: LocalState[DeviceKind]): LocalChoice => (deviceId === undefined ? { on } : { on, deviceId });
  return { microphone: of(state.microphone), camera: of(state.camera) };
}
