// What one can do about somebody: for oneself, for everyone where one is the host, and look at the figures.

import type { Participant, Room, Track } from 'zzan-client';
import { useT } from '../i18n';
import { CameraIcon, CameraOffIcon, ChartIcon, EyeIcon, EyeOffIcon, MicIcon, MicOffIcon, MoreIcon, RemoveIcon, SpeakerIcon, SpeakerOffIcon } from '../ui/icons';
import { Menu, MenuItem } from '../ui/Menu';
import type { Choices } from './choices';

interface Props {
  room: Room;
  participant: Participant;
  camera: Track | undefined;
  microphone: Track | undefined;
  choices: Choices;
  onKick: ((participant: string, name: string) => void) | undefined;
  onStats: () => void;
}

export function TileMenu({ room, participant, camera, microphone, choices, onKick, onStats }: Props) {
  const t = useT();
  const { id, user, name } = participant;
  const mutedForMe = choices.muted.has(user);
  const hiddenForMe = choices.hidden.has(user);
  // A refusal shows in that nothing changes: the track's state comes from the server.
  const moderate = (track: Track) => void room.moderate(track.id, !track.muted_by_moderator).catch(() => undefined);
  return (
      <Menu label={t.call.more(name)} icon={<MoreIcon />} testId="tile-menu">
        <MenuItem icon={mutedForMe ? <SpeakerIcon /> : <SpeakerOffIcon />} onClick={() => choices.toggleMuted(user)} testId="mute-for-me">
          {mutedForMe ? t.call.unmuteForMe : t.call.muteForMe}
        </MenuItem>
        <MenuItem icon={hiddenForMe ? <EyeIcon /> : <EyeOffIcon />} onClick={() => choices.toggleHidden(user)} testId="hide-for-me">
          {hiddenForMe ? t.call.showForMe : t.call.hideForMe}
        </MenuItem>
        <MenuItem icon={<ChartIcon />} onClick={onStats} testId="stats-button">{t.stats.open}</MenuItem>
        {room.canAdminister && <hr className="menu-line" />}
        {room.canAdminister && microphone && (
          <MenuItem icon={microphone.muted_by_moderator ? <MicIcon /> : <MicOffIcon />} onClick={() => moderate(microphone)} testId="moderate-mic">
            {microphone.muted_by_moderator ? t.call.allowMic : t.call.muteForAll}
          </MenuItem>
        )}
        {room.canAdminister && camera && (
          <MenuItem icon={camera.muted_by_moderator ? <CameraIcon /> : <CameraOffIcon />} onClick={() => moderate(camera)} testId="moderate-cam">
            {camera.muted_by_moderator ? t.call.allowCam : t.call.hideForAll}
          </MenuItem>
        )}
        {onKick && (
          <MenuItem icon={<RemoveIcon />} danger onClick={() => onKick(id, name)} testId="kick-button">{t.call.kick}</MenuItem>
        )}
      </Menu>
  );
}
