/**
 * Plain BM25: the baseline that a model has to beat, and what keyword search does while vectors are being made.
 *
 *   score(q, d) = Σ over the query's terms t of  idf(t) · tf / (tf + k1 · (1 − b + b · |d| / mean |d|))
 *   idf(t)      = ln(1 + (N − n + 0.5) / (n + 0.5))                (Lucene's form: never negative)
 *
 * N documents, n of them with t, tf times in d. The usual factor k1 + 1 is left out: it changes no order.
 */

export interface Bm25Options {
  /** How soon repeats stop counting. Default 0.9. */
  readonly k1?: number;
  /** How much long documents are held back, 0 to 1. Default 0.4. */
  readonly b?: number;
}

export interface Bm25 {
  /** Position of the document in the order given → score, for documents that share a term with the query. */
  score(terms: readonly string[]): Map<number, number>;
}

/** @param documents each document's terms (see text/lexical.ts) */
export function buildBm25(documents: Iterable<readonly string[]>, { k1 = 0.9, b = 0.4 }: Bm25Options = {}): Bm25 {
  /** Term → document, count, document, count … */
  const postings = new Map<string, number[]>();
  const lengths: number[] = [];
  let total = 0;
  for (const terms of documents) {
    const document = lengths.length;
    lengths.push(terms.length);
    total += terms.length;
    for (const [term, count] of countTerms(terms)) {
      const list = postings.get(term);
      if (list === undefined) postings.set(term, [document, count]);
      else list.push(document, count);
    }
  }
  const mean = total / Math.max(1, lengths.length);

  return {
    score(terms) {
      const scores = new Map<number, number>();
      for (const [term, weight] of countTerms(terms)) {
        const list = postings.get(term);
        if (list === undefined) continue;
        const n = list.length / 2;
        const idf = Math.log(1 + (lengths.length - n + 0.5) / (n + 0.5));
        for (let i = 0; i < list.length; i += 2) {
          const document = list[i]!;
          const tf = list[i + 1]!;
          const length = k1 * (1 - b + (b * lengths[document]!) / mean);
          scores.set(document, (scores.get(document) ?? 0) + (weight * idf * tf) / (tf + length));
        }
      }
      return scores;
    },
  };
}

function countTerms(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}
