// The lines of a chat, in their order: those that are stored, where new ones begin, and those that are on their way.

import type { Chat, Message, Outgoing } from 'zzan-client';
import { useT } from '../i18n';
import { ChatLine, OutgoingLine, type Acts } from './ChatLine';
import { useTalk } from './people';
import { showMessage } from './target';
import type { Pins } from './usePins';

/** Messages of one author within this time stand under one name. */
const GROUP_MS = 3 * 60_000;

interface Props {
  chat: Chat;
  messages: readonly Message[];
  outgoing: readonly Outgoing[];
  pins: Pins;
  /** The `seq` of the first new one. */
  firstNew: number | undefined;
  /** The `seq` of the one that stands out. */
  shown: number | undefined;
  /** How many haven't read a message, where that is known. */
  unreadBy: ((seq: number) => number | undefined) | undefined;
  at: (seq: number | undefined) => Message | undefined;
  actsOf: (message: Message) => Acts;
  onPicker: (seq: number, anchor: HTMLElement) => void;
}

export function ChatLines({ chat, messages, outgoing, pins, firstNew, shown, unreadBy, at, actsOf, onPicker }: Props) {
  const t = useT();
  const { people } = useTalk();
  const isMeant = ({ mentions = [] }: Message) => mentions.some(({ kind, id = '' }) => kind === 'everyone' || (kind === 'user' ? id === people.me : people.myRoles.includes(id)));
  const line = (message: Message, before: Message | undefined) => {
    const { seq, author, reply_to } = message;
    const own = author.id === people.me;
    return (
      <ChatLine
        key={message.id}
        message={message}
        answers={reply_to === undefined ? undefined : (at(reply_to) ?? null)}
        own={own}
        grouped={seq !== firstNew && before?.author.id === author.id && Date.parse(message.sent_at) - Date.parse(before.sent_at) < GROUP_MS}
        pinned={pins.has(seq)}
        meant={!own && isMeant(message)}
        waiting={unreadBy?.(seq) ?? 0}
        shown={seq === shown}
        hasReacted={(emoji) => chat.hasReacted(message, emoji)}
        onGo={() => reply_to !== undefined && showMessage(chat.channel, reply_to)}
        onPicker={(anchor) => onPicker(seq, anchor)}
        {...actsOf(message)}
      />
    );
  };
  return (
    <ol className="chat-lines">
      {messages.flatMap((message, n) => [
        ...(message.seq === firstNew ? [<li key="new" className="line-new" data-new="" data-testid="chat-divider"><span>{t.chat.newBelow}</span></li>] : []),
        line(message, messages[n - 1]),
      ])}
      {outgoing.map((entry) => (
        <OutgoingLine key={entry.nonce} entry={entry} onRetry={() => void chat.retry(entry.nonce)} onDiscard={() => chat.discard(entry.nonce)} />
      ))}
    </ol>
  );
}
