// Which screen an address means. Two paths, so no router library.

import { useMemo, useSyncExternalStore } from 'react';

export type Route = { screen: 'lobby' } | { screen: 'room'; room: string } | { screen: 'unknown' };

export function parseRoute(path: string): Route {
  if (path === '/' || path === '/index.html') return { screen: 'lobby' };
  const room = /^\/r\/([^/]+)\/?$/.exec(path)?.[1];
  if (room === undefined) return { screen: 'unknown' };
  try {
    return { screen: 'room', room: decodeURIComponent(room) };
  } catch {
    return { screen: 'unknown' };
  }
}

export function roomPath(room: string): string {
  return `/r/${encodeURIComponent(room)}`;
}

/** The link that a person sends to others: no language, no secret of one's own. */
export function roomUrl(room: string): string {
  return `${location.origin}${roomPath(room)}`;
}

const MOVED = 'zzan:moved';

/** Goes to a path, and keeps the chosen language. */
export function navigate(path: string, options: { replace?: boolean } = {}): void {
  const lang = new URLSearchParams(location.search).get('lang');
  goTo(lang === null ? path : `${path}?lang=${encodeURIComponent(lang)}`, options.replace === true);
}

export function chooseLanguage(language: string): void {
  const search = new URLSearchParams(location.search);
  search.set('lang', language);
  goTo(`${location.pathname}?${search}${location.hash}`, true);
}

/** Takes the secret out of the address bar and the history. */
export function dropFragment(): void {
  if (location.hash !== '') goTo(location.pathname + location.search, true);
}

function goTo(url: string, replace: boolean): void {
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  window.dispatchEvent(new Event(MOVED));
}

function subscribe(listener: () => void): () => void {
  for (const name of ['popstate', 'hashchange', MOVED]) window.addEventListener(name, listener);
  return () => {
    for (const name of ['popstate', 'hashchange', MOVED]) window.removeEventListener(name, listener);
  };
}

export function useLocation(): { path: string; search: string } {
  const path = useSyncExternalStore(subscribe, () => location.pathname);
  const search = useSyncExternalStore(subscribe, () => location.search);
  return useMemo(() => ({ path, search }), [path, search]);
}
