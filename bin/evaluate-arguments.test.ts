import { expect, it } from 'vitest';
import { readArguments } from './evaluate-arguments.ts';

it('reads a command line', () => {
  const words =
    'set --model m --dims 128,64 --precision int8,f32 --pool 1,4 --long-document window --baseline bm25 --limit-queries 5 --json'.split(
      ' ',
    );
  expect(readArguments(words)).toEqual({
    folder: 'set',
    model: 'm',
    models: undefined,
    dims: [128, 64],
    precisions: ['int8', 'f32'],
    poolFactors: [1, 4],
    longDocument: 'window',
    baselines: ['bm25'],
    split: undefined,
    limitQueries: 5,
    json: true,
  });
});

it('has defaults', () => {
  expect(readArguments(['set'])).toMatchObject({
    model: 'lateral-mini',
    dims: undefined,
    precisions: ['int8'],
    poolFactors: [1],
    longDocument: 'passage',
    json: false,
  });
  expect(readArguments(['set', '--dims', 'none', '--baseline', 'bm25']).dims).toEqual([]);
});

it.each([
  ['', 'Which BEIR folder?'],
  ['a b', 'One folder at a time'],
  ['a --dims 12x', '--dims'],
  ['a --dims 0', '--dims'],
  ['a --dims none', 'nothing to do'],
  ['a --precision int2', 'int8 or f32 or int4 or int4-coarse, not "int2"'],
  ['a --pool 2,5', '1, 2, 3, 4, not "5"'],
  ['a --long-document book', 'passage or window or whole, not "book"'],
  ['a --baseline splade', 'bm25, not "splade"'],
  ['a --limit-queries 0', '--limit-queries'],
  ['a --limit-queries -3', '--limit-queries'],
  ['a --nonsense', '--nonsense'],
  ['a --model', '--model'],
])('refuses "%s"', (line, message) => {
  expect(() => readArguments(line.split(' ').filter((word) => word !== ''))).toThrow(
    expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(message) as unknown }),
  );
});
