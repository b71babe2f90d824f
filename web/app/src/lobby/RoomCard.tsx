import type { LobbyRoom } from 'zzan-client';
import { useT } from '../i18n';
import { navigate, roomPath } from '../route';
import { LockIcon } from '../ui/icons';

/** A room in the lobby: a link, so that it opens in a new tab as links do. A full one is still a link: a seat may be free on arrival. */
export function RoomCard({ room }: { room: LobbyRoom }) {
  const t = useT();
  const full = room.seated >= room.capacity;
  return (
    <a
      className={full ? 'card full' : 'card'}
      href={roomPath(room.id)}
      data-testid="room-card"
      data-room={room.id}
      data-seated={room.seated}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        navigate(roomPath(room.id));
      }}
    >
      <span className="card-head">
        <span className="card-name">{room.name}</span>
        {room.has_password && <span className="card-lock" role="img" aria-label={t.lobby.locked} title={t.lobby.locked}><LockIcon /></span>}
      </span>
      <span className="card-host muted">{t.lobby.host(room.owner_name)}</span>
      <span className="card-foot">
        <span className="seats" role="img" aria-label={t.lobby.seats(room.seated, room.capacity)}>
          {Array.from({ length: room.capacity }, (_, at) => <span key={at} className={at < room.seated ? 'seat taken' : 'seat'} />)}
          <span className="seats-text" aria-hidden="true">{room.seated}/{room.capacity}</span>
        </span>
        <span className="card-action">{full ? t.lobby.full : t.lobby.join}</span>
      </span>
    </a>
  );
}
