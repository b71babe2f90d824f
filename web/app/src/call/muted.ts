// Whose sound is off here, and for nobody else. By user: it lasts when they come back.

import { useCallback, useState } from 'react';

export function useMutedForMe(): [ReadonlySet<string>, (user: string) => void] {
  const [muted, setMuted] = useState<ReadonlySet<string>>(new Set());
  const toggle = useCallback((user: string) => {
    setMuted((before) => {
      const next = new Set(before);
      if (!next.delete(user)) next.add(user);
      return next;
    });
  }, []);
  return [muted, toggle];
}
