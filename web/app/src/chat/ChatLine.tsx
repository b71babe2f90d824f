import { useState } from 'react';
import type { Message, Outgoing } from 'zzan-client';
import { useWords } from '../i18n';
import { BinIcon, MoreIcon, PencilIcon, ReplyIcon, UnreadIcon } from '../ui/icons';
import { Menu, MenuItem } from '../ui/Menu';
import { Editor } from './Editor';
import { Quote } from './Quote';

interface Props {
  message: Message;
  /** What it answers; null when that isn't here. */
  answers: Message | null | undefined;
  own: boolean;
  /** Follows a message of the same author closely: the name is not said again. */
  grouped: boolean;
  onReply: () => void;
  /** Given where it may be done. */
  onEdit?: (text: string) => Promise<void>;
  onDelete?: () => void;
  onUnread?: () => void;
}

export function ChatLine({ message, answers, own, grouped, onReply, onEdit, onDelete, onUnread }: Props) {
  const { language, t } = useWords();
  const [editing, setEditing] = useState(false);
  const time = new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' }).format(new Date(message.sent_at));
  return (
    <li className={`line${own ? ' own' : ''}${grouped ? ' grouped' : ''}${message.deleted ? ' deleted' : ''}`} data-testid="chat-message" data-seq={message.seq}>
      {!grouped && (
        <span className="line-head">
          {!own && <span className="line-author">{message.author.name}</span>}
          <time className="line-time" dateTime={message.sent_at}>{time}</time>
        </span>
      )}
      {answers !== undefined && !message.deleted && <Quote message={answers ?? undefined} />}
      {editing && onEdit && !message.deleted ? (
        <Editor text={message.text} onSave={onEdit} onClose={() => setEditing(false)} />
      ) : (
        <span className="line-body">
          <span className="bubble" data-testid="chat-text">{message.deleted ? t.chat.deleted : message.text}</span>
          {!message.deleted && (
            <Menu label={t.chat.actions} icon={<MoreIcon />} testId="chat-actions">
              <MenuItem icon={<ReplyIcon />} onClick={onReply} testId="chat-reply">{t.chat.reply}</MenuItem>
              {onEdit && <MenuItem icon={<PencilIcon />} onClick={() => setEditing(true)} testId="chat-edit">{t.chat.edit}</MenuItem>}
              {onUnread && <MenuItem icon={<UnreadIcon />} onClick={onUnread} testId="chat-unread">{t.chat.markUnread}</MenuItem>}
              {onDelete && <MenuItem icon={<BinIcon />} danger onClick={onDelete} testId="chat-delete">{t.chat.delete}</MenuItem>}
            </Menu>
          )}
        </span>
      )}
      {message.edited_at && !message.deleted && <span className="line-edited" data-testid="chat-edited">{t.chat.edited}</span>}
    </li>
  );
}

interface OutgoingProps {
  entry: Outgoing;
  onRetry: () => void;
  onDiscard: () => void;
}

export function OutgoingLine({ entry, onRetry, onDiscard }: OutgoingProps) {
  const { t } = useWords();
  const failed = entry.state === 'failed';
  return (
    <li className={`line own ${failed ? 'failed' : 'sending'}`} data-testid="chat-outgoing" data-state={entry.state}>
      <span className="bubble">{entry.text}</span>
      <span className="line-state" role={failed ? 'alert' : undefined}>
        {failed ? t.chat.failed : t.chat.sending}
        {failed && (
          <>
            <button type="button" className="link-button" onClick={onRetry} data-testid="chat-retry">{t.chat.retry}</button>
            <button type="button" className="link-button" onClick={onDiscard}>{t.chat.discard}</button>
          </>
        )}
      </span>
    </li>
  );
}
