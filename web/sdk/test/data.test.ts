import { expect, test } from 'vitest';
import { DataLimits, unframe } from '../src/data.js';

test('a message is split into its sender and itself', () => {
  const framed = new Uint8Array([3, 97, 110, 110, 1, 2]);
  expect(unframe(framed, true)).toEqual({ participant: 'ann', payload: new Uint8Array([1, 2]), reliable: true });
  expect(unframe(new Uint8Array([0]), false)).toEqual({ participant: '', payload: new Uint8Array(), reliable: false });
  for (const cut of [[], [1], [4, 97]]) expect(unframe(new Uint8Array(cut), true)).toBeUndefined();
});

test('as many messages go as the server takes, and then one is told how long to wait', () => {
  let now = 0;
  const limits = new DataLimits(() => now);
  expect(Array.from({ length: 101 }, () => limits.take(1)).filter((wait) => wait === 0).length).toBe(100);
  expect(limits.take(1)).toBe(20);
  now += 20;
  expect(limits.take(1)).toBe(0);
});

test('as many bytes go as the server takes', () => {
  let now = 0;
  const limits = new DataLimits(() => now);
  for (let n = 0; n < 8; n += 1) expect(limits.take(16 * 1024)).toBe(0);
  expect(limits.take(16 * 1024)).toBe(250);
  now += 250;
  expect(limits.take(16 * 1024)).toBe(0);
});
