import { useEffect, useState } from 'react';
import type { Author, Chat } from 'zzan-client';
import { useT } from '../i18n';

/** Who writes on is told again within three seconds. */
const TYPING_MS = 5_000;

/** Who is writing. Its place is kept while nobody is. */
export function Typing({ chat, nameOf }: { chat: Chat; nameOf: (author: Author) => string }) {
  const t = useT().messages.typing;
  const [typists, setTypists] = useState<readonly (Author & { until: number })[]>([]);

  useEffect(() => {
    const without = (user: string) => setTypists((known) => known.filter(({ id }) => id !== user));
    const offs = [
      chat.onTyping(({ user, name }) => setTypists((known) => [...known.filter(({ id }) => id !== user), { id: user, name, until: Date.now() + TYPING_MS }])),
      chat.onMessage(({ author }) => without(author.id)),
    ];
    return () => {
      for (const off of offs) off();
    };
  }, [chat]);
  useEffect(() => {
    const next = Math.min(...typists.map(({ until }) => until));
    if (next === Infinity) return;
    const timer = setTimeout(() => setTypists((known) => known.filter(({ until }) => until > Date.now())), next - Date.now() + 20);
    return () => clearTimeout(timer);
  }, [typists]);

  const [one, other, third] = [...typists].sort((a, b) => (a.id < b.id ? -1 : 1)).map(nameOf);
  const text = third !== undefined ? t.several : one !== undefined && other !== undefined ? t.two(one, other) : one !== undefined ? t.one(one) : '';
  return (
    <p className="typing" data-testid="typing" title={text}>
      {text && <span className="typing-dots" aria-hidden="true"><span /><span /><span /></span>}
      <span className="typing-text">{text}</span>
    </p>
  );
}
