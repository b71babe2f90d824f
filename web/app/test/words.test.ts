import { expect, test } from 'vitest';
import { languageOf } from '../src/i18n';
import { en } from '../src/i18n/en';
import { ko } from '../src/i18n/ko';
import { parseRoute, roomPath, serverPath } from '../src/route';
import { initialsOf } from '../src/ui/Avatar';

/** Every key of a dictionary with what stands there: a text, or how many arguments its text takes. */
function shapeOf(words: object, path = ''): string[] {
  return Object.entries(words).flatMap(([key, value]: [string, unknown]) => {
    const at = `${path}.${key}`;
    if (typeof value === 'function') return [`${at}(${value.length})`];
    return typeof value === 'object' && value !== null ? shapeOf(value, at) : [at];
  });
}

function textsOf(words: object): string[] {
  return Object.values(words).flatMap((value: unknown) => {
    if (typeof value === 'string') return [value];
    return typeof value === 'object' && value !== null ? textsOf(value) : [];
  });
}

test('both dictionaries say the same things, and leave nothing empty', () => {
  expect(shapeOf(ko)).toEqual(shapeOf(en));
  for (const text of [...textsOf(en), ...textsOf(ko)]) expect(text.trim()).not.toBe('');
});

test('the Korean dictionary is in Korean', () => {
  const foreign = textsOf(ko).filter((text) => !/\p{Script=Hangul}/u.test(text));
  expect(foreign).toEqual([]);
});

test('the address chooses the language before the browser does', () => {
  expect(languageOf('', 'ko-KR')).toBe('ko');
  expect(languageOf('', 'fr')).toBe('en');
  expect(languageOf('?lang=en', 'ko-KR')).toBe('en');
  expect(languageOf('?lang=ko', 'en-US')).toBe('ko');
});

test('an address is a screen', () => {
  expect(parseRoute('/')).toEqual({ screen: 'lobby' });
  expect(parseRoute('/r/room_1')).toEqual({ screen: 'room', room: 'room_1' });
  expect(parseRoute(roomPath('a/b 짠'))).toEqual({ screen: 'room', room: 'a/b 짠' });
  expect(parseRoute('/s')).toEqual({ screen: 'servers' });
  expect(parseRoute(serverPath('srv_1', 'ch 짠'))).toEqual({ screen: 'servers', server: 'srv_1', channel: 'ch 짠' });
  expect(parseRoute('/i/invite_1')).toEqual({ screen: 'invite', secret: 'invite_1' });
  for (const path of ['/s//c', '/s/a/b/c', '/i', '/i/a/b', '/r', '/r/a/b']) expect(parseRoute(path)).toEqual({ screen: 'unknown' });
  expect(parseRoute('/r/%E0%A4%A')).toEqual({ screen: 'unknown' });
  expect(parseRoute('/elsewhere')).toEqual({ screen: 'unknown' });
});

test('initials fit their names', () => {
  expect(['Minsu Kim', 'alex', '김민수', '하늘', '  ', '🍺 beer'].map(initialsOf)).toEqual(['MK', 'A', '민수', '하늘', '?', '🍺B']);
});
