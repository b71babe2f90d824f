// The watched lobby, for as long as a screen shows it.

import { useEffect, useState } from 'react';
import { Lobby, type Client, type LobbyState } from 'zzan-client';

const EMPTY: LobbyState = { rooms: [], loaded: false, error: null };

export function useLobby(client: Client): LobbyState {
  const [state, setState] = useState<LobbyState>(EMPTY);
  useEffect(() => {
    const lobby = new Lobby(client);
    setState(lobby.state);
    lobby.onChange(setState);
    return () => lobby.close();
  }, [client]);
  return state;
}
