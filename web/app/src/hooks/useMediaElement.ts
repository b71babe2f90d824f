// Puts one track into an audio or video element.

import { useEffect, useRef, type RefObject } from 'react';

export function useMediaElement<E extends HTMLMediaElement>(track: MediaStreamTrack | null | undefined): RefObject<E | null> {
  const ref = useRef<E>(null);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    element.srcObject = track ? new MediaStream([track]) : null;
    return () => void (element.srcObject = null);
  }, [track]);
  return ref;
}
