/** How much is done, how fast, and how long it will take: an estimate is given only once the rate is steady. */
import type { Progress } from '../types.ts';

export interface ProgressMeter {
  /** Bytes of the files that are through, and of the present one so far. */
  advance(bytesDone: number): void;
  encoded(tokens: number): void;
  report(
    fields: Pick<Progress, 'phase' | 'done' | 'total' | 'unit'> & { readonly current?: Progress['current'] },
  ): Progress;
}

const steadyAfterMs = 3_000;

export function createProgressMeter(totalBytes: number, now: () => number = () => performance.now()): ProgressMeter {
  const started = now();
  let bytes = 0;
  let tokens = 0;
  return {
    advance: (bytesDone) => (bytes = Math.max(bytes, bytesDone)),
    encoded: (count) => (tokens += count),
    report({ current, ...fields }) {
      const elapsed = now() - started;
      const steady = elapsed >= steadyAfterMs && bytes > 0 && totalBytes > bytes;
      return {
        ...fields,
        ...(current === undefined ? {} : { current }),
        ...(steady ? { etaSeconds: ((elapsed / bytes) * (totalBytes - bytes)) / 1000 } : {}),
        ...(tokens > 0 && elapsed > 0 ? { tokensPerSecond: (tokens / elapsed) * 1000 } : {}),
      };
    },
  };
}
