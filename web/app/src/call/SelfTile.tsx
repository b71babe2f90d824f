import type { LocalState, Me } from 'zzan-client';
import { useMediaElement } from '../hooks/useMediaElement';
import { Tile } from './Tile';

interface Props {
  me: Me;
  media: LocalState;
  speaking: boolean;
  isHost: boolean;
}

/** Oneself, as in a mirror. */
export function SelfTile({ me, media, speaking, isHost }: Props) {
  const { camera, microphone } = media;
  const video = useMediaElement<HTMLVideoElement>(camera.track);
  const micMuted = !microphone.on || !microphone.track;
  return (
    <Tile id={me.id} user={me.user} name={me.name} isSelf isHost={isHost} speaking={speaking} micMuted={micMuted} hasVideo={camera.track !== null}>
      <video ref={video} className="tile-video mirrored" autoPlay playsInline muted hidden={!camera.track} data-testid="self-video" />
    </Tile>
  );
}
