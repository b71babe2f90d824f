// Which screen an address means. Few paths, so no router library.

import { useMemo, useSyncExternalStore } from 'react';

export type Route =
  | { screen: 'lobby' }
  | { screen: 'room'; room: string }
  | { screen: 'servers'; server?: string; channel?: string }
  | { screen: 'invite'; secret: string }
  | { screen: 'unknown' };

export function parseRoute(path: string): Route {
  if (path === '/' || path === '/index.html') return { screen: 'lobby' };
  const [first, ...rest] = path.replace(/^\//, '').replace(/\/$/, '').split('/').map(decoded);
  const [one, two] = rest;
  if (rest.length > 2 || rest.some((part) => !part)) return { screen: 'unknown' };
  if (first === 's') return { screen: 'servers', ...(one === undefined ? {} : { server: one }), ...(two === undefined ? {} : { channel: two }) };
  if (one === undefined || two !== undefined) return { screen: 'unknown' };
  if (first === 'r') return { screen: 'room', room: one };
  if (first === 'i') return { screen: 'invite', secret: one };
  return { screen: 'unknown' };
}

/** A part of a path; nothing where it can't be read. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

export function roomPath(room: string): string {
  return `/r/${encodeURIComponent(room)}`;
}

/** The place of a server, or of one of its channels. */
export function serverPath(server?: string, channel?: string): string {
  return ['/s', ...[server, channel].flatMap((part) => (part === undefined ? [] : [encodeURIComponent(part)]))].join('/');
}

/** The link that lets others into a server. */
export function inviteUrl(secret: string): string {
  return `${location.origin}/i/${encodeURIComponent(secret)}`;
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
