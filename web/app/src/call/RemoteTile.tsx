// Somebody else: their picture and sound, and what one can do about them.

import { use, useEffect } from 'react';
import type { Participant, Track } from 'zzan-client';
import { useMediaElement } from '../hooks/useMediaElement';
import { useT } from '../i18n';
import { RemoveIcon, SpeakerIcon, SpeakerOffIcon } from '../ui/icons';
import { markFirstFrame } from './first_frame';
import { ElementsContext } from './heard';
import { Tile } from './Tile';

interface Props {
  participant: Participant;
  camera: Track | undefined;
  microphone: Track | undefined;
  video: MediaStreamTrack | undefined;
  audio: MediaStreamTrack | undefined;
  speaking: boolean;
  isHost: boolean;
  mutedForMe: boolean;
  onToggleMuted: (user: string) => void;
  /** For the host only. */
  onKick: ((participant: string, name: string) => void) | undefined;
}

export function RemoteTile(props: Props) {
  const t = useT();
  const { participant, camera, microphone, video, audio, mutedForMe, onToggleMuted, onKick } = props;
  const { id, user, name, state } = participant;
  const picture = camera && !camera.muted ? video : undefined;
  const label = mutedForMe ? t.call.unmuteForMe(name) : t.call.muteForMe(name);
  return (
    <Tile
      id={id}
      user={user}
      name={name}
      isHost={props.isHost}
      speaking={props.speaking}
      micMuted={!microphone || microphone.muted}
      mutedForMe={mutedForMe}
      reconnecting={state === 'reconnecting'}
      hasVideo={picture !== undefined}
    >
      {picture && <RemoteVideo track={picture} />}
      {audio && <RemoteAudio track={audio} muted={mutedForMe} />}
      <div className="tile-actions">
        <button type="button" className="icon-button solid" aria-pressed={mutedForMe} aria-label={label} title={label} onClick={() => onToggleMuted(user)} data-testid="mute-for-me">
          {mutedForMe ? <SpeakerOffIcon /> : <SpeakerIcon />}
        </button>
        {onKick && (
          <button type="button" className="icon-button solid" aria-label={`${t.call.kick}: ${name}`} title={t.call.kick} onClick={() => onKick(id, name)} data-testid="kick-button">
            <RemoveIcon />
          </button>
        )}
      </div>
    </Tile>
  );
}

function RemoteVideo({ track }: { track: MediaStreamTrack }) {
  const ref = useMediaElement<HTMLVideoElement>(track);
  useEffect(() => (ref.current ? markFirstFrame(ref.current) : undefined), [ref, track]);
  // Muted: sound has an element of its own, so that a picture is never held back for it.
  return <video ref={ref} className="tile-video" autoPlay playsInline muted data-testid="tile-video" />;
}

export function RemoteAudio({ track, muted }: { track: MediaStreamTrack; muted: boolean }) {
  const ref = useMediaElement<HTMLAudioElement>(track);
  const { play } = use(ElementsContext);
  useEffect(() => (ref.current ? play(ref.current) : undefined), [ref, track, play]);
  return <audio ref={ref} autoPlay muted={muted} data-testid="tile-audio" />;
}
