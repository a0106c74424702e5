/** How fast bytes come in, over the last seconds, and how long the rest will take; a number only once it is steady. */

export interface RateMeter {
  /** @param done bytes in all; may step back where a file starts over */
  advance(done: number): void;
  rate(done: number, total: number): { readonly bytesPerSecond?: number; readonly etaSeconds?: number };
  /** Forgets what came before a wait. */
  restart(): void;
}

const windowMs = 15_000;
const steadyAfterMs = 3_000;
const sampleMs = 250;

export function createRateMeter(now: () => number = () => performance.now()): RateMeter {
  let samples: { readonly at: number; readonly done: number }[] = [];
  return {
    advance(done) {
      const at = now();
      const last = samples.at(-1);
      if (last !== undefined && done < last.done) samples = [];
      else if (last !== undefined && at - last.at < sampleMs) return;
      samples.push({ at, done });
      while (samples.length > 2 && at - samples[0]!.at > windowMs) samples.shift();
    },
    rate(done, total) {
      const first = samples[0];
      if (first === undefined) return {};
      const elapsed = now() - first.at;
      if (elapsed < steadyAfterMs || done <= first.done) return {};
      const bytesPerSecond = ((done - first.done) / elapsed) * 1000;
      return { bytesPerSecond, ...(total > done ? { etaSeconds: (total - done) / bytesPerSecond } : {}) };
    },
    restart() {
      samples = [];
    },
  };
}
