import { memo, useState } from 'react';
import type { Message, Outgoing } from 'zzan-client';
import { useWords } from '../i18n';
import { BinIcon, MoreIcon, PencilIcon, PinIcon, ReplyIcon, SmileIcon, UnreadIcon } from '../ui/icons';
import { Menu, MenuItem } from '../ui/Menu';
import { Attachments } from './Attachments';
import { Editor } from './Editor';
import { MessageText } from './MessageText';
import { plainText } from './mentions';
import { useTalk } from './people';
import { Quote } from './Quote';
import { Reactions } from './Reactions';

/** What can be done with a message; what is absent may not be. */
export interface Acts {
  onReply?: () => void;
  onReact?: (emoji: string, on: boolean) => void;
  onPin?: (on: boolean) => void;
  onEdit?: (text: string) => Promise<void>;
  onDelete?: () => void;
  onUnread?: () => void;
}

interface Props extends Acts {
  message: Message;
  /** What it answers; null when that isn't known yet. */
  answers: Message | null | undefined;
  own: boolean;
  /** Follows a message of the same author closely: the name is not said again. */
  grouped: boolean;
  pinned: boolean;
  /** It mentions oneself. */
  meant: boolean;
  /** How many haven't read it; 0 also where nobody knows. */
  waiting: number;
  /** One has just come here from elsewhere. */
  shown: boolean;
  hasReacted: (emoji: string) => boolean;
  onGo: () => void;
  onPicker: (anchor: HTMLElement) => void;
}

/** What it does depends on the message alone, so that it is drawn again only when what is shown is another. */
export const ChatLine = memo(Line, (before, after) => {
  const keys = ['message', 'answers', 'own', 'grouped', 'pinned', 'meant', 'waiting', 'shown'] as const;
  const acts = ['onReply', 'onReact', 'onPin', 'onEdit', 'onDelete', 'onUnread'] as const;
  return keys.every((key) => before[key] === after[key]) && acts.every((key) => (before[key] === undefined) === (after[key] === undefined));
});

function Line({ message, answers, own, grouped, pinned, meant, waiting, shown, hasReacted, onGo, onPicker, ...acts }: Props) {
  const { language, t } = useWords();
  const [editing, setEditing] = useState(false);
  const { deleted = false, attachments = [], reactions = [] } = message;
  const time = new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' }).format(new Date(message.sent_at));
  const classes = { own, grouped, deleted, meant: meant && !deleted, shown };
  const names = Object.entries(classes).flatMap(([name, holds]) => (holds ? [name] : []));
  return (
    <li className={['line', ...names].join(' ')} data-testid="chat-message" data-seq={message.seq}>
      {!grouped && (
        <span className="line-head">
          {!own && <span className="line-author">{message.author.name}</span>}
          <time className="line-time" dateTime={message.sent_at}>{time}</time>
        </span>
      )}
      {answers !== undefined && !deleted && <Quote message={answers ?? undefined} onGo={onGo} />}
      {editing && acts.onEdit && !deleted ? (
        <Editor text={message.text} onSave={acts.onEdit} onClose={() => setEditing(false)} />
      ) : (
        <span className="line-body">
          <span className="line-content">
            {(deleted || message.text !== '') && <span className="bubble" data-testid="chat-text">{deleted ? t.chat.deleted : <MessageText message={message} />}</span>}
            {!deleted && attachments.length > 0 && <Attachments attachments={attachments} />}
          </span>
          {!deleted && waiting > 0 && <span className="line-waiting" role="img" aria-label={t.chat.waiting(waiting)} title={t.chat.waiting(waiting)} data-testid="chat-waiting">{waiting}</span>}
          {!deleted && <Actions acts={acts} pinned={pinned} onEditing={() => setEditing(true)} onPicker={onPicker} />}
        </span>
      )}
      {!deleted && reactions.length > 0 && <Reactions message={message} hasReacted={hasReacted} onReact={acts.onReact} onPicker={onPicker} />}
      {!deleted && (message.edited_at || pinned) && (
        <span className="line-edited">
          {pinned && <span data-testid="chat-pinned"><PinIcon />{t.messages.pins.pinned}</span>}
          {message.edited_at && <span data-testid="chat-edited">{t.chat.edited}</span>}
        </span>
      )}
    </li>
  );
}

interface ActionsProps {
  acts: Acts;
  pinned: boolean;
  onEditing: () => void;
  onPicker: (anchor: HTMLElement) => void;
}

function Actions({ acts: { onReply, onReact, onPin, onEdit, onDelete, onUnread }, pinned, onEditing, onPicker }: ActionsProps) {
  const { t } = useWords();
  const [body, setBody] = useState<HTMLElement | null>(null);
  const words = t.messages;
  if (![onReply, onReact, onPin, onEdit, onDelete, onUnread].some(Boolean)) return null;
  return (
    <span className="line-actions" ref={setBody}>
      {onReact && <button type="button" className="icon-button quick-react" aria-label={words.reactions.react} title={words.reactions.react} onClick={(event) => onPicker(event.currentTarget)} data-testid="chat-react"><SmileIcon /></button>}
      <Menu label={t.chat.actions} icon={<MoreIcon />} testId="chat-actions">
        {onReact && <MenuItem icon={<SmileIcon />} onClick={() => body && onPicker(body.querySelector<HTMLElement>('[aria-haspopup]') ?? body)} testId="menu-react">{words.reactions.react}</MenuItem>}
        {onReply && <MenuItem icon={<ReplyIcon />} onClick={onReply} testId="chat-reply">{t.chat.reply}</MenuItem>}
        {onEdit && <MenuItem icon={<PencilIcon />} onClick={onEditing} testId="chat-edit">{t.chat.edit}</MenuItem>}
        {onPin && <MenuItem icon={<PinIcon />} onClick={() => onPin(!pinned)} testId="chat-pin">{pinned ? words.pins.unpin : words.pins.pin}</MenuItem>}
        {onUnread && <MenuItem icon={<UnreadIcon />} onClick={onUnread} testId="chat-unread">{t.chat.markUnread}</MenuItem>}
        {onDelete && <MenuItem icon={<BinIcon />} danger onClick={onDelete} testId="chat-delete">{t.chat.delete}</MenuItem>}
      </Menu>
    </span>
  );
}

interface OutgoingProps {
  entry: Outgoing;
  onRetry: () => void;
  onDiscard: () => void;
}

export function OutgoingLine({ entry, onRetry, onDiscard }: OutgoingProps) {
  const { t } = useWords();
  const { labelOf } = useTalk();
  const failed = entry.state === 'failed';
  return (
    <li className={`line own ${failed ? 'failed' : 'sending'}`} data-testid="chat-outgoing" data-state={entry.state}>
      {entry.text !== '' && <span className="bubble">{plainText(entry.text, labelOf)}</span>}
      {entry.attachments && <Attachments attachments={entry.attachments} />}
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
