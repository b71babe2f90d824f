// A message's text. It is shown as text, whatever is in it; mentions are chips, and what was searched for is marked.

import type { Mention, Message } from 'zzan-client';
import { partsOf } from './mentions';
import { useTalk } from './people';

interface Props {
  message: Pick<Message, 'text' | 'mentions'>;
  /** Marked wherever it occurs. */
  words?: readonly string[];
}

export function MessageText({ message, words = [] }: Props) {
  const { people, labelOf } = useTalk();
  const isMe = ({ kind, id = '' }: Mention) => kind === 'everyone' || (kind === 'user' ? id === people.me : people.myRoles.includes(id));
  return partsOf(message.text).map((part, n) => {
    if (typeof part === 'string') return <Marked key={n} text={part} words={words} />;
    const label = labelOf(part);
    if (label === undefined) return part.raw;
    // What its author may not mention is only named.
    if (!message.mentions?.some(({ kind, id }) => kind === part.kind && id === part.id)) return label;
    return <span key={n} className={isMe(part) ? 'mention me' : 'mention'} data-testid="mention">{label}</span>;
  });
}

function Marked({ text, words }: { text: string; words: readonly string[] }) {
  if (words.length === 0) return text;
  const found = new RegExp(`(${words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|')})`, 'giu');
  return text.split(found).map((part, n) => (n % 2 === 1 ? <mark key={n}>{part}</mark> : part));
}
