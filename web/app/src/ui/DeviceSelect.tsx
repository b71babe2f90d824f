import { useId } from 'react';
import type { Device, DeviceKind, LocalMedia, LocalState } from 'zzan-client';
import { useT } from '../i18n';

interface Props {
  kind: DeviceKind;
  devices: readonly Device[];
  local: LocalMedia;
  state: LocalState;
}

/** The choice of one kind of device; hidden where there is nothing to choose from. */
export function DeviceSelect({ kind, devices, local, state }: Props) {
  const t = useT();
  const id = useId();
  const choices = devices.filter((device) => device.kind === kind);
  if (choices.length === 0) return null;
  const { track, deviceId } = state[kind];
  const wanted = track?.getSettings().deviceId ?? deviceId;
  const current = choices.find((device) => device.id === wanted) ?? choices[0];
  return (
    <div className="field">
      <label htmlFor={id}>{t.prejoin[kind]}</label>
      <select id={id} className="input" value={current?.id} data-testid={`${kind}-select`} onChange={(event) => void local.choose(kind, event.target.value)}>
        {choices.map((device, at) => (
          <option key={device.id} value={device.id}>{device.label || t.prejoin.defaultDevice(at + 1)}</option>
        ))}
      </select>
    </div>
  );
}
