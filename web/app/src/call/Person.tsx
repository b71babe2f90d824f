// One of many in a voice room: a face or initials, a ring while speaking, and what one can do about them.

import type { Participant } from 'zzan-client';
import { useT } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { MicOffIcon, PinIcon, RemoveIcon, SpeakerIcon, SpeakerOffIcon } from '../ui/icons';

interface Props {
  participant: Participant;
  isSelf: boolean;
  isHost: boolean;
  speaking: boolean;
  micMuted: boolean;
  mutedForMe: boolean;
  onToggleMuted: ((user: string) => void) | undefined;
  pinned: boolean;
  /** Only where there are more pictures than places. */
  onPin: (() => void) | undefined;
  /** For the host only. */
  onKick: ((participant: string, name: string) => void) | undefined;
}

export function Person({ participant, isSelf, isHost, speaking, micMuted, mutedForMe, onToggleMuted, pinned, onPin, onKick }: Props) {
  const t = useT();
  const { id, user, name, state } = participant;
  const away = state === 'reconnecting';
  const rings = speaking && !micMuted && !away;
  const hearLabel = mutedForMe ? t.call.unmuteForMe(name) : t.call.muteForMe(name);
  const pinLabel = pinned ? t.call.unpin(name) : t.call.pin(name);
  return (
    <li
      className={`person${rings ? ' speaking' : ''}${away ? ' away' : ''}`}
      data-testid="person"
      data-participant={id}
      data-self={isSelf}
      data-speaking={rings}
      data-mic-muted={micMuted}
    >
      <span className="person-face"><Avatar name={name} id={user} /></span>
      <span className="person-name" title={name}>
        <span className="person-text" data-testid="person-name">{name}</span>
        {isSelf && <span className="tile-you">{t.common.you}</span>}
        {rings && <span className="visually-hidden">{t.call.speaking}</span>}
        {away && <span className="visually-hidden">{t.call.reconnecting}</span>}
      </span>
      {isHost && <span className="tile-host">{t.call.owner}</span>}
      {micMuted && <span className="tile-mark" role="img" aria-label={t.call.micMuted} title={t.call.micMuted}><MicOffIcon /></span>}
      <span className="person-actions">
        {onPin && (
          <button type="button" className="icon-button" aria-pressed={pinned} aria-label={pinLabel} title={pinLabel} onClick={onPin} data-testid="pin-button"><PinIcon /></button>
        )}
        {onToggleMuted && (
          <button type="button" className="icon-button" aria-pressed={mutedForMe} aria-label={hearLabel} title={hearLabel} onClick={() => onToggleMuted(user)}>
            {mutedForMe ? <SpeakerOffIcon /> : <SpeakerIcon />}
          </button>
        )}
        {onKick && (
          <button type="button" className="icon-button" aria-label={`${t.call.kick}: ${name}`} title={t.call.kick} onClick={() => onKick(id, name)}><RemoveIcon /></button>
        )}
      </span>
    </li>
  );
}
