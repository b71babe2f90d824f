import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { forgetInvitation, keptInvitation, parseFragment, redeem } from '../src/invitation';

const MINUTES_MS = 60_000;

beforeEach(() => {
  vi.stubGlobal('location', { hash: '', pathname: '/r/room_1', search: '' });
  vi.stubGlobal('window', new EventTarget());
});

afterEach(() => {
  forgetInvitation('room_1');
  vi.unstubAllGlobals();
});

function tokenOf(name: string, expiresInMs: number): string {
  const claims = new TextEncoder().encode(JSON.stringify({ name, exp: Math.floor((Date.now() + expiresInMs) / 1000) }));
  return `head.${btoa(String.fromCharCode(...claims))}.signature`;
}

async function use(link: string, expiresInMs: number): Promise<void> {
  const access = { token: tokenOf('민수', expiresInMs), room: 'room_1', user: { id: 'u', name: '민수' }, expires_at: '' };
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json(access)));
  await redeem('room_1', link, '민수');
}

test('an address carries a link, a link with its name, a token, or nothing', () => {
  expect(parseFragment('#link=l1')).toEqual({ link: 'l1' });
  expect(parseFragment('#link=l1&name=%EB%AF%BC%EC%88%98')).toEqual({ link: 'l1', name: '민수' });
  expect(parseFragment('#token=t1')).toEqual({ token: 't1' });
  expect(parseFragment('#name=x')).toBeUndefined();
  expect(parseFragment('')).toBeUndefined();
});

test('the same link again is the same person again', async () => {
  await use('l1', 5 * MINUTES_MS);
  const first = keptInvitation('room_1', undefined);
  expect(first?.name).toBe('민수');
  expect(keptInvitation('room_1', { link: 'l1' })).toEqual(first);
});

test('another link, or a token that has run out, is not kept to', async () => {
  await use('l1', 5 * MINUTES_MS);
  expect(keptInvitation('room_1', { link: 'l2' })).toBeUndefined();
  await use('l1', -MINUTES_MS);
  expect(keptInvitation('room_1', { link: 'l1' })).toBeUndefined();
});

test('a token in the address takes the place of what was kept, and shows its name', async () => {
  await use('l1', 5 * MINUTES_MS);
  const token = tokenOf('지은', 5 * MINUTES_MS);
  expect(keptInvitation('room_1', { token })).toEqual({ token, name: '지은' });
});

test('what is no token has no name and is no failure', () => {
  expect(keptInvitation('room_1', { token: 'nonsense' })).toEqual({ token: 'nonsense', name: '' });
});
