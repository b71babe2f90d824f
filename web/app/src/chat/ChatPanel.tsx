// The room's messages: beside the call on wide screens, over it on phones. Text is shown as text, whatever is in it.

import { useEffect, useRef } from 'react';
import type { Chat } from 'zzan-client';
import { useChatState } from '../hooks/useSource';
import { useT } from '../i18n';
import { CloseIcon } from '../ui/icons';
import { ChatLine, OutgoingLine } from './ChatLine';
import { Composer } from './Composer';
import { useChatScroll } from './useChatScroll';

/** Messages of one author within this time stand under one name. */
const GROUP_MS = 3 * 60_000;

export function ChatPanel({ chat, me, onClose }: { chat: Chat; me: string; onClose: () => void }) {
  const t = useT();
  const state = useChatState(chat);
  const { messages, outgoing } = state;
  const newest = messages.at(-1)?.seq ?? 0;
  const scroll = useChatScroll(messages[0]?.seq ?? 0, newest, outgoing.length);
  const panel = useRef<HTMLElement>(null);

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
          {messages.map((message, at) => {
            const before = messages[at - 1];
            const grouped = before?.author.id === message.author.id && Date.parse(message.sent_at) - Date.parse(before.sent_at) < GROUP_MS;
            return <ChatLine key={message.id} message={message} own={message.author.id === me} grouped={grouped} />;
          })}
          {outgoing.map((entry) => (
            <OutgoingLine key={entry.nonce} entry={entry} onRetry={() => void chat.retry(entry.nonce)} onDiscard={() => chat.discard(entry.nonce)} />
          ))}
        </ol>
      </div>
      {scroll.newBelow && <button type="button" className="chat-new" onClick={scroll.toEnd}>{t.chat.newBelow} ↓</button>}
      <Composer onSend={(text) => void chat.send(text)} />
    </aside>
  );
}
