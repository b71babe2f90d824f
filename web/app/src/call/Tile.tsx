// What every tile has: a picture or an avatar, a name, and marks for what is off.

import type { ReactNode } from 'react';
import { useT } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { MicOffIcon, SpeakerOffIcon } from '../ui/icons';

interface Props {
  id: string;
  user: string;
  name: string;
  isSelf?: boolean;
  isHost: boolean;
  speaking: boolean;
  micMuted: boolean;
  mutedForMe?: boolean;
  reconnecting?: boolean;
  hasVideo: boolean;
  children: ReactNode;
}

export function Tile({ id, user, name, isSelf = false, isHost, speaking, micMuted, mutedForMe = false, reconnecting = false, hasVideo, children }: Props) {
  const t = useT();
  const rings = speaking && !micMuted && !reconnecting;
  const shown = isSelf ? `${name} (${t.common.you})` : name;
  return (
    <article
      className={`tile${rings ? ' speaking' : ''}${reconnecting ? ' away' : ''}`}
      aria-label={`${shown}${rings ? `, ${t.call.speaking}` : ''}`}
      data-testid="tile"
      data-participant={id}
      data-self={isSelf}
      data-speaking={rings}
      data-mic-muted={micMuted}
      data-video={hasVideo}
      data-reconnecting={reconnecting}
    >
      {!hasVideo && <div className="tile-avatar"><Avatar name={name} id={user} /></div>}
      {children}
      {reconnecting && <div className="tile-away" role="status"><span className="spinner" aria-hidden="true" />{t.call.reconnecting}</div>}
      <div className="tile-tag">
        {micMuted && <span className="tile-mark" role="img" aria-label={t.call.micMuted} title={t.call.micMuted} data-testid="muted-icon"><MicOffIcon /></span>}
        {mutedForMe && <span className="tile-mark" role="img" aria-label={t.call.mutedForMe} title={t.call.mutedForMe}><SpeakerOffIcon /></span>}
        <span className="tile-name" data-testid="tile-name">{name}</span>
        {isSelf && <span className="tile-you">{t.common.you}</span>}
        {isHost && <span className="tile-host">{t.call.owner}</span>}
      </div>
    </article>
  );
}
