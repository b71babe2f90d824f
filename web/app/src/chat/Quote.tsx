import type { Message } from 'zzan-client';
import { useT } from '../i18n';
import { plainText } from './mentions';
import { useTalk } from './people';

interface Props {
  /** Not known yet when absent. */
  message: Message | undefined;
  label?: string;
  /** Given where one can go there. */
  onGo?: () => void;
}

/** The message that another one answers, in one line. */
export function Quote({ message, label, onGo }: Props) {
  const t = useT();
  const { labelOf } = useTalk();
  const text = message && (message.deleted ? t.chat.deleted : plainText(message.text, labelOf) || t.messages.attachment.one);
  const content = (
    <>
      <strong>{label ?? message?.author.name ?? t.chat.gone}</strong>
      {text && <span>{text}</span>}
    </>
  );
  if (!onGo) return <span className="quote" data-testid="chat-quote">{content}</span>;
  return <button type="button" className="quote" title={t.messages.goTo} onClick={onGo} data-testid="chat-quote">{content}</button>;
}
