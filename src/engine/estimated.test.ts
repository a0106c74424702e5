import { expect, test } from 'vitest';
import type { Progress } from '../types.ts';
import { withEstimate } from './estimated.ts';

const at = (phase: Progress['phase'], done: number, more: Partial<Progress> = {}): Progress => ({
  ...{ phase, done, total: 10, unit: 'turns' },
  ...more,
});

function estimates(): { readonly tell: (seconds: number, progress: Progress) => number | undefined } {
  let clock = 0;
  let last: Progress | null = null;
  const report = withEstimate(
    (progress) => (last = progress),
    () => clock,
  );
  return {
    tell(seconds, progress) {
      clock = seconds * 1000;
      report(progress);
      expect(last).toMatchObject(progress);
      return last!.etaSeconds;
    },
  };
}

test('an estimate follows from the pace of the phase, once there is one', () => {
  const { tell } = estimates();
  expect(tell(0, at('checking', 0))).toBeUndefined();
  expect(tell(2, at('checking', 1))).toBeUndefined(); // too early
  expect(tell(4, at('checking', 2))).toBeCloseTo(16);
  expect(tell(10, at('checking', 5))).toBeCloseTo(10);
  expect(tell(20, at('checking', 10))).toBeUndefined(); // nothing is left
});

test('each phase has a pace of its own', () => {
  const { tell } = estimates();
  tell(0, at('quantizing', 0));
  expect(tell(5, at('quantizing', 5))).toBeCloseTo(5);
  expect(tell(6, at('checking', 0))).toBeUndefined();
  tell(8, at('checking', 1));
  expect(tell(10, at('checking', 2))).toBeCloseTo(16);
});

test('who knows it better is believed', () => {
  const { tell } = estimates();
  tell(0, at('downloading', 0));
  expect(tell(5, at('downloading', 5, { etaSeconds: 99 }))).toBe(99);
});
