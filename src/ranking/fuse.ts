/**
 * Rankings that cannot be compared by their scores, made one: reciprocal rank fusion (Cormack, Clarke & Büttcher 2009).
 *
 *   score(p) = Σ over the lists in which p stands of  weight / (k + rank of p in it),   rank = 1, 2, 3 …
 */

export interface FusionOptions {
  /** How little the first ranks stand out. Default 60. */
  readonly k?: number;
  /** One for each list. Default 1 each. */
  readonly weights?: readonly number[];
}

/**
 * Meaning, words, and passages with every word of the query, in this order. Words count a quarter, and first ranks stand out
 * more than with the usual k = 60: measured on five English sets (`npm run evaluate -- <folder> --baseline bm25`), the least
 * that never loses much on any of them and gains on average over the better of the two. A name or a number that stands in a
 * few passages alone is meant by whoever types nothing else: there words count as much as meaning, so that the best of
 * these is above what is only like it. Passages without vectors have no place by meaning: theirs by words stands in for it.
 */
export const fusion: FusionOptions = { k: 10, weights: [1, 0.25, 0.75, 1] };

/** Where more passages than this have every word of the query, none of them is singled out. */
const maxSingledOut = 10;

/** A passage found by words. */
export interface FoundByWords {
  readonly position: number;
  /** How many of the query's different terms it has. */
  readonly terms: number;
}

/**
 * @param meaning positions, best first
 * @param words best first
 * @param terms of the query
 * @param withoutVectors whether a position has none
 * @returns the lists that `fusion` weighs
 */
export function listsToFuse(
  meaning: readonly number[],
  words: readonly FoundByWords[],
  terms: readonly string[],
  withoutVectors: (position: number) => boolean = () => false,
): readonly (readonly number[])[] {
  const every = new Set(terms).size;
  const whole = words.filter((found) => found.terms === every);
  const waiting = words.filter(({ position }) => withoutVectors(position));
  return [meaning, words, whole.length > maxSingledOut ? [] : whole, waiting].map((list) =>
    list.map((one) => (typeof one === 'number' ? one : one.position)),
  );
}

/** How many passages of each list are fused, where these make enough hits. */
export const fusionDepth = 400;

export interface Fused {
  readonly position: number;
  readonly score: number;
}

/**
 * @param lists positions, best first, none twice in a list
 * @returns every position of any list, best first; equal scores by ascending position
 */
export function fuse(lists: readonly (readonly number[])[], { k = 60, weights }: FusionOptions = {}): Fused[] {
  const scores = new Map<number, number>();
  lists.forEach((list, l) => {
    const weight = weights?.[l] ?? 1;
    list.forEach((position, i) => scores.set(position, (scores.get(position) ?? 0) + weight / (k + i + 1)));
  });
  return Array.from(scores, ([position, score]) => ({ position, score })).sort(
    (a, b) => b.score - a.score || a.position - b.position,
  );
}
