import { expect, test } from 'vitest';
import { createProgressMeter } from './progress.ts';

test('an estimate comes once the rate is steady, and follows it', () => {
  let now = 0;
  const meter = createProgressMeter(1000, () => now);
  const report = () => meter.report({ phase: 'reading', done: 0, total: 2, unit: 'files' });
  meter.advance(100);
  meter.encoded(50);
  now = 1_000;
  expect(report().etaSeconds).toBeUndefined(); // one second says little
  now = 5_000;
  // 100 bytes took 5 s, so the other 900 take 45 s; 50 tokens in 5 s
  expect(report()).toMatchObject({ etaSeconds: 45, tokensPerSecond: 10 });
  meter.advance(1000);
  expect(report().etaSeconds).toBeUndefined(); // all is through
});

test('what is done never steps back', () => {
  let now = 0;
  const meter = createProgressMeter(100, () => now);
  meter.advance(50);
  meter.advance(10);
  now = 10_000;
  expect(meter.report({ phase: 'reading', done: 1, total: 2, unit: 'files' }).etaSeconds).toBe(10);
});
