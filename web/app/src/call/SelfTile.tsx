import { isAudible, type LocalState, type Me, type Quality, type Track } from 'zzan-client';
import { useMediaElement } from '../hooks/useMediaElement';
import { useT } from '../i18n';
import { ChartIcon, MoreIcon } from '../ui/icons';
import { Menu, MenuItem } from '../ui/Menu';
import { Tile } from './Tile';

interface Props {
  me: Me;
  media: LocalState;
  /** As the others know it. */
  microphone: Track | undefined;
  quality: Quality | undefined;
  speaking: boolean;
  isHost: boolean;
  onStats: () => void;
}

/** Oneself, as in a mirror. */
export function SelfTile({ me, media, microphone, quality, speaking, isHost, onStats }: Props) {
  const t = useT();
  const { camera } = media;
  const video = useMediaElement<HTMLVideoElement>(camera.track);
  const micMuted = !media.microphone.on || !media.microphone.track || (microphone !== undefined && !isAudible(microphone));
  return (
    <Tile id={me.id} user={me.user} name={me.name} isSelf isHost={isHost} speaking={speaking} micMuted={micMuted} quality={quality} hasVideo={camera.track !== null}>
      <video ref={video} className="tile-video mirrored" autoPlay playsInline muted hidden={!camera.track} data-testid="self-video" />
      <div className="tile-actions">
        <Menu label={t.call.more(me.name)} icon={<MoreIcon />} testId="self-menu">
          <MenuItem icon={<ChartIcon />} onClick={onStats} testId="stats-button">{t.stats.open}</MenuItem>
        </Menu>
      </div>
    </Tile>
  );
}
