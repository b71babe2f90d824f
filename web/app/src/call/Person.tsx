// One of many in a voice room: a face or initials, a ring while speaking, and what one can do about them.

import type { Participant, Room, Track } from 'zzan-client';
import { useHearing } from '../hooks/useDemand';
import { useT } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { MicOffIcon, PinIcon, SpeakerOffIcon } from '../ui/icons';
import type { Choices } from './choices';
import { TileMenu } from './TileMenu';

interface Props {
  room: Room;
  participant: Participant;
  camera: Track | undefined;
  microphone: Track | undefined;
  isSelf: boolean;
  isHost: boolean;
  speaking: boolean;
  micMuted: boolean;
  choices: Choices;
  pinned: boolean;
  /** Only where there are more pictures than places. */
  onPin: (() => void) | undefined;
  /** For who may remove others. */
  onKick: ((participant: string, name: string) => void) | undefined;
  onStats: () => void;
}

export function Person({ room, participant, camera, microphone, isSelf, isHost, speaking, micMuted, choices, pinned, onPin, onKick, onStats }: Props) {
  const t = useT();
  const mutedForMe = choices.muted.has(participant.user);
  useHearing(room, isSelf ? undefined : microphone?.id, mutedForMe);
  const { id, user, name, state } = participant;
  const away = state === 'reconnecting';
  const rings = speaking && !micMuted && !away;
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
      {mutedForMe && !micMuted && <span className="tile-mark" role="img" aria-label={t.call.mutedForMe} title={t.call.mutedForMe}><SpeakerOffIcon /></span>}
      <span className="person-actions">
        {onPin && (
          <button type="button" className="icon-button" aria-pressed={pinned} aria-label={pinLabel} title={pinLabel} onClick={onPin} data-testid="pin-button"><PinIcon /></button>
        )}
        {!isSelf && <TileMenu room={room} participant={participant} camera={camera} microphone={microphone} choices={choices} onKick={onKick} onStats={onStats} />}
      </span>
    </li>
  );
}
