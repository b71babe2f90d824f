// Whom one doesn't want to hear or see. By user: it lasts when they come back.

import { useCallback, useMemo, useState } from 'react';

export interface Choices {
  muted: ReadonlySet<string>;
  hidden: ReadonlySet<string>;
  toggleMuted(user: string): void;
  toggleHidden(user: string): void;
}

export function useChoices(): Choices {
  const [muted, toggleMuted] = useToggles();
  const [hidden, toggleHidden] = useToggles();
  return useMemo(() => ({ muted, hidden, toggleMuted, toggleHidden }), [muted, hidden, toggleMuted, toggleHidden]);
}

function useToggles(): [ReadonlySet<string>, (item: string) => void] {
  const [items, setItems] = useState<ReadonlySet<string>>(new Set());
  const toggle = useCallback((item: string) => {
    setItems((before) => {
      const next = new Set(before);
      if (!next.delete(item)) next.add(item);
      return next;
    });
  }, []);
  return [items, toggle];
}
