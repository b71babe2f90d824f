import { useEffect, useState } from 'react';
import type { Chat } from 'zzan-client';

/** How many messages were pushed while nobody looked. */
export function useUnread(chat: Chat, open: boolean): number {
  const [unread, setUnread] = useState(0);
  useEffect(() => {
    if (open) return setUnread(0);
    return chat.onMessage(() => setUnread((count) => count + 1));
  }, [chat, open]);
  return unread;
}
