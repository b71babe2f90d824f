// The room's messages: beside the call on wide screens, over it on phones.

import { useCallback, useEffect, useRef, useState } from 'react';
import type { Author, Chat, Participant } from 'zzan-client';
import { useT } from '../i18n';
import { CloseIcon, PinIcon } from '../ui/icons';
import { ChatLog } from './ChatLog';
import { useCallPeople } from './people';
import { PinsPanel } from './PinsPanel';
import { usePins } from './usePins';

interface Props {
  chat: Chat;
  /** The own user id. */
  me: string;
  participants: readonly Participant[];
  /** Whether others' messages may be deleted. */
  administer: boolean;
  onClose: () => void;
}

export function ChatPanel({ chat, me, participants, administer, onClose }: Props) {
  const t = useT();
  const panel = useRef<HTMLElement>(null);
  const people = useCallPeople(me, participants, administer);
  const pins = usePins(chat);
  const [pinsOpen, setPinsOpen] = useState(false);
  const nameOf = useCallback(({ name }: Author) => name, []);

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
        <button type="button" className="icon-button" aria-label={t.messages.pins.open} title={t.messages.pins.open} aria-expanded={pinsOpen} onClick={() => setPinsOpen(!pinsOpen)} data-testid="open-pins"><PinIcon /></button>
        <button type="button" className="icon-button" aria-label={t.call.closeChat} onClick={onClose}><CloseIcon /></button>
      </header>
      <div className="chat-frame">
        <ChatLog chat={chat} people={people} pins={pins} administer={administer} nameOf={nameOf} />
        {pinsOpen && <PinsPanel chat={chat} people={people} pins={pins} administer={administer} nameOf={nameOf} onOpen={() => setPinsOpen(false)} onClose={() => setPinsOpen(false)} />}
      </div>
    </aside>
  );
}
