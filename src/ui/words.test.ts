/** Sentences that are put together of parts. */
import { expect, test } from 'vitest';
import { searchFailure, standingProblem } from './words.ts';

const missing = { tokens: 1, totalTokens: 10, neededBytes: 2e9, heldBytes: 1e9 };
const setting = { dim: 128, precision: 'int8', poolFactor: 1, residentPrecision: 'int4', bytes: 9e8 } as const;

test.each([
  [[], 'Delete some documents.'],
  [[{ ...setting, residentPrecision: 'stored' }], 'With 128 numbers a word all would fit: see '],
  [[setting], 'With 128 numbers a word and “Memory for search” set to “Half” all would fit: see '],
  [
    [{ ...setting, poolFactor: 2 }],
    'With 128 numbers a word, “Similar words” set to “Shared: a half” and “Memory for search” set to “Half” all would fit: see ',
  ],
] as const)('where memory is short, what would fit is said', (wouldFit, expected) => {
  expect(standingProblem('out-of-memory', { ...missing, wouldFit })).toContain(expected);
});

test('who is told that stored bytes could not be read this time is not told to delete', () => {
  for (const said of [searchFailure('storage-unavailable'), standingProblem('storage-unavailable', null)]) {
    expect(said).toContain('Nothing needs to be deleted: reload');
  }
});
