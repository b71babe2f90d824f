// Tells somebody whom the host muted, for as long as it lasts: they'd talk to nobody otherwise.

import { trackOf, type RoomState } from 'zzan-client';
import { useT } from '../i18n';
import { CameraOffIcon, MicOffIcon } from '../ui/icons';

export function ModerationNotice({ state }: { state: RoomState }) {
  const t = useT();
  const muted = (source: 'microphone' | 'camera') => trackOf(state, state.me.id, source)?.muted_by_moderator === true;
  const [mic, cam] = [muted('microphone'), muted('camera')];
  if (!mic && !cam) return null;
  return (
    <div className="banner warning call-banner" role="status" data-testid="moderation-notice">
      {mic ? <MicOffIcon /> : <CameraOffIcon />}
      {mic && cam ? t.call.bothModerated : mic ? t.call.micModerated : t.call.camModerated}
    </div>
  );
}
