import { expect, it } from 'vitest';
import { estimate } from './estimate.ts';

const input = (name: string, length: number) => ({ name, content: 'x'.repeat(length) });
const nothing = { documents: [], stats: null, tokensPerSecond: null, keepSources: false };

it('takes a usual speed before the device was measured, and says so', () => {
  expect(estimate([input('a.txt', 4500)], nothing)).toEqual({
    seconds: 1000 / 1500,
    measured: false,
    bytes: 1000 * (130 + 5), // 4.5 bytes a token
    freeBytes: null,
  });
});

it('adds the original where it is kept, and divides by the measured speed', () => {
  const { seconds, bytes } = estimate([input('a.pdf', 40_000)], { ...nothing, tokensPerSecond: 50, keepSources: true });
  expect(seconds).toBe(20); // 40 bytes a token: 1,000 tokens
  expect(bytes).toBe(1000 * (130 + 5) + 40_000);
});

it('learns from three documents of a kind, and from the vectors that are stored', () => {
  const record = { mediaType: 'text/plain', byteLength: 600, tokenCount: 100 }; // 6 bytes a token
  const stats = { fingerprint: { poolFactor: 1 }, vectorBytes: 6600, tokens: 100, usageBytes: 30, quotaBytes: 100 };
  const measured = { ...nothing, stats, tokensPerSecond: 10 };
  expect(estimate([input('a.txt', 6000)], { ...measured, documents: [record, record, record] })).toEqual({
    seconds: 100,
    measured: true,
    bytes: 1000 * (66 + 5),
    freeBytes: 70,
  });
  expect(estimate([input('a.txt', 4500)], { ...measured, documents: [record, record] }).seconds).toBe(100);
});

it('where rows are pooled as many tokens are read, and fewer stored', () => {
  const record = { mediaType: 'text/plain', byteLength: 600, tokenCount: 50 }; // of 100 tokens: 6 bytes each
  const stats = { fingerprint: { poolFactor: 2 }, vectorBytes: 3300, tokens: 50, usageBytes: 30, quotaBytes: 100 };
  const measured = { ...nothing, stats, tokensPerSecond: 10, documents: [record, record, record] };
  expect(estimate([input('a.txt', 6000)], measured)).toEqual({
    seconds: 100,
    measured: true,
    bytes: 1000 * (33 + 5),
    freeBytes: 70,
  });
});
