import type { Message, Outgoing } from 'zzan-client';
import { useWords } from '../i18n';

interface Props {
  message: Message;
  own: boolean;
  /** Follows a message of the same author closely: the name is not said again. */
  grouped: boolean;
}

export function ChatLine({ message, own, grouped }: Props) {
  const { language } = useWords();
  const time = new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' }).format(new Date(message.sent_at));
  return (
    <li className={`line${own ? ' own' : ''}${grouped ? ' grouped' : ''}`} data-testid="chat-message" data-seq={message.seq}>
      {!grouped && (
        <span className="line-head">
          {!own && <span className="line-author">{message.author.name}</span>}
          <time className="line-time" dateTime={message.sent_at}>{time}</time>
        </span>
      )}
      <span className="bubble" data-testid="chat-text">{message.text}</span>
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
