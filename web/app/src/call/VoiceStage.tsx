// A voice room of many: the pictures that fit as tiles, and everyone as a list with who speaks. Sound comes from the slots, whoever is in them.

import { useEffect, useRef, useState } from 'react';
import { isAudible, trackOf, type Participant, type Room, type Track } from 'zzan-client';
import { useT } from '../i18n';
import { useChoices } from './choices';
import { Person } from './Person';
import { RemoteAudio, RemoteTile } from './RemoteTile';
import { SelfTile } from './SelfTile';
import type { StageProps } from './Stage';

/** More pictures than this cost a phone its battery, and show nobody's face. */
const TILES_MAX = 12;

/** Slots are asked for by the handful: each time costs an offer. */
const SLOTS_STEP = 4;

/** A picture smaller than this shows nobody's face either, in CSS pixels. */
const TILE_MIN = { width: 200, height: 130 };

/** Somebody's picture, and what carries it. */
interface Shown {
  participant: Participant;
  video: MediaStreamTrack;
}

export function VoiceStage({ room, state, media, onKick, onStats }: StageProps) {
  const t = useT();
  const stage = useRef<HTMLElement>(null);
  const fits = useTilesThatFit(stage);
  const choices = useChoices();
  const [pinned, togglePin] = usePinned(room);
  const { me } = state;
  const others = state.participants.filter(({ id }) => id !== me.id);
  const isOn = ({ id, user }: Participant) => isAudible(trackOf(state, id, 'camera')) && !choices.hidden.has(user);
  const cameras = others.filter(isOn).length;
  const speaking = new Set(state.speakers.map(({ participant }) => participant));
  const ownPicture = media.camera.track !== null;
  useEffect(() => room.seeUpTo(Math.min(Math.ceil(cameras / SLOTS_STEP) * SLOTS_STEP, fits)), [room, cameras, fits]);

  const shown = others.flatMap((participant): Shown[] => {
    const video = isOn(participant) ? room.mediaOf(participant.id, 'camera') : undefined;
    return video ? [{ participant, video }] : [];
  });
  const isStalled = (track: Track | undefined) => track !== undefined && state.stalled.has(track.id);
  const tiles = shown.length + (ownPicture ? 1 : 0);
  return (
    <main ref={stage} className={tiles > 0 ? 'stage voice with-pictures' : 'stage voice'} aria-label={t.call.participants} data-testid="voice-stage">
      {room.voices.map(({ mid, media: voice, participant }) => (
        <RemoteAudio key={mid} track={voice} muted={choices.muted.has(userOf(others, participant))} />
      ))}
      {tiles > 0 && (
        <div className="voice-tiles" style={{ '--columns': columnsFor(tiles) } as React.CSSProperties} data-testid="grid">
          {shown.map(({ participant, video }) => (
            <RemoteTile
              key={participant.id}
              room={room}
              participant={participant}
              camera={trackOf(state, participant.id, 'camera')}
              microphone={trackOf(state, participant.id, 'microphone')}
              video={video}
              audio={undefined}
              quality={state.qualities.get(participant.id)}
              stalled={isStalled(trackOf(state, participant.id, 'camera'))}
              speaking={speaking.has(participant.id)}
              isHost={participant.user === state.room.owner}
              choices={choices}
              onKick={onKick}
              onStats={onStats}
            />
          ))}
          {ownPicture && (
            <SelfTile
              me={me}
              media={media}
              microphone={trackOf(state, me.id, 'microphone')}
              quality={state.qualities.get(me.id)}
              speaking={speaking.has(me.id)}
              isHost={me.user === state.room.owner}
              onStats={onStats}
            />
          )}
        </div>
      )}
      <ul className="people-list" data-testid="people">
        {state.participants.map((participant) => {
          const camera = trackOf(state, participant.id, 'camera');
          const isSelf = participant.id === me.id;
          return (
            <Person
              key={participant.id}
              room={room}
              participant={participant}
              camera={camera}
              microphone={trackOf(state, participant.id, 'microphone')}
              isSelf={isSelf}
              isHost={participant.user === state.room.owner}
              speaking={speaking.has(participant.id)}
              micMuted={isSelf ? !media.microphone.on || !media.microphone.track : !isAudible(trackOf(state, participant.id, 'microphone'))}
              choices={choices}
              pinned={camera !== undefined && pinned === camera.id}
              onPin={!isSelf && isAudible(camera) && cameras > fits ? () => togglePin(camera.id) : undefined}
              onKick={onKick}
              onStats={onStats}
            />
          );
        })}
      </ul>
    </main>
  );
}

function userOf(participants: readonly Participant[], id: string | undefined): string {
  return participants.find((participant) => participant.id === id)?.user ?? '';
}

/** Rows and columns that keep tiles near 16:9 on a wide stage. */
function columnsFor(tiles: number): number {
  return Math.ceil(Math.sqrt(tiles));
}

/** One picture that stays, whoever speaks. */
function usePinned(room: Room): [string | undefined, (track: string) => void] {
  const [pinned, setPinned] = useState<string>();
  const toggle = (track: string) => {
    const next = pinned === track ? undefined : track;
    room.pin(next === undefined ? [] : [next]).then(() => setPinned(next)).catch(() => undefined);
  };
  return [pinned, toggle];
}

/** How many remote pictures the stage has place for. */
function useTilesThatFit(stage: React.RefObject<HTMLElement | null>): number {
  const [fits, setFits] = useState(4);
  useEffect(() => {
    if (!stage.current) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      const count = Math.floor(width / TILE_MIN.width) * Math.floor(height / TILE_MIN.height);
      // One place is for oneself.
      setFits(Math.min(TILES_MAX, Math.max(1, count - 1)));
    });
    observer.observe(stage.current);
    return () => observer.disconnect();
  }, [stage]);
  return fits;
}
