import type { Chat, Message } from 'zzan-client';
import { useWhen } from '../community/hooks';
import { useT } from '../i18n';
import { CloseIcon } from '../ui/icons';
import { Panel } from '../ui/Panel';
import { MessageText } from './MessageText';
import { TalkContext, useLabels, type People } from './people';
import { showMessage } from './target';
import type { Pins } from './usePins';

interface Props {
  chat: Chat;
  people: People;
  pins: Pins;
  /** Whether one may unpin. */
  administer: boolean;
  nameOf: (author: Message['author']) => string;
  /** One goes to a pinned message. */
  onOpen: () => void;
  onClose: () => void;
}

/** What is pinned in a chat, the latest pin first. */
export function PinsPanel({ chat, people, pins, administer, nameOf, onOpen, onClose }: Props) {
  const t = useT();
  const words = t.messages.pins;
  const when = useWhen();
  const labelOf = useLabels(people, pins.messages ?? [], nameOf);
  const open = (seq: number) => {
    onOpen();
    showMessage(chat.channel, seq);
  };
  return (
    <Panel title={words.title} onClose={onClose} testId="pins">
      {pins.messages === undefined && <p className="muted" role="status">{t.common.loading}</p>}
      {pins.messages?.length === 0 && <p className="muted">{words.none}</p>}
      <TalkContext value={{ people, labelOf }}>
        <ol className="found-list">
          {pins.messages?.map((message) => (
            <li key={message.seq} className="found" data-testid="pinned">
              <button type="button" className="found-open" onClick={() => open(message.seq)} data-testid="pinned-open">
                <span className="found-head"><strong>{nameOf(message.author)}</strong> <time dateTime={message.sent_at}>{when(message.sent_at)}</time></span>
                <span className="found-text"><MessageText message={message} />{message.text === '' && t.messages.attachment.one}</span>
              </button>
              {administer && <button type="button" className="icon-button tiny" aria-label={words.unpin} title={words.unpin} onClick={() => void chat.pin(message.seq, false).catch(() => undefined)} data-testid="unpin"><CloseIcon /></button>}
            </li>
          ))}
        </ol>
      </TalkContext>
    </Panel>
  );
}
