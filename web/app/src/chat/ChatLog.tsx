// A channel's messages and the field to write in, wherever they stand. Text is shown as text, whatever is in it.

import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { ZzanError, type Author, type Chat, type Message } from 'zzan-client';
import { useChatState } from '../hooks/useSource';
import { useT } from '../i18n';
import { Confirm } from '../ui/Confirm';
import { ChatLine, OutgoingLine, type Acts } from './ChatLine';
import { Composer } from './Composer';
import { EmojiPicker } from './EmojiPicker';
import { TalkContext, useLabels, type People } from './people';
import { arrived, showMessage, useTarget, type Target } from './target';
import { Typing } from './Typing';
import { useChatScroll } from './useChatScroll';
import type { Pins } from './usePins';
import { useSlowMode } from './useSlowMode';

/** Messages of one author within this time stand under one name. */
const GROUP_MS = 3 * 60_000;

/** How long it stands out which message one went to. */
const SHOWN_MS = 2_500;

/** How long a refusal is read. */
const PROBLEM_MS = 5_000;

interface Props {
  chat: Chat;
  people: People;
  pins: Pins;
  /** Whether others' messages may be deleted, and messages pinned. */
  administer: boolean;
  /** Stands in the place of the field, where one may not write. */
  instead?: ReactNode;
  /** What somebody is called here. */
  nameOf: (author: Author) => string;
  /** All after this number was new when one came. */
  readUpTo?: number | undefined;
  /** How many messages one hasn't seen. */
  unread?: number;
  /** How many haven't read a message; `undefined` where nobody knows. */
  unreadBy?: (seq: number) => number | undefined;
  /** Seconds between one's own messages. */
  slowMode_s?: number | undefined;
  /** Told whether the newest message is in sight. */
  onSight?: (newest: boolean) => void;
  /** Given where messages can be marked as unread. */
  onUnread?: (seq: number) => void;
}

export function ChatLog({ chat, people, pins, administer, instead, nameOf, readUpTo, unread = 0, unreadBy, slowMode_s, onSight, onUnread }: Props) {
  const t = useT();
  const state = useChatState(chat);
  const { me } = people;
  const { outgoing, newer } = state;
  const named = useNamed(nameOf);
  const messages = useMemo(() => state.messages.map(named), [state.messages, named]);
  const quoted = (seq: number | undefined): Message | undefined => {
    const found = state.messages.find((message) => message.seq === seq) ?? (seq === undefined ? undefined : state.quoted.get(seq));
    return found && named(found);
  };
  const labelOf = useLabels(people, state.messages, nameOf);
  const talk = useMemo(() => ({ people, labelOf }), [people, labelOf]);
  const wait = useSlowMode(state, me, slowMode_s);
  const { problem, report } = useProblem();
  const { target, shown, onArrived } = useShown(chat, () => report(t.messages.notFound));
  const scroll = useChatScroll(chat, state, { start: '[data-new]', target, onArrived });
  const [answered, setAnswered] = useState<Message>();
  const [deleting, setDeleting] = useState<number>();
  const [picking, setPicking] = useState<{ seq: number; anchor: HTMLElement }>();
  // Where new ones begin isn't known before what was read last is here.
  const isBegin = !state.more || (messages[0]?.seq ?? 0) <= (readUpTo ?? 0);
  const firstNew = readUpTo === undefined || !isBegin ? undefined : messages.find(({ seq, author, deleted }) => seq > readUpTo && author.id !== me && !deleted)?.seq;
  const newestInSight = scroll.atEnd && messages.length > 0 && !newer;
  const mayWrite = instead === undefined;

  useEffect(() => onSight?.(newestInSight), [newestInSight, onSight]);
  useEffect(() => {
    const here = new Set(state.messages.map(({ seq }) => seq));
    const wanted = state.messages.flatMap(({ reply_to }) => (reply_to === undefined || here.has(reply_to) ? [] : [reply_to]));
    if (wanted.length > 0) void chat.fetchQuoted(wanted);
  }, [chat, state.messages]);

  const react = (seq: number, emoji: string, on: boolean) => {
    chat.react(seq, emoji, on).catch((cause: unknown) => report(ZzanError.from(cause).code === 'conflict' ? t.messages.reactions.tooMany : t.messages.reactions.failed));
  };
  const pin = (seq: number, on: boolean) => {
    chat.pin(seq, on).catch((cause: unknown) => report(ZzanError.from(cause).code === 'conflict' ? t.messages.pins.tooMany : t.messages.pins.failed));
  };
  const actsOf = (message: Message): Acts => {
    const { seq, author } = message;
    const own = author.id === me;
    return {
      ...(mayWrite ? { onReply: () => setAnswered(message), onReact: (emoji: string, on: boolean) => react(seq, emoji, on) } : {}),
      ...(administer ? { onPin: (on: boolean) => pin(seq, on) } : {}),
      ...(own && mayWrite ? { onEdit: (text: string) => chat.edit(seq, text) } : {}),
      ...((own && mayWrite) || administer ? { onDelete: () => setDeleting(seq) } : {}),
      ...(onUnread ? { onUnread: () => onUnread(seq) } : {}),
    };
  };
  const line = (message: Message, before: Message | undefined) => {
    const { seq, author, reply_to } = message;
    return (
      <ChatLine
        key={message.id}
        message={message}
        answers={reply_to === undefined ? undefined : (quoted(reply_to) ?? null)}
        own={author.id === me}
        grouped={seq !== firstNew && before?.author.id === author.id && Date.parse(message.sent_at) - Date.parse(before.sent_at) < GROUP_MS}
        pinned={pins.has(seq)}
        meant={author.id !== me && isMeantFor(message, people)}
        waiting={unreadBy?.(seq) ?? 0}
        shown={seq === shown}
        hasReacted={(emoji) => chat.hasReacted(message, emoji)}
        onGo={() => reply_to !== undefined && showMessage(chat.channel, reply_to)}
        onPicker={(anchor) => setPicking({ seq, anchor })}
        {...actsOf(message)}
      />
    );
  };

  return (
    <TalkContext value={talk}>
      <div className="chat-body">
        <div className="chat-scroll" ref={scroll.ref} onScroll={scroll.onScroll} tabIndex={0} role="log" aria-label={t.chat.title} aria-live="polite" aria-relevant="additions" data-testid="chat-log">
          {state.more && (
            <button type="button" className="button ghost small chat-older" disabled={state.loading} onClick={() => void chat.loadOlder()} data-testid="chat-older">
              {state.loading ? t.common.loading : t.chat.older}
            </button>
          )}
          {messages.length === 0 && outgoing.length === 0 && <p className="chat-empty muted">{state.loading ? t.common.loading : t.chat.empty}</p>}
          <ol className="chat-lines">
            {messages.flatMap((message, n) => [
              ...(message.seq === firstNew ? [<li key="new" className="line-new" role="separator" data-new="" data-testid="chat-divider"><span>{t.chat.newBelow}</span></li>] : []),
              line(message, messages[n - 1]),
            ])}
            {!newer && outgoing.map((entry) => (
              <OutgoingLine key={entry.nonce} entry={entry} onRetry={() => void chat.retry(entry.nonce)} onDiscard={() => chat.discard(entry.nonce)} />
            ))}
          </ol>
        </div>
        {!scroll.atEnd && <ToEnd unread={unread} newBelow={scroll.newBelow} onClick={scroll.toEnd} />}
        {problem && <p className="chat-problem" role="alert" data-testid="chat-problem">{problem}</p>}
      </div>
      <Typing chat={chat} nameOf={nameOf} />
      {instead ?? (
        <Composer
          chat={chat}
          wait={wait}
          replyTo={answered && (quoted(answered.seq) ?? answered)}
          onCancelReply={() => setAnswered(undefined)}
          onSend={(text, attachments) => {
            void chat.send(text, answered?.seq, attachments);
            setAnswered(undefined);
          }}
        />
      )}
      {picking && <EmojiPicker key={picking.seq} anchor={picking.anchor} onPick={(emoji) => react(picking.seq, emoji, true)} onClose={() => setPicking(undefined)} />}
      {deleting !== undefined && (
        <Confirm title={t.chat.deleteTitle} text={t.chat.deleteText} action={t.chat.delete} onConfirm={() => chat.delete(deleting)} onClose={() => setDeleting(undefined)} />
      )}
    </TalkContext>
  );
}

