// Sound that a browser holds back until the person clicks: which elements wait, and the click that frees them.

import { createContext, useCallback, useMemo, useRef, useState } from 'react';

export interface HeardElements {
  blocked: boolean;
  /** Starts an element, now or after the click. Returns what forgets it. */
  play(element: HTMLMediaElement): () => void;
  unblock(): void;
}

export const ElementsContext = createContext<HeardElements>({ blocked: false, play: () => () => undefined, unblock: () => undefined });

export function useHeardElements(): HeardElements {
  const waiting = useRef(new Set<HTMLMediaElement>());
  const [blocked, setBlocked] = useState(false);
  const attempt = useCallback(async (element: HTMLMediaElement) => {
    try {
      await element.play();
      waiting.current.delete(element);
    } catch (error) {
      // Anything else (a source replaced meanwhile) is followed by another attempt.
      if ((error as DOMException).name === 'NotAllowedError') waiting.current.add(element);
    }
    setBlocked(waiting.current.size > 0);
  }, []);
  const play = useCallback(
    (element: HTMLMediaElement) => {
      void attempt(element);
      return () => {
        waiting.current.delete(element);
        setBlocked(waiting.current.size > 0);
      };
    },
    [attempt],
  );
  const unblock = useCallback(() => {
    for (const element of [...waiting.current]) void attempt(element);
  }, [attempt]);
  return useMemo(() => ({ blocked, play, unblock }), [blocked, play, unblock]);
}
