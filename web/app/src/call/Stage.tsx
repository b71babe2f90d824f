// The tiles of everyone here, in the order of joining, oneself last.

import { trackOf, type LocalState, type Room, type RoomState } from 'zzan-client';
import { useT } from '../i18n';
import { useMutedForMe } from './muted';
import { RemoteTile } from './RemoteTile';
import { SelfTile } from './SelfTile';
import { VoiceStage } from './VoiceStage';

export interface StageProps {
  room: Room;
  state: RoomState;
  media: LocalState;
  isOwner: boolean;
  onKick: (participant: string, name: string) => void;
}

export function Stage(props: StageProps) {
  return props.state.room.kind === 'voice' ? <VoiceStage {...props} /> : <BuddyStage {...props} />;
}

function BuddyStage({ room, state, media, isOwner, onKick }: StageProps) {
  const t = useT();
  const [mutedForMe, toggleMuted] = useMutedForMe();
  const others = state.participants.filter(({ id }) => id !== state.me.id);
  const speaking = new Set(state.speakers.map(({ participant }) => participant));
  return (
    <main className="stage" aria-label={t.call.participants}>
      <div className={`grid grid-${Math.min(4, others.length + 1)}`} data-testid="grid">
        {others.map((participant) => (
          <RemoteTile
            key={participant.id}
            participant={participant}
            camera={trackOf(state, participant.id, 'camera')}
            microphone={trackOf(state, participant.id, 'microphone')}
            video={room.mediaOf(participant.id, 'camera')}
            audio={room.mediaOf(participant.id, 'microphone')}
            speaking={speaking.has(participant.id)}
            isHost={participant.user === state.room.owner}
            mutedForMe={mutedForMe.has(participant.user)}
            onToggleMuted={toggleMuted}
            onKick={isOwner ? onKick : undefined}
          />
        ))}
        <SelfTile me={state.me} media={media} speaking={speaking.has(state.me.id)} isHost={state.me.user === state.room.owner} />
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
