import { expect, it } from 'vitest';
import { readArguments } from './arguments.ts';

const read = (...argv: string[]) => readArguments(argv, 30_000_000);

it('reads the options', () => {
  expect(read()).toEqual({ json: false, tokens: null, rounds: 5 });
  expect(read('--json', '--tokens', '10,000,000', '--rounds', '2')).toEqual({
    json: true,
    tokens: 10_000_000,
    rounds: 2,
  });
});

it.each([
  [['--tokens', '10'], /--tokens takes a whole number from 2000 to 30000000, not "10"/],
  [['--tokens', 'many'], /not "many"/],
  [['--rounds', '0'], /--rounds takes a whole number/],
  [['--fast'], /--fast/],
])('refuses %j', (argv, message) => expect(() => read(...argv)).toThrow(message));
