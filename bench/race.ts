/**
 * Times contenders against each other: round after round each has its turn, so that whatever slows the machine for a while
 * (heat, another program) meets all of them, and the best run of each counts.
 */
import type { Timing } from './results.ts';

export interface Contender<Name extends string = string> {
  readonly name: Name;
  /** Of one run: tokens, or bytes for storage. */
  readonly amount: number;
  run(): unknown;
  /** Milliseconds of the run that has just ended, where the clock is not to be asked. */
  lastMs?(): number;
}

export interface RaceOptions {
  readonly rounds: number;
  /** A turn has at least one run, and as many more as begin within this time. */
  readonly turnMs?: number;
  readonly onRound?: (round: number) => void;
  readonly now?: () => number;
}

export async function race<Name extends string>(
  contenders: readonly Contender<Name>[],
  { rounds, turnMs = 100, onRound, now = () => performance.now() }: RaceOptions,
): Promise<Timing<Name>[]> {
  const timings = contenders.map(({ name, amount }) => ({ name, amount, bestMs: Infinity, runs: 0 }));
  for (const contender of contenders) await contender.run(); // not timed: kernels and shaders are compiled now
  for (let round = 1; round <= rounds; round++) {
    onRound?.(round);
    for (const [i, contender] of contenders.entries()) {
      const timing = timings[i]!;
      const turn = now();
      let end: number;
      do {
        const start = now();
        await contender.run();
        end = now();
        timing.bestMs = Math.min(timing.bestMs, contender.lastMs?.() ?? end - start);
        timing.runs++;
      } while (end - turn < turnMs);
    }
  }
  return timings;
}

/** Per second, at the best run. */
export function rateOf({ amount, bestMs }: Timing): number {
  return (amount / bestMs) * 1000;
}

/** How many times quicker one is per unit of work; null where either was not measured. */
export function speedup<Name extends string>(timings: readonly Timing<Name>[], one: Name, other: Name): number | null {
  const find = (name: Name): Timing | undefined => timings.find((timing) => timing.name === name);
  const [numerator, denominator] = [find(one), find(other)];
  return numerator === undefined || denominator === undefined ? null : rateOf(numerator) / rateOf(denominator);
}
