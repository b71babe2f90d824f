// The room's messages: beside the call on wide screens, over it on phones.

import { useEffect, useRef } from 'react';
import type { Chat } from 'zzan-client';
import { useT } from '../i18n';
import { CloseIcon } from '../ui/icons';
import { ChatLog } from './ChatLog';

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
      <ChatLog chat={chat} me={me} administer={administer} />
    </aside>
  );
}
