// Goes to the message that is wanted, and tells for a while which one it is.

import { useEffect, useState } from 'react';
import type { Chat } from 'zzan-client';
import { arrived, useTarget, type Target } from './target';

/** How long it stands out which message one went to. */
const SHOWN_MS = 2_500;

interface Shown {
  target: Target | undefined;
  /** The `seq` of the message that one has just come to. */
  shown: number | undefined;
  onArrived: (target: Target) => void;
}

/** `onFailed` is called when it can't be fetched, or isn't there. */
export function useShown(chat: Chat, onFailed: () => void): Shown {
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
