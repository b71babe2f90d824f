// React's view of the SDK's objects: each has an immutable state and says when it is another one.

import { useEffect, useState, useSyncExternalStore } from 'react';
import type { Chat, ChatState, Client, ClientState, LocalMedia, LocalState, Room, RoomView } from 'zzan-client';

export function useClientState(client: Client): ClientState {
  return useSyncExternalStore((changed) => client.on('state', changed), () => client.state);
}

export function useLocalState(local: LocalMedia): LocalState {
  return useSyncExternalStore((changed) => local.onChange(changed), () => local.state);
}

export function useRoomView(room: Room): RoomView {
  return useSyncExternalStore((changed) => room.on('change', changed), () => room.view);
}

export function useChatState(chat: Chat): ChatState {
  return useSyncExternalStore((changed) => chat.onChange(changed), () => chat.state);
}

/** True once `value` has been true for so long: for words that needn't flash up for every hiccup. */
export function useLasting(value: boolean, afterMs: number): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!value) return setLasting(false);
    const timer = setTimeout(() => setLasting(true), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return value && lasting;
}
