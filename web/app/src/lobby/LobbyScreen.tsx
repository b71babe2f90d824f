// The open rooms by size, and the way to open one. A first visit asks for a name before anything else.

import { useState } from 'react';
import type { LobbyRoom } from 'zzan-client';
import type { VisitorProps } from '../App';
import { useClientState, useLasting } from '../hooks/useSource';
import { useLobby } from '../hooks/useLobby';
import { useT } from '../i18n';
import { Bell } from '../inbox/Bell';
import { navigate } from '../route';
import { Header } from '../ui/Header';
import { MembersIcon, PencilIcon, PlusIcon } from '../ui/icons';
import { ErrorBanner } from '../ui/ErrorBanner';
import { CreateRoomDialog } from './CreateRoomDialog';
import { NameGate, RenameDialog } from './NameGate';
import { Refused } from './Refused';
import { RoomCard } from './RoomCard';

type Size = 2 | 3 | 4 | undefined;
const SIZES: readonly Size[] = [undefined, 2, 3, 4];

/** Shorter losses mend themselves before anyone reads of them. */
const UNREACHABLE_AFTER_MS = 2_500;

export function LobbyScreen(props: VisitorProps) {
  const { client, name, visitor } = props;
  const state = useClientState(client);
  if (state === 'closed') return <Refused visitor={visitor} />;
  if (name === undefined) return <NameGate visitor={visitor} />;
  return <OpenRooms {...props} name={name} />;
}

function OpenRooms({ client, name, pass, visitor }: VisitorProps & { name: string }) {
  const t = useT();
  const { rooms, loaded } = useLobby(client);
  const unreachable = useLasting(useClientState(client) !== 'ready', UNREACHABLE_AFTER_MS);
  const [size, setSize] = useState<Size>(undefined);
  const [dialog, setDialog] = useState<'none' | 'create' | 'rename'>('none');
  const shown = size === undefined ? rooms : rooms.filter((room) => room.capacity === size);
  const close = () => setDialog('none');
  return (
    <div className="page">
      <Header>
        <button type="button" className="button ghost small" aria-label={t.community.open} title={t.community.open} onClick={() => navigate('/s')} data-testid="to-servers">
          <MembersIcon />
          <span className="wide-only">{t.community.open}</span>
        </button>
        <Bell client={client} />
        {pass ? (
          <span className="chip fixed"><span className="chip-text">{name}</span></span>
        ) : (
          <button type="button" className="chip" onClick={() => setDialog('rename')} title={t.lobby.rename} data-testid="rename">
            <span className="chip-text">{name}</span>
            <PencilIcon />
          </button>
        )}
      </Header>
      <main className="lobby" data-testid="lobby">
        <div className="lobby-hero">
          <div>
            <h1>{t.lobby.title}</h1>
            <p className="muted">{t.lobby.subtitle}</p>
          </div>
          <button type="button" className="button primary large" onClick={() => setDialog('create')} data-testid="create-room">
            <PlusIcon />
            {t.lobby.create}
          </button>
        </div>
        {unreachable && <ErrorBanner title={t.lobby.unreachable} />}
        <div className="segmented" role="group" aria-label={t.lobby.filter}>
          {SIZES.map((choice) => (
            <button key={choice ?? 'all'} type="button" aria-pressed={choice === size} onClick={() => setSize(choice)} data-testid={`size-${choice ?? 'all'}`}>
              {choice === undefined ? t.lobby.all : t.lobby.size(choice)}
              <span className="count">{choice === undefined ? rooms.length : rooms.filter((room) => room.capacity === choice).length}</span>
            </button>
          ))}
        </div>
        <RoomList rooms={shown} loaded={loaded} size={size} />
      </main>
      {dialog === 'create' && <CreateRoomDialog client={client} name={name} onClose={close} />}
      {dialog === 'rename' && <RenameDialog visitor={visitor} name={name} onClose={close} />}
    </div>
  );
}

function RoomList({ rooms, loaded, size }: { rooms: readonly LobbyRoom[]; loaded: boolean; size: Size }) {
  const t = useT();
  if (!loaded) {
    return (
      <div className="cards" role="status" aria-busy="true" aria-label={t.common.loading}>
        {[0, 1, 2].map((at) => <div key={at} className="card skeleton" />)}
      </div>
    );
  }
  if (rooms.length === 0) {
    return (
      <div className="empty" data-testid="lobby-empty">
        <div className="empty-glass" aria-hidden="true" />
        <h2>{size === undefined ? t.lobby.emptyTitle : t.lobby.emptySize(size)}</h2>
        <p className="muted">{t.lobby.emptyText}</p>
      </div>
    );
  }
  return <ul className="cards">{rooms.map((room) => <li key={room.id}><RoomCard room={room} /></li>)}</ul>;
}
