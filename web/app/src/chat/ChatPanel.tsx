// The room's messages: beside the call on wide screens, over it on phones. Text is shown as text, whatever is in it.

import { useEffect, useRef, useState } from 'react';
import type { Chat, Message } from 'zzan-client';
import { useChatState } from '../hooks/useSource';
import { useT } from '../i18n';
import { Confirm } from '../ui/Confirm';
import { CloseIcon } from '../ui/icons';
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
  onClose: () => void;
}

export function ChatPanel({ chat, me, administer, onClose }: Props) {
  const t = useT();
  const state = useChatState(chat);
  const { messages, outgoing } = state;
  const newest = messages.at(-1)?.seq ?? 0;
  const scroll = useChatScroll(messages[0]?.seq ?? 0, newest, outgoing.length);
  const panel = useRef<HTMLElement>(null);
  const [answered, setAnswered] = useState<number>();
  const [deleting, setDeleting] = useState<number>();
  const at = (seq: number | undefined): Message | undefined => messages.find((message) => message.seq === seq);

  useEffect(() => {
    const escape = (event: KeyboardEvent) => {
      const inside = panel.current?.contains(document.activeElement);
      if (event.key === 'Escape' && inside && !event.isComposing) onClose();
    };
    window.addEventListener('keydown', escape);
    return () => window.removeEventListener('keydown', escape);
  }, [onClose]);

  return (
    <aside ref={panel} className="chat" aria-label={t.chat.title} data-testid="chat">
      <header className="chat-head">
        <h2>{t.chat.title}</h2>
        <button type="button" className="icon-button" aria-label={t.call.closeChat} onClick={onClose}><CloseIcon /></button>
      </header>
      <div className="chat-scroll" ref={scroll.ref} onScroll={() => scroll.onScroll(() => void chat.loadOlder())} tabIndex={0} role="log" aria-label={t.chat.title} aria-live="polite" aria-relevant="additions" data-testid="chat-log">
        {state.more && (
          <button type="button" className="button ghost small chat-older" disabled={state.loading} onClick={() => void chat.loadOlder()} data-testid="chat-older">
            {state.loading ? t.common.loading : t.chat.older}
          </button>
        )}
        {messages.length === 0 && outgoing.length === 0 && <p className="chat-empty muted">{t.chat.empty}</p>}
        <ol className="chat-lines">
          {messages.map((message, n) => {
            const { seq, author, reply_to } = message;
            const before = messages[n - 1];
            const own = author.id === me;
            return (
              <ChatLine
                key={message.id}
                message={message}
                answers={reply_to === undefined ? undefined : (at(reply_to) ?? null)}
                own={own}
                grouped={before?.author.id === author.id && Date.parse(message.sent_at) - Date.parse(before.sent_at) < GROUP_MS}
                onReply={() => setAnswered(seq)}
                {...(own ? { onEdit: (text: string) => chat.edit(seq, text) } : {})}
                {...(own || administer ? { onDelete: () => setDeleting(seq) } : {})}
              />
            );
          })}
          {outgoing.map((entry) => (
            <OutgoingLine key={entry.nonce} entry={entry} onRetry={() => void chat.retry(entry.nonce)} onDiscard={() => chat.discard(entry.nonce)} />
          ))}
        </ol>
      </div>
      {scroll.newBelow && <button type="button" className="chat-new" onClick={scroll.toEnd}>{t.chat.newBelow} ↓</button>}
      <Composer
        replyTo={at(answered)}
        onCancelReply={() => setAnswered(undefined)}
        onSend={(text) => {
          void chat.send(text, answered);
          setAnswered(undefined);
        }}
      />
      {deleting !== undefined && (
        <Confirm title={t.chat.deleteTitle} text={t.chat.deleteText} action={t.chat.delete} onConfirm={() => chat.delete(deleting)} onClose={() => setDeleting(undefined)} />
      )}
    </aside>
  );
}
