import { expect, test } from 'vitest';
import { Backoff, BACKOFF_DELAYS_MS } from '../src/backoff.js';

test('the delays grow to the last one, which repeats', () => {
  const backoff = new Backoff(() => 0.5);
  const delays = Array.from({ length: 8 }, () => backoff.next());
  expect(delays).toEqual([0, 300, 1200, 2700, 4800, 7000, 7000, 7000]);
});

test('the jitter spreads each delay by half of it both ways', () => {
  const least = new Backoff(() => 0);
  const most = new Backoff(() => 1);
  for (const base of BACKOFF_DELAYS_MS) {
    expect(least.next()).toBe(base / 2);
    expect(most.next()).toBe(base * 1.5);
  }
});

test('a success starts the delays again', () => {
  const backoff = new Backoff(() => 0.5);
  backoff.next();
  backoff.next();
  backoff.reset();
  expect([backoff.next(), backoff.next()]).toEqual([0, 300]);
});
