import { expect, it } from 'vitest';
import { race, rateOf, speedup } from './race.ts';

it('lets each contender warm up, gives it its turn in every round, and keeps the best run', async () => {
  let clock = 0;
  const order: string[] = [];
  const contender = (name: string, times: number[]) => ({
    name,
    amount: 1000,
    run() {
      order.push(name);
      clock += times.shift()!;
    },
  });
  // A turn of 10 ms: 'a' begins a second run after 6 ms; 'b' takes longer than a turn.
  const timings = await race([contender('a', [1, 6, 5, 4, 8]), contender('b', [1, 30, 20])], {
    rounds: 2,
    turnMs: 10,
    now: () => clock,
  });
  expect(order.join('')).toBe('ab' + 'aab' + 'aab');
  expect(timings).toEqual([
    { name: 'a', amount: 1000, bestMs: 4, runs: 4 },
    { name: 'b', amount: 1000, bestMs: 20, runs: 2 },
  ]);
  expect(rateOf(timings[0]!)).toBe(250_000); // 1,000 in 4 ms
  expect(speedup(timings, 'a', 'b')).toBe(5);
  expect(speedup(timings, 'a', 'c')).toBeNull();
});

it('compares per unit, whatever the amounts', () => {
  const timings = [
    { name: 'large', amount: 1000, bestMs: 10, runs: 1 },
    { name: 'small', amount: 100, bestMs: 2, runs: 1 },
  ];
  expect(speedup(timings, 'large', 'small')).toBe(2);
});
