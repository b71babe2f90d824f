// What one may do with the messages of a chat, and what is said when it was refused.

import { useEffect, useState } from 'react';
import { ZzanError, type Chat, type Message } from 'zzan-client';
import { useT } from '../i18n';
import type { Acts } from './ChatLine';

/** How long a refusal is read. */
const PROBLEM_MS = 5_000;

interface Options {
  me: string;
  mayWrite: boolean;
  /** Whether others' messages may be deleted, and messages pinned. */
  administer: boolean;
  onReply: (message: Message) => void;
  onDelete: (seq: number) => void;
  onUnread: ((seq: number) => void) | undefined;
}

interface ChatActs {
  actsOf: (message: Message) => Acts;
  react: (seq: number, emoji: string, on: boolean) => void;
  /** What was refused last, for a while. */
  problem: string | undefined;
  report: (text: string) => void;
}

export function useActs(chat: Chat, { me, mayWrite, administer, onReply, onDelete, onUnread }: Options): ChatActs {
  const t = useT();
  const { problem, report } = useProblem();
  const refused = (words: { failed: string; tooMany: string }) => (cause: unknown) => report(ZzanError.from(cause).code === 'conflict' ? words.tooMany : words.failed);
  const react = (seq: number, emoji: string, on: boolean) => void chat.react(seq, emoji, on).catch(refused(t.messages.reactions));
  const pin = (seq: number, on: boolean) => void chat.pin(seq, on).catch(refused(t.messages.pins));
  const actsOf = (message: Message): Acts => {
    const { seq, author } = message;
    const own = author.id === me && mayWrite;
    return {
      ...(mayWrite ? { onReply: () => onReply(message), onReact: (emoji: string, on: boolean) => react(seq, emoji, on) } : {}),
      ...(administer ? { onPin: (on: boolean) => pin(seq, on) } : {}),
      ...(own ? { onEdit: (text: string) => chat.edit(seq, text) } : {}),
      ...(own || administer ? { onDelete: () => onDelete(seq) } : {}),
      ...(onUnread ? { onUnread: () => onUnread(seq) } : {}),
    };
  };
  return { actsOf, react, problem, report };
}

/** Words about something that was refused; they go by themselves. */
function useProblem(): { problem: string | undefined; report: (text: string) => void } {
  const [problem, setProblem] = useState<{ text: string }>();
  useEffect(() => {
    if (!problem) return;
    const timer = setTimeout(() => setProblem(undefined), PROBLEM_MS);
    return () => clearTimeout(timer);
  }, [problem]);
  return { problem: problem?.text, report: (text) => setProblem({ text }) };
}
