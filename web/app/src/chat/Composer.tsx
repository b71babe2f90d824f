import { useEffect, useRef, useState } from 'react';
import type { Attachment, Chat, Message } from 'zzan-client';
import { useT } from '../i18n';
import { ClipIcon, CloseIcon, SendIcon } from '../ui/icons';
import { FileTray } from './FileTray';
import { EMPTY, type Draft } from './mentions';
import { isTooLong, MessageField, TooLong } from './MessageField';
import { useWire } from './people';
import { Quote } from './Quote';
import { useFiles } from './useFiles';

interface Props {
  chat: Chat;
  /** The message that is answered. */
  replyTo: Message | undefined;
  /** Seconds until the next message is taken. */
  wait: number;
  onCancelReply: () => void;
  onSend: (text: string, attachments: readonly Attachment[]) => void;
}

export function Composer({ chat, replyTo, wait, onCancelReply, onSend }: Props) {
  const t = useT();
  const [draft, setDraft] = useState(EMPTY);
  const wire = useWire();
  const files = useFiles(chat);
  const field = useRef<HTMLTextAreaElement>(null);
  const mayAttach = chat.uploads !== undefined;
  const hasContent = draft.text.trim() !== '' || files.pending.length > 0;
  const ready = hasContent && !isTooLong(draft) && files.isReady && wait === 0;

  useEffect(() => {
    if (replyTo) field.current?.focus();
  }, [replyTo]);

  const write = (next: Draft) => {
    setDraft(next);
    if (next.text.trim() !== '') chat.typing();
  };
  const send = () => {
    if (!ready) return;
    onSend(wire(draft), files.take());
    setDraft(EMPTY);
    field.current?.focus();
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onDragOver={(event) => mayAttach && event.dataTransfer.types.includes('Files') && event.preventDefault()}
      onDrop={(event) => {
        if (!mayAttach || event.dataTransfer.files.length === 0) return;
        event.preventDefault();
        files.add([...event.dataTransfer.files]);
      }}
    >
      {replyTo && (
        <div className="composer-reply" data-testid="chat-replying">
          <Quote message={replyTo} label={t.chat.replyingTo(replyTo.author.name)} />
          <button type="button" className="icon-button" aria-label={t.chat.cancelReply} onClick={onCancelReply}><CloseIcon /></button>
        </div>
      )}
      <FileTray files={files} />
      <TooLong draft={draft} />
      {wait > 0 && <p className="composer-wait" data-testid="slow-wait">{t.messages.slow(wait)}</p>}
      <div className="composer-row">
        {mayAttach && <AttachButton onFiles={files.add} onPicked={() => field.current?.focus()} />}
        <MessageField
          draft={draft}
          onDraft={write}
          onEnter={send}
          onEscape={replyTo && onCancelReply}
          onFiles={mayAttach ? files.add : undefined}
          label={t.chat.input}
          placeholder={t.chat.placeholder}
          testId="chat-input"
          field={field}
        />
        <button type="submit" className="icon-button primary" aria-label={t.chat.send} disabled={!ready} data-testid="chat-send"><SendIcon /></button>
      </div>
    </form>
  );
}

function AttachButton({ onFiles, onPicked }: { onFiles: (files: readonly File[]) => void; onPicked: () => void }) {
  const t = useT().messages.files;
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" className="icon-button" aria-label={t.attach} title={t.attach} onClick={() => picker.current?.click()} data-testid="attach"><ClipIcon /></button>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        data-testid="file-input"
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          // The same file can be picked again.
          event.currentTarget.value = '';
          onPicked();
        }}
      />
    </>
  );
}
