import { describe, expect, it } from 'vitest';
import type { BeirSet } from '../interop/beir.ts';
import { createReferenceScorer } from '../maxsim/reference.ts';
import { lexicalTerms } from '../text/lexical.ts';
import { evaluate, type EvaluatedEncoder, type EvaluateOptions } from './run.ts';

const dim = 16;

/** One row per word: a one in the word's own place, and a little in the last, which words share. */
const places = new Map<string, number>();
function rowsOf(text: string) {
  const words = lexicalTerms(text);
  const rows = new Float32Array(words.length * dim);
  words.forEach((word, i) => {
    if (!places.has(word)) places.set(word, places.size % (dim - 1));
    rows[i * dim + places.get(word)!] = Math.sqrt(0.99);
    rows[i * dim + dim - 1] = 0.1;
  });
  return { rows, numTokens: words.length };
}
const encoder: EvaluatedEncoder = {
  dim,
  encodeDocuments: (texts) => Promise.resolve(texts.map(rowsOf)),
  encodeQuery: (text) => Promise.resolve(rowsOf(text)),
};

// Five words in the set, so that each has a place of its own.
const set: BeirSet = {
  documents: [
    { id: 'd1', title: 'harbour', text: 'silt' },
    { id: 'd2', title: '', text: 'train' },
    { id: 'd3', title: '', text: 'night train' },
    { id: 'd4', title: '', text: ' ' },
  ],
  queries: [
    { id: 'q1', text: 'harbour silt' },
    { id: 'q2', text: 'train' },
  ],
  judgements: new Map([
    ['q1', new Map([['d1', 1]])],
    ['q2', new Map([['d2', 1]])],
  ]),
  qrelsFile: 'qrels/test.tsv',
  notes: [],
};

const options: EvaluateOptions = {
  dataset: 'tiny',
  set,
  model: { id: 'words', encoder, createScorer: () => Promise.resolve(createReferenceScorer()) },
};

