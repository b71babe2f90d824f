import type { Message } from 'zzan-client';
import { useT } from '../i18n';

/** The message that another one answers, in one line. Without `message` it is older than what is here. */
export function Quote({ message, label }: { message: Message | undefined; label?: string }) {
  const t = useT();
  const text = message?.deleted ? t.chat.deleted : message?.text;
  return (
    <span className="quote" data-testid="chat-quote">
      <strong>{label ?? message?.author.name ?? t.chat.gone}</strong>
      {text && <span>{text}</span>}
    </span>
  );
}
