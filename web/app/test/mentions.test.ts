import { expect, test } from 'vitest';
import { draftOf, edited, EMPTY, mentioning, partsOf, plainText, queryAt, spelledOut, wireOf } from '../src/chat/mentions';

const labelOf = ({ kind, id }: { kind: string; id?: string }) => (kind === 'everyone' ? '@모두' : ({ u1: '@민수', u2: '@Kim', r1: '@바텐더' })[id ?? '']);
const written = (text: string) => edited(EMPTY, text);

test('mentions are found as the server finds them', () => {
  expect(partsOf('<@u1>, <@&r1>님! 짠 <@everyone>')).toEqual([
    { kind: 'user', id: 'u1', raw: '<@u1>' }, ', ', { kind: 'role', id: 'r1', raw: '<@&r1>' }, '님! 짠 ', { kind: 'everyone', raw: '<@everyone>' },
  ]);
  for (const text of ['<@>', '<@&>', '<@u1', '@u1', '<@a\u0000>', `<@${'x'.repeat(129)}>`, '< @u1>']) expect(partsOf(text)).toEqual([text]);
  expect(partsOf('<@<@u1>')).toEqual(['<@', { kind: 'user', id: 'u1', raw: '<@u1>' }]);
  expect(plainText('<@u1> <@nobody>', labelOf)).toBe('@민수 <@nobody>');
});

test('a picked name is sent as an id, whatever is written around it', () => {
  const asked = written('hi @mi there');
  const { draft, caret } = mentioning(asked, 3, 6, '@민수', '<@u1>');
  expect([draft.text, caret]).toEqual(['hi @민수 there', 7]);
  expect(wireOf(draft)).toBe('hi <@u1> there');
  const later = edited(draft, 'oh, hi @민수 there', 4);
  expect(wireOf(edited(later, 'oh, hi @민수님 there', 11))).toBe('oh, hi <@u1>님 there');
  expect(wireOf(edited(draft, 'hi @민수 there!'))).toBe('hi <@u1> there!');
});

test('a name that was changed by hand stands for nobody', () => {
  const { draft } = mentioning(written('@k'), 0, 2, '@Kim', '<@u2>');
  expect(draft.text).toBe('@Kim ');
  expect(wireOf(edited(draft, '@Kam '))).toBe('@Kam ');
  expect(wireOf(edited(draft, ''))).toBe('');
});

test('two of one name stay two', () => {
  const one = mentioning(written('@k'), 0, 2, '@Kim', '<@u2>').draft;
  const two = mentioning(edited(one, '@Kim @k'), 5, 7, '@Kim', '<@u3>').draft;
  expect(wireOf(two).trim()).toBe('<@u2> <@u3>');
  expect(wireOf(edited(two, two.text.slice(5), 0)).trim()).toBe('<@u3>');
});

test('a sent text is edited with names, and is the same when nothing was changed', () => {
  const text = '<@u1> 짠 <@nobody> <@everyone>';
  const draft = draftOf(text, labelOf);
  expect(draft.text).toBe('@민수 짠 <@nobody> @모두');
  expect(wireOf(draft)).toBe(text);
});

test('a name begins with an @ that is no part of an address of mail or of a name that was picked', () => {
  const query = (text: string, caret = text.length) => queryAt(written(text), caret)?.query;
  expect([query('@'), query('@민'), query('이거@민'), query('a\n@k'), query('(@k'), query('@kim', 2)]).toEqual(['', '민', '민', 'k', 'k', 'k']);
  expect([query('me@k'), query('@k x'), query(''), query(`@${'k'.repeat(33)}`)]).toEqual([undefined, undefined, undefined, undefined]);
  const { draft } = mentioning(written('@k'), 0, 2, '@Kim', '<@u2>');
  expect(queryAt(draft, 4)).toBeUndefined();
});

test('a name that is written out is a mention, if it is whole and of one alone', () => {
  const names = [['Kim', '<@u2>'], ['Kim Minsu', '<@u3>'], ['민수', '<@u1>'], ['보', '<@u4>'], ['보', '<@u5>'], ['모두', '<@everyone>'], ['everyone', '<@everyone>']].map(([name = '', raw = '']) => ({ name, raw }));
  const sent = (text: string) => wireOf(spelledOut(written(text), names));
  expect(sent('@kim, @Kim Minsu! (@민수) @everyone\n@모두')).toBe('<@u2>, <@u3>! (<@u1>) <@everyone>\n<@everyone>');
  for (const text of ['@보', '@Kimchi', '@민수야', 'me@kim', '@', '@nobody', '@@']) expect(sent(text)).toBe(text);
  const { draft } = mentioning(written('@k @kim'), 0, 2, '@Kim', '<@u9>');
  expect(wireOf(spelledOut(draft, names)), 'what was picked stays').toBe('<@u9> <@u2>');
});
