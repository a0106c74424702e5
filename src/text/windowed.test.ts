import { expect, it } from 'vitest';
import { windowedSegments } from './windowed.ts';

const words = new Intl.Segmenter('und', { granularity: 'word' });
const cut = (text: string) => [...windowedSegments(words, text)].map(({ start, end }) => text.slice(start, end));

it('cuts a long text as the segmenter would cut it whole', () => {
  const text = 'Fünf Wörter, 3.14 (don’t) 👩‍👩‍👧 ' + 'schön '.repeat(3000);
  expect(cut(text)).toEqual(Array.from(words.segment(text), ({ segment }) => segment));
});

it('keeps a word longer than its window whole, between others', () => {
  const long = 'x'.repeat(50_000);
  expect(cut(`a ${long} b`)).toEqual(['a', ' ', long, ' ', 'b']);
});

it('takes time in proportion to the text, spaces or none', () => {
  const started = performance.now();
  let count = 0;
  for (const { start, end } of windowedSegments(words, 'x'.repeat(4_000_000))) count += end - start;
  expect(count).toBe(4_000_000);
  expect(performance.now() - started).toBeLessThan(5000);
});
