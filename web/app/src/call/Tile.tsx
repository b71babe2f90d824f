// What every tile has: a picture or an avatar, a name, and marks for what is off.

import type { ReactNode, Ref } from 'react';
import type { Quality } from 'zzan-client';
import { useT } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { EyeOffIcon, MicOffIcon, SpeakerOffIcon } from '../ui/icons';
import { SignalBars } from './SignalBars';

interface Props {
  id: string;
  user: string;
  name: string;
  isSelf?: boolean;
  isHost: boolean;
  speaking: boolean;
  micMuted: boolean;
  mutedForMe?: boolean;
  hiddenForMe?: boolean;
  reconnecting?: boolean;
  stalled?: boolean;
  quality: Quality | undefined;
  hasVideo: boolean;
  children: ReactNode;
  frame?: Ref<HTMLElement>;
}

export function Tile(props: Props) {
  const t = useT();
  const { id, user, name, isSelf = false, isHost, speaking, micMuted, hasVideo, quality, children, frame } = props;
  const { mutedForMe = false, hiddenForMe = false, reconnecting = false, stalled = false } = props;
  const rings = speaking && !micMuted && !reconnecting;
  const shown = isSelf ? `${name} (${t.common.you})` : name;
  return (
    <article
      ref={frame}
      className={`tile${rings ? ' speaking' : ''}${reconnecting ? ' away' : ''}`}
      aria-label={`${shown}${rings ? `, ${t.call.speaking}` : ''}`}
      data-testid="tile"
      data-participant={id}
      data-self={isSelf}
      data-speaking={rings}
      data-mic-muted={micMuted}
      data-video={hasVideo}
      data-reconnecting={reconnecting}
      data-stalled={stalled}
    >
      {!hasVideo && <div className="tile-avatar"><Avatar name={name} id={user} /></div>}
      {children}
      {stalled && !reconnecting && <Stalled />}
      {reconnecting && <div className="tile-away" role="status"><span className="spinner" aria-hidden="true" />{t.call.reconnecting}</div>}
      <div className="tile-tag">
        {micMuted && <span className="tile-mark" role="img" aria-label={t.call.micMuted} title={t.call.micMuted} data-testid="muted-icon"><MicOffIcon /></span>}
        {mutedForMe && <span className="tile-mark" role="img" aria-label={t.call.mutedForMe} title={t.call.mutedForMe}><SpeakerOffIcon /></span>}
        {hiddenForMe && <span className="tile-mark" role="img" aria-label={t.call.hiddenForMe} title={t.call.hiddenForMe}><EyeOffIcon /></span>}
        <span className="tile-name" data-testid="tile-name">{name}</span>
        {isSelf && <span className="tile-you">{t.common.you}</span>}
        {isHost && <span className="tile-host">{t.call.owner}</span>}
        {quality && !reconnecting && <SignalBars quality={quality} />}
      </div>
    </article>
  );
}

/** Over a picture that stands still because the own connection is too narrow for it. */
export function Stalled() {
  const t = useT();
  return <div className="tile-stalled" role="status" data-testid="stalled"><SignalBars quality="poor" />{t.call.stalled}</div>;
}
