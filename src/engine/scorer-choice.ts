/**
 * Which of two devices compares passages: the quicker one on the vectors that are here. What was measured is remembered for
 * the browser and its devices, and measured again once there is ten times as much.
 */
import { firstPassages, sampleTokens, tokensPerSecond } from '../maxsim/calibrate.ts';
import { toInt4Block } from '../maxsim/int4.ts';
import type { Scorer, ScorerBlock } from '../maxsim/scorer.ts';
import type { IndexStore } from '../store/index-store.ts';
import type { ResidentPrecision, ScorerKind } from '../types.ts';

/** What is stored, as far as the choice looks at it. */
export interface StoredVectors {
  readonly numTokens: number;
  /** The first passages, as they are to be held; null where there are none, or they cannot be read. */
  sample(): Promise<ScorerBlock | null>;
}

/** What is remembered. */
export interface Calibration {
  readonly numTokens: number;
  readonly figures: readonly Figure[];
}

export interface Figure {
  readonly kind: ScorerKind;
  readonly tokensPerSecond: number;
}

export interface Memory {
  recall(key: string): Promise<unknown>;
  remember(key: string, value: unknown): Promise<void>;
}

/** Below this every device answers at once, and the processor needs no upload. */
export const tokensWorthMeasuring = 20_000;

const growth = 10;

/**
 * @param key what the figures hold for: browser, devices, kind of vectors
 * @param makers of the scorers to compare. Those that fail are out of it
 * @returns null where there is too little to measure, and nothing is remembered
 */
export async function calibrate(
  key: string,
  stored: StoredVectors,
  makers: Readonly<Partial<Record<ScorerKind, () => Promise<Scorer>>>>,
  memory: Memory,
): Promise<Calibration | null> {
  const remembered = asCalibration(await memory.recall(key));
  if (remembered !== null && stored.numTokens < remembered.numTokens * growth) return remembered;
  if (stored.numTokens < tokensWorthMeasuring) return null;
  const sample = await stored.sample();
  if (sample === null) return null;
  const figures: Figure[] = [];
  for (const [kind, make] of Object.entries(makers) as [ScorerKind, () => Promise<Scorer>][]) {
    const figure = await measure(make, sample).catch(() => null);
    if (figure !== null) figures.push({ kind, tokensPerSecond: figure });
  }
  if (figures.length === 0) return null;
  const calibration = { numTokens: stored.numTokens, figures };
  await memory.remember(key, calibration);
  return calibration;
}

export function quickest({ figures }: Calibration): Figure {
  return figures.reduce((best, figure) => (figure.tokensPerSecond > best.tokensPerSecond ? figure : best));
}

/** The store's largest block, cut to what is measured. */
export async function storedVectors(
  store: Pick<IndexStore, 'blocks' | 'block'>,
  held: ResidentPrecision,
): Promise<StoredVectors> {
  const blocks = await store.blocks();
  return {
    numTokens: blocks.reduce((sum, { numTokens }) => sum + numTokens, 0),
    async sample() {
      const largest = blocks.reduce<(typeof blocks)[number] | null>(
        (best, block) => (block.numTokens > (best?.numTokens ?? 0) ? block : best),
        null,
      );
      if (largest === null) return null;
      try {
        const sample = firstPassages(await store.block(largest.id), sampleTokens);
        if (held === 'stored') return sample;
        // Still f32 where this opening is the first with int8: the next one measures.
        return sample.precision === 'int8' ? toInt4Block(sample) : null;
      } catch {
        return null; // damaged, or gone meanwhile: whoever loads it will say so
      }
    },
  };
}

async function measure(make: () => Promise<Scorer>, sample: ScorerBlock): Promise<number> {
  const scorer = await make();
  try {
    return await tokensPerSecond(scorer, sample);
  } finally {
    scorer.destroy();
  }
}

/** What an older version wrote, or nobody, counts for nothing. */
function asCalibration(value: unknown): Calibration | null {
  const { numTokens, figures } = (value ?? {}) as Partial<Calibration>;
  const known = typeof numTokens === 'number' && Array.isArray(figures) && figures.length > 0;
  return known ? { numTokens, figures } : null;
}
