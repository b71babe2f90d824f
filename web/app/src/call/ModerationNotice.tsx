// Tells somebody whom the host muted, for as long as it lasts: they'd talk to nobody otherwise.

import { useT } from '../i18n';
import { CameraOffIcon, MicOffIcon } from '../ui/icons';

export function ModerationNotice({ microphone, camera }: { microphone: boolean; camera: boolean }) {
  const t = useT();
  if (!microphone && !camera) return null;
  return (
    <div className="banner warning call-banner" role="status" data-testid="moderation-notice">
      {microphone ? <MicOffIcon /> : <CameraOffIcon />}
      {microphone && camera ? t.call.bothModerated : microphone ? t.call.micModerated : t.call.camModerated}
    </div>
  );
}
