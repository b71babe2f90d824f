// The pinned messages of a chat, as they are now.

import { useEffect, useState } from 'react';
import type { Chat, Message } from 'zzan-client';

export interface Pins {
  /** The latest pin first. `undefined` until they are known. */
  readonly messages: readonly Message[] | undefined;
  has: (seq: number) => boolean;
}

export function usePins(chat: Chat): Pins {
  const [messages, setMessages] = useState<readonly Message[]>();
  useEffect(() => {
    let wanted = true;
    const load = () => void chat.pins().then((pinned) => wanted && setMessages(pinned), () => undefined);
    const offs = [
      chat.onPin(({ message, on }) => setMessages((known) => known && [...(on ? [message] : []), ...known.filter(({ seq }) => seq !== message.seq)])),
      // Deleted messages are unpinned, edited ones have another text.
      chat.onAmended((message) => setMessages((known) => known && (message.deleted ? known.filter(({ seq }) => seq !== message.seq) : known.map((one) => (one.seq === message.seq ? message : one))))),
      chat.onMissed(load),
    ];
    load();
    return () => {
      wanted = false;
      for (const off of offs) off();
    };
  }, [chat]);
  return { messages, has: (seq) => messages?.some((message) => message.seq === seq) === true };
}
