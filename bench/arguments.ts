/** The command line of the benchmarks. */
import { parseArgs } from 'node:util';

/** Ten times as many are searched on two threads, which do not start for less (src/maxsim/wasm.ts). */
const leastTokens = 2000;

export interface BenchArguments {
  /** One JSON object on standard output, in place of a table. */
  readonly json: boolean;
  /** Null where the benchmark shall choose. */
  readonly tokens: number | null;
  readonly rounds: number;
}

/** Those of this process, which ends with a word where they are wrong. */
export function argumentsOfProcess(maxTokens: number): BenchArguments {
  try {
    return readArguments(process.argv.slice(2), maxTokens);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nOptions: --json --tokens N --rounds N`);
    process.exit(2);
  }
}

/** @throws with what is wrong, for a person */
export function readArguments(argv: readonly string[], maxTokens: number): BenchArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: { json: { type: 'boolean', default: false }, tokens: { type: 'string' }, rounds: { type: 'string' } },
  });
  const { json, tokens, rounds } = values;
  return {
    json,
    tokens: tokens === undefined ? null : wholeNumber('--tokens', tokens, leastTokens, maxTokens),
    rounds: rounds === undefined ? 5 : wholeNumber('--rounds', rounds, 1, 1000),
  };
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text.replaceAll(/[_,]/g, ''));
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name} takes a whole number from ${least} to ${most}, not "${text}".`);
}
