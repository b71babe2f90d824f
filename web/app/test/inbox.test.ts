import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Community, Notification, NotificationAbout } from 'zzan-client';
import { httpsOf, ownPathOf } from '../src/address';
import { seenElsewhere, wayOf } from '../src/inbox/entry';
import { fileNameOf } from '../src/notes/save';
import { forgetPass, hasExpired, keptPass, passToken, takePass } from '../src/pass';

beforeEach(() => {
  vi.stubGlobal('location', { origin: 'https://zzan.test', hash: '', pathname: '/', search: '' });
  vi.stubGlobal('history', { replaceState: () => undefined });
  vi.stubGlobal('window', new EventTarget());
});

afterEach(() => {
  forgetPass();
  vi.unstubAllGlobals();
});

const BY = { id: 'u', name: 'Kim' };

function entry(about: NotificationAbout, rest: Partial<Notification> = {}): Notification {
  return { id: 'n1', seq: 1, at: '2030-01-01T00:00:00Z', read: false, about, ...rest };
}

const sent = (url: string) => wayOf(entry({ kind: 'backend', title: 't', body: '', url }));

test('of the addresses that others give, https and the own site are followed', () => {
  expect(httpsOf('https://a.test/x?y#z')).toBe('https://a.test/x?y#z');
  for (const bad of ['http://a.test', 'javascript:1', 'data:text/html,x', '//a.test', 'x', '', 7, null, undefined]) expect(httpsOf(bad)).toBeUndefined();
  expect(ownPathOf('/s/a?b#c')).toBe('/s/a?b#c');
  expect(ownPathOf('https://zzan.test/r/room')).toBe('/r/room');
  for (const bad of ['//evil.test/x', '/\\evil.test', 'https://evil.test/', 'javascript:1', 'http://']) expect(ownPathOf(bad)).toBeUndefined();
});

test('a notification leads to its message, its room or its server, and a backend’s where it says', () => {
  expect(wayOf(entry({ kind: 'mention', server: 's', channel: 'c 1', message_seq: 7, by: BY }))).toEqual({ href: '/s/s/c%201#message=7', inside: true });
  expect(wayOf(entry({ kind: 'room_invite', room: 'r', name: 'R', by: BY }))).toEqual({ href: '/r/r', inside: true });
  expect(wayOf(entry({ kind: 'server_invite', server: 's', name: 'S', by: BY, state: 'open' }))).toBeUndefined();
  expect(wayOf(entry({ kind: 'server_invite', server: 's', name: 'S', by: BY, state: 'accepted' }))?.href).toBe('/s/s');
  expect(sent('https://shop.test/7')).toEqual({ href: 'https://shop.test/7', inside: false });
  expect(sent('/r/room')).toEqual({ href: '/r/room', inside: true });
  expect(sent('/orders/7')).toEqual({ href: '/orders/7', inside: false });
  expect(sent('/s/a/b#token=x')?.inside).toBe(false);
  expect(sent('javascript:1')).toBeUndefined();
});

test('what was read in its channel needn’t be read in the inbox', () => {
  const mention = (id: string, message_seq: number, rest: Partial<Notification> = {}) => entry({ kind: 'mention', server: 's', channel: 'c', message_seq, by: BY }, { id, ...rest });
  const unread = new Map([['c', { channel: 'c', head_seq: 9, read_seq: 5, unread: 4, mentions: 0 }]]);
  const community = { server: (id: string) => (id === 's' ? { state: { unread } } : undefined) } as unknown as Community;
  const told = [mention('old', 5), mention('new', 6), mention('known', 4, { read: true }), entry({ kind: 'reply', server: 'gone', channel: 'c', message_seq: 1, by: BY }, { id: 'gone' })];
  expect(seenElsewhere(told, community)).toEqual(['old']);
});

test('a note is a file with its day and what file systems take of its name', () => {
  const started_at = '2030-05-06T07:08:09Z';
  expect(fileNameOf({ name: '주간 회의', started_at })).toBe('2030-05-06 주간 회의');
  expect(fileNameOf({ name: '../a\\b:c*?"<>|\u0000d\n\u202Ee.', started_at })).toBe('2030-05-06 a b c d e');
  expect(fileNameOf({ name: '...', started_at })).toBe('2030-05-06');
});

function tokenOf(claims: object): string {
  return `head.${btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(claims))))}.signature`;
}

function come(token: string, pathname = '/s/srv/ch') {
  vi.stubGlobal('location', { origin: 'https://zzan.test', hash: `#token=${token}`, pathname, search: '' });
  return takePass();
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

test('a token in a server’s address is this tab’s pass, elsewhere it isn’t', async () => {
  const token = tokenOf({ name: '하나', typ: 'user', exp: inSeconds(3600) });
  expect(come(token, '/r/room')).toBeUndefined();
  const pass = come(token);
  expect([pass?.name, keptPass()]).toEqual(['하나', pass]);
  if (!pass) throw new Error('no pass');
  expect([hasExpired(pass), await passToken(pass, false)]).toEqual([false, token]);
  forgetPass();
  expect(keptPass()).toBeUndefined();
});

test('a pass is renewed where it can be, good to its end where it can’t, and refused where it is none', async () => {
  const old = come(tokenOf({ name: 'a', typ: 'user', exp: inSeconds(30) }));
  if (!old) throw new Error('no pass');
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ title: 'no' }, { status: 403 })));
  expect(await passToken(old, false)).toBe(old.token);
  await expect(passToken(old, true)).rejects.toMatchObject({ code: 'forbidden' });
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ token: 'fresh', expires_at: '' })));
  expect(await passToken(old, false)).toBe('fresh');
  expect(keptPass()?.token).toBe('fresh');
  for (const bad of ['nonsense', tokenOf({ name: 'a', typ: 'room', exp: inSeconds(3600) })]) {
    await expect(passToken({ token: bad, name: '' }, false)).rejects.toMatchObject({ code: 'unauthorized' });
  }
  expect(hasExpired({ token: tokenOf({ exp: inSeconds(-1) }), name: '' })).toBe(true);
});
