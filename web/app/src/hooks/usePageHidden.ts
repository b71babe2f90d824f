// Whether nobody can see this tab.

import { useSyncExternalStore } from 'react';

export function usePageHidden(): boolean {
  return useSyncExternalStore(subscribe, isPageHidden);
}

export function isPageHidden(): boolean {
  return document.visibilityState === 'hidden';
}

function subscribe(changed: () => void): () => void {
  document.addEventListener('visibilitychange', changed);
  return () => document.removeEventListener('visibilitychange', changed);
}
