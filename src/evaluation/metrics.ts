/**
 * Retrieval measures with trec_eval's definitions, so that our figures stand beside published ones.
 *
 *   DCG@k  = Σ over ranks r = 1 … k of  gain(r) / log2(r + 1),   gain = the judged grade, never below 0
 *   nDCG@k = DCG@k / DCG@k of the best possible order                       (Järvelin & Kekäläinen 2002, linear gain)
 */

/** Document id → grade. A grade above 0 is relevant. */
export type Judgements = ReadonlyMap<string, number>;

export interface ScoredDocument {
  readonly id: string;
  readonly score: number;
}

/**
 * Best first, as trec_eval orders: by score in single precision, ties by descending document id, whatever the order given.
 * @param limit how many to keep
 */
export function rank(scored: readonly ScoredDocument[], limit = Infinity): string[] {
  const sorted = scored.map(({ id, score }) => ({ id, score: Math.fround(score) })).sort(byScoreThenId);
  return (limit < sorted.length ? sorted.slice(0, limit) : sorted).map(({ id }) => id);
}

/** 0 where nothing is relevant. */
export function ndcg(ranked: readonly string[], judgements: Judgements, k = Infinity): number {
  const grades = [...judgements.values()].filter((grade) => grade > 0).sort((a, b) => b - a);
  const best = discounted(grades, k);
  if (best === 0) return 0;
  return (
    discounted(
      ranked.map((id) => gain(id, judgements)),
      k,
    ) / best
  );
}

/** The share of the relevant documents among the first k; 0 where nothing is relevant. */
export function recall(ranked: readonly string[], judgements: Judgements, k: number): number {
  const relevant = countRelevant(judgements);
  if (relevant === 0) return 0;
  let found = 0;
  for (const id of ranked.slice(0, k)) if (gain(id, judgements) > 0) found++;
  return found / relevant;
}

/** 1 / the rank of the first relevant document among the first k; 0 where there is none. */
export function reciprocalRank(ranked: readonly string[], judgements: Judgements, k = Infinity): number {
  const first = ranked.findIndex((id) => gain(id, judgements) > 0);
  return first === -1 || first >= k ? 0 : 1 / (first + 1);
}

/** The mean of the precision at each relevant document's rank; documents not found count as 0. */
export function averagePrecision(ranked: readonly string[], judgements: Judgements): number {
  const relevant = countRelevant(judgements);
  if (relevant === 0) return 0;
  let found = 0;
  let sum = 0;
  ranked.forEach((id, index) => {
    if (gain(id, judgements) > 0) sum += ++found / (index + 1);
  });
  return sum / relevant;
}

export interface Measures {
  readonly ndcg10: number;
  readonly recall100: number;
  readonly mrr10: number;
  readonly map: number;
}

/** Means over queries. */
export function meanMeasures(
  runs: readonly { readonly ranked: readonly string[]; readonly judgements: Judgements }[],
): Measures {
  let ndcg10 = 0;
  let recall100 = 0;
  let mrr10 = 0;
  let map = 0;
  for (const { ranked, judgements } of runs) {
    ndcg10 += ndcg(ranked, judgements, 10);
    recall100 += recall(ranked, judgements, 100);
    mrr10 += reciprocalRank(ranked, judgements, 10);
    map += averagePrecision(ranked, judgements);
  }
  const n = Math.max(1, runs.length);
  return { ndcg10: ndcg10 / n, recall100: recall100 / n, mrr10: mrr10 / n, map: map / n };
}

function byScoreThenId(a: ScoredDocument, b: ScoredDocument): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

function discounted(gains: readonly number[], k: number): number {
  let sum = 0;
  for (let i = 0; i < Math.min(k, gains.length); i++) sum += gains[i]! / Math.log2(i + 2);
  return sum;
}

function gain(id: string, judgements: Judgements): number {
  return Math.max(0, judgements.get(id) ?? 0);
}

function countRelevant(judgements: Judgements): number {
  let count = 0;
  for (const grade of judgements.values()) if (grade > 0) count++;
  return count;
}
