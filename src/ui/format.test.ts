import { expect, it } from 'vitest';
import { bytes, count, duration, languageName, unbroken } from './format.ts';

it('writes sizes as disks are sold', () => {
  expect([12, 38_400_000, 1_200_000_000, 24_000_000_000].map(bytes)).toEqual(['12 B', '38 MB', '1.2 GB', '24 GB']);
});

it('writes times that do not flicker', () => {
  expect([3, 42, 300, 4700, 6000].map(duration)).toEqual(['3 s', '45 s', '5 min', '78 min', '1.5 h']);
});

it('counts in words', () => {
  expect([count(1, 'file'), count(1204, 'passage')]).toEqual(['1 file', '1,204 passages']);
});

it('names languages, and says nothing of what is no language', () => {
  expect([languageName('de'), languageName(''), languageName('not a tag')]).toEqual(['German', '', '']);
});

it('keeps figures with their units', () => {
  expect(unbroken('keeps 21 MB, about 6 min, 2 models')).toBe('keeps 21\u00a0MB, about 6\u00a0min, 2 models');
});
