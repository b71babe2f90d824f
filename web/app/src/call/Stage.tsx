// The tiles of everyone here, in the order of joining, oneself last; beside a shared screen where there is one.

import { isAudible, trackOf, type LocalState, type Participant, type Room, type RoomState, type Track } from 'zzan-client';
import { useT } from '../i18n';
import { useChoices } from './choices';
import { RemoteTile } from './RemoteTile';
import { ScreenTile } from './ScreenTile';
import { SelfTile } from './SelfTile';
import { VoiceStage } from './VoiceStage';

export interface StageProps {
  room: Room;
  state: RoomState;
  media: LocalState;
  /** For who may remove others. */
  onKick: ((participant: string, name: string) => void) | undefined;
  onStats: () => void;
}

export function Stage(props: StageProps) {
  return props.state.room.kind === 'voice' ? <VoiceStage {...props} /> : <BuddyStage {...props} />;
}

function BuddyStage({ room, state, media, onKick, onStats }: StageProps) {
  const t = useT();
  const choices = useChoices();
  const others = state.participants.filter(({ id }) => id !== state.me.id);
  const speaking = new Set(state.speakers.map(({ participant }) => participant));
  const screens = others.flatMap((participant): { participant: Participant; screen: Track }[] => {
    const screen = trackOf(state, participant.id, 'screen');
    return isAudible(screen) ? [{ participant, screen }] : [];
  });
  const isStalled = (track: Track | undefined) => track !== undefined && state.stalled.has(track.id);
  return (
    <main className={screens.length > 0 ? 'stage shared' : 'stage'} aria-label={t.call.participants}>
      {screens.length > 0 && (
        <div className="screens" data-testid="screens">
          {screens.map(({ participant, screen }) => (
            <ScreenTile key={screen.id} room={room} participant={participant} screen={screen} video={room.mediaOf(participant.id, 'screen')} stalled={isStalled(screen)} />
          ))}
        </div>
      )}
      <div className={`grid grid-${Math.min(4, others.length + 1)}`} data-testid="grid">
        {others.map((participant) => {
          const camera = trackOf(state, participant.id, 'camera');
          return (
            <RemoteTile
              key={participant.id}
              room={room}
              participant={participant}
              camera={camera}
              microphone={trackOf(state, participant.id, 'microphone')}
              video={room.mediaOf(participant.id, 'camera')}
              audio={room.mediaOf(participant.id, 'microphone')}
              quality={state.qualities.get(participant.id)}
              stalled={isStalled(camera)}
              speaking={speaking.has(participant.id)}
              isHost={participant.user === state.room.owner}
              choices={choices}
              onKick={onKick}
              onStats={onStats}
            />
          );
        })}
        <SelfTile
          me={state.me}
          media={media}
          microphone={trackOf(state, state.me.id, 'microphone')}
          quality={state.qualities.get(state.me.id)}
          speaking={speaking.has(state.me.id)}
          isHost={state.me.user === state.room.owner}
          onStats={onStats}
        />
        {others.length === 0 && (
          <div className="alone" role="status">
            <strong>{t.call.alone}</strong>
            <span>{t.call.aloneText}</span>
          </div>
        )}
      </div>
    </main>
  );
}
