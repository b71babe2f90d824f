// Somebody's shared screen: whole, never cropped.

import { useRef } from 'react';
import type { Participant, Room, Track } from 'zzan-client';
import { useDemand } from '../hooks/useDemand';
import { useT } from '../i18n';
import { ScreenIcon } from '../ui/icons';
import { RemoteVideo } from './RemoteTile';
import { Stalled } from './Tile';

interface Props {
  room: Room;
  participant: Participant;
  screen: Track;
  video: MediaStreamTrack | undefined;
  stalled: boolean;
}

export function ScreenTile({ room, participant, screen, video, stalled }: Props) {
  const t = useT();
  const frame = useRef<HTMLElement>(null);
  useDemand(room, screen.id, frame, false);
  return (
    <article ref={frame} className="tile screen" aria-label={t.call.screenOf(participant.name)} data-testid="screen-tile" data-participant={participant.id}>
      {video && <RemoteVideo track={video} fit="contain" />}
      {stalled && <Stalled />}
      <div className="tile-tag"><ScreenIcon /><span className="tile-name">{t.call.screenOf(participant.name)}</span></div>
    </article>
  );
}
