/**
 * Two rankings made one by their scores: each is brought to a scale of its own for the query, and the sums decide.
 *
 *   score(p) = meaning(p) + w · words(p) + b · [p has every word of the query]
 *
 *   meaning(p)  1 for the best MaxSim, 0 for that of the hundredth passage (`floorRank`), in proportion between and below
 *   words(p)    BM25 over the best BM25, 0 where no word of the query stands
 *   w           `least` to `most`: how far the best passage by words is ahead of the second, times the cube of the share of
 *               the query's words that it has; below `least` where that has not half of them
 *
 * Words count much where one passage stands out that has most of the query, as in a question that was asked with the
 * passage before one's eyes, or a name; and little where many passages have a few of its words, as in a question in other
 * words. What was measured, and of which form of the formula, is in docs/performance.md. Ranks alone (reciprocal rank fusion;
 * Cormack, Clarke & Büttcher 2009) were what stood here before: they cannot tell the two apart.
 */

/** A passage found by meaning. */
export interface FoundByMeaning {
  readonly position: number;
  /** MaxSim. */
  readonly score: number;
}

/** A passage found by words. */
export interface FoundByWords {
  readonly position: number;
  /** BM25. */
  readonly score: number;
  /** How many of the query's different terms it has. */
  readonly terms: number;
}

export interface Fused {
  readonly position: number;
  /** Falls from about 2; of no meaning beyond the query. */
  readonly score: number;
}

/** How many passages of each list are fused, where these make enough hits. */
export const fusionDepth = 400;

/** What stands here by meaning says little about the query. */
const floorRank = 100;

/** Below 1, so that some of the query's words alone do not put a passage above the best by meaning. */
const most = 0.95;
const least = 0.5;

/** How soon words count. */
const slope = 16;

/**
 * A name or a number that stands in a few passages alone is meant by whoever types nothing else: the best of these is to be
 * above what is only like it.
 */
const everyWord = 0.6;

/** Where more passages than this have every word of the query, none of them is singled out. */
const maxSingledOut = 10;

/**
 * @param meaning best first
 * @param words best first
 * @param terms of the query
 * @param withoutVectors whether a position has none: then its place by words stands in for that by meaning
 * @returns every position of either list, best first; equal scores by ascending position
 */
export function fuse(
  meaning: readonly FoundByMeaning[],
  words: readonly FoundByWords[],
  terms: readonly string[],
  withoutVectors: (position: number) => boolean = () => false,
): Fused[] {
  const scores = new Map<number, number>();
  const byMeaning = scaleOf(meaning);
  for (const { position, score } of meaning) scores.set(position, byMeaning(score));
  const last = meaning.length === 0 ? 0 : byMeaning(meaning.at(-1)!.score);

  const every = new Set(terms).size;
  const weight = weightOfWords(words, every);
  const best = words[0]?.score ?? 0;
  const singledOut = words.filter((found) => found.terms === every).length <= maxSingledOut;
  for (const { position, score, terms: found } of words) {
    const share = best > 0 ? score / best : 0;
    const own = withoutVectors(position) ? share : (scores.get(position) ?? last);
    scores.set(position, own + weight * share + (singledOut && found === every ? everyWord : 0));
  }
  return Array.from(scores, ([position, score]) => ({ position, score })).sort(
    (a, b) => b.score - a.score || a.position - b.position,
  );
}

/** The best becomes 1, the one at `floorRank` (or the last) 0. Where all are alike, all become 1. */
function scaleOf(meaning: readonly FoundByMeaning[]): (score: number) => number {
  const top = meaning[0]?.score ?? 0;
  const floor = meaning[Math.min(floorRank, meaning.length) - 1]?.score ?? 0;
  return top > floor ? (score) => (score - floor) / (top - floor) : () => 1;
}

function weightOfWords(words: readonly FoundByWords[], every: number): number {
  const [first, second] = words;
  if (first === undefined || first.score <= 0) return 0;
  const ahead = 1 - (second?.score ?? 0) / first.score;
  const share = first.terms / every;
  return Math.min(most, least * Math.min(1, 2 * share) ** 2 + slope * ahead * share ** 3);
}
