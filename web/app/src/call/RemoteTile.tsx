// Somebody else: their picture and sound, and what one can do about them.

import { use, useEffect, useRef } from 'react';
import { isAudible, type Participant, type Quality, type Room, type Track } from 'zzan-client';
import { useDemand, useHearing } from '../hooks/useDemand';
import { useMediaElement } from '../hooks/useMediaElement';
import { markFirstFrame } from './first_frame';
import { ElementsContext } from './heard';
import { Tile } from './Tile';
import { TileMenu } from './TileMenu';
import type { Choices } from './choices';

interface Props {
  room: Room;
  participant: Participant;
  camera: Track | undefined;
  microphone: Track | undefined;
  video: MediaStreamTrack | undefined;
  audio: MediaStreamTrack | undefined;
  quality: Quality | undefined;
  stalled: boolean;
  speaking: boolean;
  isHost: boolean;
  choices: Choices;
  /** For who may remove others. */
  onKick: ((participant: string, name: string) => void) | undefined;
  onStats: () => void;
}

export function RemoteTile(props: Props) {
  const { room, participant, camera, microphone, video, audio, stalled, choices, onKick, onStats } = props;
  const { id, user, name, state } = participant;
  const frame = useRef<HTMLElement>(null);
  const mutedForMe = choices.muted.has(user);
  const hiddenForMe = choices.hidden.has(user);
  const picture = isAudible(camera) && !hiddenForMe ? video : undefined;
  useDemand(room, camera?.id, frame, hiddenForMe);
  useHearing(room, microphone?.id, mutedForMe);
  return (
    <Tile
      frame={frame}
      id={id}
      user={user}
      name={name}
      isHost={props.isHost}
      speaking={props.speaking}
      micMuted={!isAudible(microphone)}
      mutedForMe={mutedForMe}
      hiddenForMe={hiddenForMe}
      reconnecting={state === 'reconnecting'}
      stalled={stalled && picture !== undefined}
      quality={props.quality}
      hasVideo={picture !== undefined}
    >
      {picture && <RemoteVideo track={picture} />}
      {audio && <RemoteAudio track={audio} muted={mutedForMe} />}
      <div className="tile-actions">
        <TileMenu room={room} participant={participant} camera={camera} microphone={microphone} choices={choices} onKick={onKick} onStats={onStats} />
      </div>
    </Tile>
  );
}

export function RemoteVideo({ track, fit = 'cover' }: { track: MediaStreamTrack; fit?: 'cover' | 'contain' }) {
  const ref = useMediaElement<HTMLVideoElement>(track);
  useEffect(() => (ref.current ? markFirstFrame(ref.current) : undefined), [ref, track]);
  // Muted: sound has an element of its own, so that a picture is never held back for it.
  return <video ref={ref} className={`tile-video ${fit}`} autoPlay playsInline muted data-testid={fit === 'cover' ? 'tile-video' : 'screen-video'} />;
}

export function RemoteAudio({ track, muted }: { track: MediaStreamTrack; muted: boolean }) {
  const ref = useMediaElement<HTMLAudioElement>(track);
  const { play } = use(ElementsContext);
  useEffect(() => (ref.current ? play(ref.current) : undefined), [ref, track, play]);
  return <audio ref={ref} autoPlay muted={muted} data-testid="tile-audio" />;
}
