import { useState } from 'react';
import type { RoomState } from 'zzan-client';
import { useT } from '../i18n';
import { roomUrl } from '../route';
import { Dialog } from '../ui/Dialog';
import { CheckIcon, CloseIcon, LinkIcon, LockIcon } from '../ui/icons';
import { Logo } from '../ui/Logo';

interface Props {
  room: RoomState['room'];
  here: number;
  canClose: boolean;
  onClose: () => void;
}

/** Where one is, how many are here, and the link to send to others. */
export function CallHeader({ room, here, canClose, onClose }: Props) {
  const t = useT();
  return (
    <header className="call-header">
      <Logo />
      <h1 className="call-title" title={room.name}>{room.name}</h1>
      {room.has_password && <span className="call-lock" role="img" aria-label={t.lobby.locked}><LockIcon /></span>}
      <span className="people" aria-label={t.lobby.seats(here, room.capacity)}>{t.call.people(here, room.capacity)}</span>
      <span className="call-header-space" />
      <CopyLink url={roomUrl(room.id)} />
      {canClose && (
        <button type="button" className="button ghost small danger-text" aria-label={t.call.closeRoom} title={t.call.closeRoom} onClick={onClose} data-testid="close-room">
          <CloseIcon />
          <span className="wide-only">{t.call.closeRoom}</span>
        </button>
      )}
    </header>
  );
}

function CopyLink({ url }: { url: string }) {
  const t = useT();
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(url);
      setState('copied');
      setTimeout(() => setState('idle'), 2_000);
    } catch {
      // No clipboard on a page without TLS, or in an embedded one: show the link to copy by hand.
      setState('failed');
    }
  };
  return (
    <>
      <button type="button" className="button ghost small" aria-label={t.call.copyLink} title={t.call.copyLink} onClick={() => void copy()} data-testid="copy-link">
        {state === 'copied' ? <CheckIcon /> : <LinkIcon />}
        <span className="wide-only" aria-live="polite">{state === 'copied' ? t.call.copied : t.call.copyLink}</span>
      </button>
      {state === 'failed' && (
        <Dialog title={t.call.copyFailed} onClose={() => setState('idle')}>
          <input className="input" readOnly value={url} autoFocus onFocus={(event) => event.target.select()} aria-label={t.call.copyLink} />
        </Dialog>
      )}
    </>
  );
}
