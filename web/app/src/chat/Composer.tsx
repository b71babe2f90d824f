import { useEffect, useRef, useState } from 'react';
import type { Message } from 'zzan-client';
import { useT } from '../i18n';
import { CloseIcon, SendIcon } from '../ui/icons';
import { isSendable, MessageField, TooLong } from './MessageField';
import { Quote } from './Quote';

interface Props {
  /** The message that is answered. */
  replyTo: Message | undefined;
  onCancelReply: () => void;
  onSend: (text: string) => void;
}

export function Composer({ replyTo, onCancelReply, onSend }: Props) {
  const t = useT();
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    if (replyTo) field.current?.focus();
  }, [replyTo]);

  const send = () => {
    if (!isSendable(text)) return;
    onSend(text.trim());
    setText('');
    field.current?.focus();
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {replyTo && (
        <div className="composer-reply" data-testid="chat-replying">
          <Quote message={replyTo} label={t.chat.replyingTo(replyTo.author.name)} />
          <button type="button" className="icon-button" aria-label={t.chat.cancelReply} onClick={onCancelReply}><CloseIcon /></button>
        </div>
      )}
      <TooLong text={text} />
      <div className="composer-row">
        <MessageField
          text={text}
          onText={setText}
          onEnter={send}
          onEscape={replyTo && onCancelReply}
          label={t.chat.input}
          placeholder={t.chat.placeholder}
          testId="chat-input"
          field={field}
        />
        <button type="submit" className="icon-button primary" aria-label={t.chat.send} disabled={!isSendable(text)} data-testid="chat-send"><SendIcon /></button>
      </div>
    </form>
  );
}
