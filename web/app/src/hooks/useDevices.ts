// The devices to choose from. Their labels come only after the first grant, so that a change of what is open asks again.

import { useEffect, useState } from 'react';
import { listDevices, onDevicesChanged, type Device, type LocalState } from 'zzan-client';

export function useDevices(state: LocalState): Device[] {
  const [devices, setDevices] = useState<Device[]>([]);
  const granted = `${state.microphone.track?.id}/${state.camera.track?.id}`;
  useEffect(() => {
    let current = true;
    const refresh = () => void listDevices().then((found) => current && setDevices(found), () => undefined);
    refresh();
    const off = onDevicesChanged(refresh);
    return () => {
      current = false;
      off();
    };
  }, [granted]);
  return devices;
}
