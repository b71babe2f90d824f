// Reminds somebody that the others see their screen, with the way to end that.

import type { LocalMedia } from 'zzan-client';
import { useT } from '../i18n';
import { ScreenIcon } from '../ui/icons';

export function SharingNotice({ local }: { local: LocalMedia }) {
  const t = useT();
  return (
    <div className="banner sharing call-banner" role="status" data-testid="sharing-notice">
      <ScreenIcon />
      <span>{t.call.sharing}</span>
      <button type="button" className="button small danger" onClick={() => local.stopScreen()} data-testid="stop-sharing">{t.call.stopScreen}</button>
    </div>
  );
}