function ToEnd({ unread, newBelow, onClick }: { unread: number; newBelow: boolean; onClick: () => void }) {
  const t = useT();
  const isNew = newBelow || unread > 0;
  return (
    <button type="button" className={isNew ? 'chat-new' : 'chat-new quiet'} onClick={onClick} data-testid="chat-to-end">
      {unread > 0 ? t.messages.newMessages(unread) : newBelow ? t.chat.newBelow : t.chat.toEnd} ↓
    </button>
  );
}

/** Messages with the names that their authors have here. The same message is the same object each time, so that lines needn't be drawn again. */
function useNamed(nameOf: (author: Author) => string): (message: Message) => Message {
  return useMemo(() => {
    const known = new WeakMap<Message, Message>();
    return (message) => {
      const before = known.get(message);
      if (before) return before;
      const after = { ...message, author: { ...message.author, name: nameOf(message.author) } };
      known.set(message, after);
      return after;
    };
  }, [nameOf]);
}

function isMeantFor({ mentions = [] }: Message, { me, myRoles }: People): boolean {
  return mentions.some(({ kind, id = '' }) => kind === 'everyone' || (kind === 'user' ? id === me : myRoles.includes(id)));
}

/** Goes to the message that is wanted, and tells for a while which one it is. */
function useShown(chat: Chat, onFailed: () => void): { target: Target | undefined; shown: number | undefined; onArrived: (target: Target) => void } {
  const target = useTarget(chat.channel);
  const [shown, setShown] = useState<number>();
  useEffect(() => {
    if (!target) return;
    const none = () => {
      arrived(target);
      onFailed();
    };
    chat.goTo(target.seq).then(() => chat.state.messages.some(({ seq }) => seq === target.seq) || none(), none);
  }, [chat, target]);
  useEffect(() => {
    if (shown === undefined) return;
    const timer = setTimeout(() => setShown(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  const onArrived = (reached: Target) => {
    setShown(reached.seq);
    arrived(reached);
  };
  return { target, shown, onArrived };
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
