// A channel's messages and the field to write in, wherever they stand. Text is shown as text, whatever is in it.

import { useEffect, useState, type ReactNode } from 'react';
import type { Author, Chat, Message } from 'zzan-client';
import { useChatState } from '../hooks/useSource';
import { useT } from '../i18n';
import { Confirm } from '../ui/Confirm';
import { ChatLine, OutgoingLine } from './ChatLine';
import { Composer } from './Composer';
import { useChatScroll } from './useChatScroll';

/** Messages of one author within this time stand under one name. */
const GROUP_MS = 3 * 60_000;

interface Props {
  chat: Chat;
  /** The own user id. */
  me: string;
  /** Whether others' messages may be deleted. */
  administer: boolean;
  /** Stands in the place of the field, where one may not write. */
  instead?: ReactNode;
  /** What somebody is called here; the name that the message carries when absent. */
  nameOf?: (author: Author) => string;
  /** All after this number was new when one came. */
  readUpTo?: number | undefined;
  /** Told whether the newest message is in sight. */
  onSight?: (newest: boolean) => void;
  /** Given where messages can be marked as unread. */
  onUnread?: (seq: number) => void;
}

export function ChatLog({ chat, me, administer, instead, nameOf, readUpTo, onSight, onUnread }: Props) {
  const t = useT();
  const state = useChatState(chat);
  const { outgoing } = state;
  const scroll = useChatScroll(state.messages, outgoing.length, { start: '[data-new]', loadOlder: () => void chat.loadOlder() });
  const [answered, setAnswered] = useState<number>();
  const [deleting, setDeleting] = useState<number>();
  const messages = nameOf ? state.messages.map((message) => ({ ...message, author: { ...message.author, name: nameOf(message.author) } })) : state.messages;
  const at = (seq: number | undefined): Message | undefined => messages.find((message) => message.seq === seq);
  // Where new ones begin isn't known before what was read last is here.
  const isBegin = !state.more || (messages[0]?.seq ?? 0) <= (readUpTo ?? 0);
  const firstNew = readUpTo === undefined || !isBegin ? undefined : messages.find(({ seq, author, deleted }) => seq > readUpTo && author.id !== me && !deleted)?.seq;
  const newestInSight = scroll.atEnd && messages.length > 0;

  useEffect(() => onSight?.(newestInSight), [newestInSight, onSight]);

  const line = (message: Message, before: Message | undefined) => {
    const { seq, author, reply_to } = message;
    const own = author.id === me;
    const isFirstNew = seq === firstNew;
    return (
      <ChatLine
        key={message.id}
        message={message}
        answers={reply_to === undefined ? undefined : (at(reply_to) ?? null)}
        own={own}
        grouped={!isFirstNew && before?.author.id === author.id && Date.parse(message.sent_at) - Date.parse(before.sent_at) < GROUP_MS}
        onReply={() => setAnswered(seq)}
        {...(own ? { onEdit: (text: string) => chat.edit(seq, text) } : {})}
        {...(own || administer ? { onDelete: () => setDeleting(seq) } : {})}
        {...(onUnread ? { onUnread: () => onUnread(seq) } : {})}
      />
    );
  };

  return (
    <>
      <div className="chat-scroll" ref={scroll.ref} onScroll={scroll.onScroll} tabIndex={0} role="log" aria-label={t.chat.title} aria-live="polite" aria-relevant="additions" data-testid="chat-log">
        {state.more && (
          <button type="button" className="button ghost small chat-older" disabled={state.loading} onClick={() => void chat.loadOlder()} data-testid="chat-older">
            {state.loading ? t.common.loading : t.chat.older}
          </button>
        )}
        {messages.length === 0 && outgoing.length === 0 && <p className="chat-empty muted">{t.chat.empty}</p>}
        <ol className="chat-lines">
          {messages.flatMap((message, n) => [
            ...(message.seq === firstNew ? [<li key="new" className="line-new" role="separator" data-new="" data-testid="chat-divider"><span>{t.chat.newBelow}</span></li>] : []),
            line(message, messages[n - 1]),
          ])}
          {outgoing.map((entry) => (
            <OutgoingLine key={entry.nonce} entry={entry} onRetry={() => void chat.retry(entry.nonce)} onDiscard={() => chat.discard(entry.nonce)} />
          ))}
        </ol>
      </div>
      {!scroll.atEnd && (
        <button type="button" className={scroll.newBelow ? 'chat-new' : 'chat-new quiet'} onClick={scroll.toEnd} data-testid="chat-to-end">
          {scroll.newBelow ? t.chat.newBelow : t.chat.toEnd} ↓
        </button>
      )}
      {instead ?? (
        <Composer
          replyTo={at(answered)}
          onCancelReply={() => setAnswered(undefined)}
          onSend={(text) => {
            void chat.send(text, answered);
            setAnswered(undefined);
          }}
        />
      )}
      {deleting !== undefined && (
        <Confirm title={t.chat.deleteTitle} text={t.chat.deleteText} action={t.chat.delete} onConfirm={() => chat.delete(deleting)} onClose={() => setDeleting(undefined)} />
      )}
    </>
  );
}
