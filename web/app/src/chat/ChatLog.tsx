// A channel's messages and the field to write in, wherever they stand. Text is shown as text, whatever is in it.

import { useEffect, useMemo, useState, type ReactNode } from 'react';
import type { Author, Chat, Message } from 'zzan-client';
import { useChatState } from '../hooks/useSource';
import { useT } from '../i18n';
import { Confirm } from '../ui/Confirm';
import { ChatLines } from './ChatLines';
import { Composer } from './Composer';
import { EmojiPicker } from './EmojiPicker';
import { TalkContext, useLabels, type People } from './people';
import { Typing } from './Typing';
import { useActs } from './useActs';
import { useChatScroll } from './useChatScroll';
import { useMessages } from './useMessages';
import type { Pins } from './usePins';
import { useShown } from './useShown';
import { useSlowMode } from './useSlowMode';

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
  unreadBy?: ((seq: number) => number | undefined) | undefined;
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
  const { messages, at } = useMessages(chat, state, nameOf);
  const [answered, setAnswered] = useState<Message>();
  const [deleting, setDeleting] = useState<number>();
  const [picking, setPicking] = useState<{ seq: number; anchor: HTMLElement }>();
  const { actsOf, react, problem, report } = useActs(chat, { me: people.me, mayWrite: instead === undefined, administer, onReply: setAnswered, onDelete: setDeleting, onUnread });
  const { target, shown, onArrived } = useShown(chat, () => report(t.messages.notFound));
  const scroll = useChatScroll(chat, state, { start: '[data-new]', target, onArrived });
  const labelOf = useLabels(people, state.messages, nameOf);
  const talk = useMemo(() => ({ people, labelOf }), [people, labelOf]);
  const wait = useSlowMode(state, people.me, slowMode_s);
  const newestInSight = scroll.atEnd && messages.length > 0 && !state.newer;

  useEffect(() => onSight?.(newestInSight), [newestInSight, onSight]);

  return (
    <TalkContext value={talk}>
      <div className="chat-body">
        <div className="chat-scroll" ref={scroll.ref} onScroll={scroll.onScroll} tabIndex={0} role="log" aria-label={t.chat.title} aria-live="polite" aria-relevant="additions" data-testid="chat-log">
          {state.more && (
            <button type="button" className="button ghost small chat-older" disabled={state.loading} onClick={() => void chat.loadOlder()} data-testid="chat-older">
              {state.loading ? t.common.loading : t.chat.older}
            </button>
          )}
          {messages.length === 0 && state.outgoing.length === 0 && <p className="chat-empty muted">{state.loading ? t.common.loading : t.chat.empty}</p>}
          <ChatLines
            chat={chat}
            messages={messages}
            outgoing={state.newer ? [] : state.outgoing}
            pins={pins}
            firstNew={firstNewOf(messages, state.more, people.me, readUpTo)}
            shown={shown}
            unreadBy={unreadBy}
            at={at}
            actsOf={actsOf}
            onPicker={(seq, anchor) => setPicking({ seq, anchor })}
          />
        </div>
        {!scroll.atEnd && <ToEnd unread={unread} newBelow={scroll.newBelow} onClick={scroll.toEnd} />}
        {problem && <p className="chat-problem" role="alert" data-testid="chat-problem">{problem}</p>}
      </div>
      <Typing chat={chat} nameOf={nameOf} />
      {instead ?? (
        <Composer
          chat={chat}
          wait={wait}
          replyTo={answered && (at(answered.seq) ?? answered)}
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

/** Where new ones begin; that isn't known before what was read last is here. */
function firstNewOf(messages: readonly Message[], more: boolean, me: string, readUpTo: number | undefined): number | undefined {
  if (readUpTo === undefined || (more && (messages[0]?.seq ?? 0) > readUpTo)) return undefined;
  return messages.find(({ seq, author, deleted }) => seq > readUpTo && author.id !== me && !deleted)?.seq;
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
