import { expect, test } from 'vitest';
import { encodingsOf, isActive } from '../src/layers.js';

test('a camera offers three layers, low to high, and a screen one stream', () => {
  expect(encodingsOf('camera', 'vp8').map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy])).toEqual([['q', 4], ['h', 2], ['f', 1]]);
  expect(encodingsOf('screen', 'vp8').map(({ rid }) => rid)).toEqual([undefined]);
  expect(encodingsOf('camera', 'av1').every((encoding) => (encoding as { scalabilityMode?: string }).scalabilityMode === 'L1T1')).toBe(true);
});

test('what is wanted is active; before the first word everything is', () => {
  expect(isActive('f', undefined)).toBe(true);
  expect(isActive('f', { wanted: true, active: ['q'] })).toBe(false);
  expect(isActive('q', { wanted: true, active: ['q'] })).toBe(true);
  expect(isActive('q', { wanted: false, active: [] })).toBe(false);
  expect(isActive(undefined, { wanted: true, active: [] })).toBe(true);
});
