// The messages of a chat as they are shown: with the names that their authors have here, and with what they answer.

import { useEffect, useMemo } from 'react';
import type { Author, Chat, ChatState, Message } from 'zzan-client';

interface Shown {
  /** The same message is the same object each time, so that lines needn't be drawn again. */
  readonly messages: readonly Message[];
  /** A message that is here or is answered here, if it is known. */
  at: (seq: number | undefined) => Message | undefined;
}

export function useMessages(chat: Chat, state: ChatState, nameOf: (author: Author) => string): Shown {
  const named = useNamed(nameOf);
  const messages = useMemo(() => state.messages.map(named), [state.messages, named]);
  const at = (seq: number | undefined) => {
    const found = state.messages.find((message) => message.seq === seq) ?? (seq === undefined ? undefined : state.quoted.get(seq));
    return found && named(found);
  };
  useEffect(() => {
    const here = new Set(state.messages.map(({ seq }) => seq));
    const wanted = state.messages.flatMap(({ reply_to }) => (reply_to === undefined || here.has(reply_to) ? [] : [reply_to]));
    if (wanted.length > 0) void chat.fetchQuoted(wanted);
  }, [chat, state.messages]);
  return { messages, at };
}

function useNamed(nameOf: (author: Author) => string): (message: Message) => Message {
  return useMemo(() => {
    const known = new WeakMap<Message, Message>();
    return (message) => {
      const before = known.get(message);
      if (before) return before;
      const after = { ...message, author: { ...message.author, name: nameOf(message.author) } };
      known.set(message, after);
      return after;
    };
  }, [nameOf]);
}