describe('evaluate', () => {
  it('ranks by the best passage and measures', async () => {
    const evaluation = await evaluate({ ...options, baselines: ['bm25'] });
    // q1 finds d1 first. q2: d2 and d3 are level, and the higher id goes first, so d2 is second: nDCG 1/log2(3).
    const ndcg10 = (1 + 1 / Math.log2(3)) / 2;
    const { results, baselines, ...rest } = evaluation;
    expect(rest).toEqual({ dataset: 'tiny', model: 'words', documents: 4, chunks: 3, queries: 2 });
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ dim, precision: 'int8', recall100: 1, mrr10: 0.75 });
    expect(results[0]!.ndcg10).toBeCloseTo(ndcg10, 12);
    // 5 tokens of 16 bytes, and 4 offsets
    expect(results[0]!.indexBytes).toBe(5 * 16 + 4 * 4);
    expect(results[0]!.msPerQuery).toBeGreaterThan(0);
    // To BM25 the shorter of the two is better, and both together follow it where meaning is undecided.
    expect(results[0]!.both).toEqual({ ndcg10: 1, recall100: 1, mrr10: 1 });
    expect(baselines).toEqual([{ name: 'bm25', ndcg10: 1, recall100: 1, mrr10: 1 }]);
  });

  it('hands passages over document by document where they are not read each by itself', async () => {
    const seen: (readonly (readonly string[])[])[] = [];
    const encodePassages = async function* (documents: readonly (readonly string[])[]) {
      seen.push(documents);
      yield* await Promise.resolve(documents.flat().map(rowsOf));
    };
    const long = 'Silt fills the harbour. '.repeat(60);
    const longer = { ...set, documents: [...set.documents, { id: 'd5', title: '', text: long }] };
    const model = { ...options.model!, encodePassages };
    const evaluation = await evaluate({ ...options, set: longer, model });
    const plain = await evaluate({ ...options, set: longer });
    expect(seen).toHaveLength(1);
    // d4 has no passage; the last has several.
    expect(seen[0]!.slice(0, 3)).toEqual([['harbour\nsilt'], ['train'], ['night train']]);
    expect(seen[0]).toHaveLength(4);
    expect(seen[0]![3]!.length).toBeGreaterThan(1);
    expect(evaluation.chunks).toBe(seen[0]!.flat().length);
    expect(evaluation.results.map(({ ndcg10 }) => ndcg10)).toEqual(plain.results.map(({ ndcg10 }) => ndcg10));
  });

  it('gives one result per dimension and precision', async () => {
    const { results } = await evaluate({
      ...options,
      model: { ...options.model!, dims: [16, 8], precisions: ['int8', 'f32'] },
    });
    expect(results.map(({ dim, precision, indexBytes }) => [dim, precision, indexBytes])).toEqual([
      [16, 'int8', 96],
      [16, 'f32', 336],
      [8, 'int8', 56],
      [8, 'f32', 176],
    ]);
    // Each word's own place is among the first eight: nothing is lost.
    expect(new Set(results.map(({ mrr10 }) => mrr10)).size).toBe(1);
  });

  it('holds four bits a component, and gives the best their exact scores', async () => {
    const { results } = await evaluate({
      ...options,
      model: { ...options.model!, precisions: ['int8', 'int4', 'int4-coarse'] },
    });
    const [int8, int4, coarse] = results;
    expect(results.map(({ precision, indexBytes }) => [precision, indexBytes])).toEqual([
      ['int8', 96],
      ['int4', 5 * 8 + 4 * 4],
      ['int4-coarse', 5 * 8 + 4 * 4],
    ]);
    const figures = ({ ndcg10, recall100, mrr10 } = int8!) => ({ ndcg10, recall100, mrr10 });
    expect(figures(int4)).toEqual(figures(int8));
    expect(int8!.top10OfInt8).toBeUndefined();
    for (const { top10OfInt8 } of [int4!, coarse!]) expect(top10OfInt8).toEqual({ overlap: 1, deepestRank: 3 });
  });

  it('gives one result per pool factor', async () => {
    const text = 'silt silt silt harbour harbour harbour train train';
    const documents = [...set.documents.slice(0, 3), { id: 'd4', title: '', text }];
    const { results } = await evaluate({
      ...options,
      set: { ...set, documents },
      model: { ...options.model!, poolFactors: [1, 2, 4] },
    });
    // d1 and d3 have two tokens, d2 one, all of them protected. d4 has eight, of which six behind those: 3 rows, or 1.
    const offsets = 5 * 4;
    expect(results.map(({ poolFactor, indexBytes }) => [poolFactor, indexBytes])).toEqual([
      [1, (5 + 8) * 16 + offsets],
      [2, (5 + 2 + 3) * 16 + offsets],
      [4, (5 + 2 + 1) * 16 + offsets],
    ]);
  });

  it('a long document counts once, by its best passage', async () => {
    const nights = 'night night night night. '.repeat(60);
    const long = `${nights}\n\n${'silt '.repeat(80)}\n\n${nights}`;
    const documents = [...set.documents, { id: 'd5', title: '', text: long }];
    const judgements = new Map([['q1', new Map([['d5', 1]])]]);
    const given: BeirSet = { ...set, documents, judgements, queries: [{ id: 'q1', text: 'silt' }] };
    const evaluation = await evaluate({ ...options, set: given });
    expect(evaluation.chunks).toBeGreaterThan(4);
    expect(evaluation.results[0]!.mrr10).toBe(1);
  });

  it('baselines alone need no model; fewer queries are the first', async () => {
    const evaluation = await evaluate({ dataset: 'tiny', set, baselines: ['bm25'], limitQueries: 1 });
    expect(evaluation).toMatchObject({ model: '', chunks: 0, queries: 1, results: [], baselines: [{ ndcg10: 1 }] });
  });

  it('destroys its scorers, also after a failure', async () => {
    let destroyed = 0;
    const scorer = createReferenceScorer();
    const failing = {
      ...options.model!,
      createScorer: () =>
        Promise.resolve({
          kind: scorer.kind,
          blocks: [],
          residentBytes: 0,
          threads: 1,
          load: () => Promise.reject(new Error('no room')),
          unload: () => Promise.resolve(),
          score: () => Promise.reject(new Error('unused')),
          scoreBatch: () => Promise.reject(new Error('unused')),
          explain: () => Promise.reject(new Error('unused')),
          destroy: () => {
            destroyed++;
          },
        }),
    };
    await expect(evaluate({ ...options, model: failing })).rejects.toThrow('no room');
    expect(destroyed).toBe(1);
  });

  it('stops on request, and refuses dimensions that are not there', async () => {
    await expect(evaluate({ ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    for (const dims of [[17], [0], [1.5]]) {
      await expect(evaluate({ ...options, model: { ...options.model!, dims } })).rejects.toMatchObject({
        code: 'invalid-argument',
      });
    }
  });
});
