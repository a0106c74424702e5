/** Which of the hits found are shown, and what is said of the rest. Pure. */
import type { Hit, SearchResult } from '../../index.ts';

/**
 * Up to so many passages are a small collection: a person could read them all, so there an empty page would be the one wrong
 * answer. In more of them there is always something that is near by chance, and that is kept back until it is asked for.
 */
export const smallCollection = 20;
/** Weak hits shown unasked: what fits into one look. */
const nearestShown = 3;

export interface Shown {
  readonly hits: readonly Hit[];
  /** Hits kept back because they are not close. */
  readonly weaker: number;
  /** The search found nothing that is close enough to show. */
  readonly nothingRelevant: boolean;
  /** What is shown are the nearest passages of a small collection, none of them relevant. */
  readonly onlyWeak: boolean;
}

const noHits: readonly Hit[] = [];
export const nothingShown: Shown = { hits: noHits, weaker: 0, nothingRelevant: false, onlyWeak: false };

/** @param passages in the whole collection; null where that is not known */
export const isSmall = (passages: number | null): boolean => passages !== null && passages <= smallCollection;

/** @param all whether the weak ones were asked for */
export function shownOf({ hits: found, relevant }: SearchResult, small: boolean, all: boolean): Shown {
  const onlyWeak = small && !relevant && found.length > 0;
  const hits = all ? found : onlyWeak ? found.slice(0, nearestShown) : found.filter((hit) => hit.relevant);
  const nothingRelevant = !relevant && !all && !onlyWeak;
  return { hits: toBest(hits), weaker: nothingRelevant ? 0 : found.length - hits.length, nothingRelevant, onlyWeak };
}

/** Scores as shares of the best hit that is shown: one that is better only by its place in another list may be left out. */
function toBest(hits: readonly Hit[]): readonly Hit[] {
  const best = hits[0]?.relative ?? 0;
  return best === 0 || best === 1 ? hits : hits.map((hit) => ({ ...hit, relative: Math.min(1, hit.relative / best) }));
}
