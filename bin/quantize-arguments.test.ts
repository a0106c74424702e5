import { expect, it } from 'vitest';
import { readArguments } from './quantize-arguments.ts';

it('reads a command line', () => {
  const words =
    'model --bits 8 --embedding-bits 4 --projection-bits 32 --block-size 64 --zero-points --min-elements 100 --head h --model m --out o --json ' +
    '--revision r --endpoint e --accept-licence';
  expect(readArguments(words.split(' '))).toEqual({
    folder: 'model',
    out: 'o',
    model: 'm',
    head: 'h',
    revision: 'r',
    endpoint: 'e',
    acceptLicence: true,
    bits: 8,
    embeddingBits: 4,
    projectionBits: 32,
    blockSize: 64,
    zeroPoints: true,
    minElements: 100,
    isPlan: false,
    json: true,
  });
});

it('has defaults', () => {
  expect(readArguments(['model', '--out', 'o'])).toMatchObject({
    bits: 4,
    embeddingBits: 4,
    projectionBits: 8,
    blockSize: 32,
    zeroPoints: false,
  });
  expect(readArguments(['model', '--plan']).isPlan).toBe(true);
});

it.each([
  ['', 'Which model folder?'],
  ['a b --out o', 'One folder at a time'],
  ['a', 'Give --out'],
  ['a --out o --bits 3', '--bits is 4 or 8, not "3"'],
  ['a --out o --block-size 33', '--block-size'],
  ['a --out o --min-elements few', '--min-elements'],
  ['a --out o --nonsense', '--nonsense'],
])('refuses "%s"', (line, message) => {
  expect(() => readArguments(line.split(' ').filter((word) => word !== ''))).toThrow(
    expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(message) as unknown }),
  );
});
