import type { LocalMedia } from 'zzan-client';
import { useDevices } from '../hooks/useDevices';
import { useLocalState } from '../hooks/useSource';
import { useT } from '../i18n';
import { DeviceSelect } from '../ui/DeviceSelect';
import { Dialog } from '../ui/Dialog';
import { LevelMeter } from '../ui/LevelMeter';

/** Changes devices during the call. */
export function DeviceDialog({ local, onClose }: { local: LocalMedia; onClose: () => void }) {
  const t = useT();
  const state = useLocalState(local);
  const devices = useDevices(state);
  const { camera, microphone } = state;
  return (
    <Dialog title={t.call.settings} onClose={onClose} testId="device-dialog">
      <div className="form">
        <DeviceSelect kind="microphone" devices={devices} local={local} state={state} />
        <LevelMeter track={microphone.track} />
        {microphone.problem && <p className="field-error" role="alert">{t.prejoin.problem.microphone[microphone.problem]}</p>}
        <DeviceSelect kind="camera" devices={devices} local={local} state={state} />
        {camera.problem && <p className="field-error" role="alert">{t.prejoin.problem.camera[camera.problem]}</p>}
      </div>
    </Dialog>
  );
}
