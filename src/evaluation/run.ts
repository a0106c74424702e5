/**
 * How well a model finds what it should: a BEIR set through the same steps as a person's documents (passages, token
 * vectors, stored bytes, MaxSim), a document's score being that of its best passage.
 */
import type { EncodeOptions, EncodedText } from '../colbert/encoder.ts';
import { LateralError, throwIfAborted } from '../errors.ts';
import { complete } from '../extract/builder.ts';
import { extractPlain } from '../extract/plain.ts';
import { beirText, type BeirDocument, type BeirQuery, type BeirSet } from '../interop/beir.ts';
import { createExactRanking } from '../engine/rescoring.ts';
import { defaultK } from '../engine/searching.ts';
import { toInt4Block } from '../maxsim/int4.ts';
import type { QueryRows, Scorer, VectorBlock } from '../maxsim/scorer.ts';
import { chunkText } from '../text/chunk.ts';
import { fuse, fusionDepth } from '../ranking/fuse.ts';
import { KeywordIndex } from '../ranking/keyword-index.ts';
import { topK } from '../ranking/top-k.ts';
import { termsWithMeaning } from '../ranking/words.ts';
import { lexicalTerms } from '../text/lexical.ts';
import type { PoolFactor, Precision } from '../types.ts';
import { truncateRows } from '../vectors/matryoshka.ts';
import { poolRows } from '../vectors/pool.ts';
import { defaultScale, quantizeRows } from '../vectors/quantize.ts';
import { buildBm25 } from './bm25.ts';
import { meanMeasures, rank, type Measures, type ScoredDocument } from './metrics.ts';

/** What is asked of an encoder here; colbert/encoder.ts has it. */
export interface EvaluatedEncoder {
  readonly dim: number;
  encodeDocuments(
    texts: readonly string[],
    options?: EncodeOptions,
  ): Promise<readonly Pick<EncodedText, 'rows' | 'numTokens'>[]>;
  encodeQuery(text: string, signal?: AbortSignal): Promise<Pick<EncodedText, 'rows' | 'numTokens'>>;
}

export type EncodedPassage = Pick<EncodedText, 'rows' | 'numTokens'>;

/**
 * How vectors are kept and compared. 'int4': kept in int8, held in four bits a component, with exact scores of the best as the engine
 * gives them; 'int4-coarse': by the four bits alone.
 */
export type EvaluatedPrecision = Precision | 'int4' | 'int4-coarse';

export interface EvaluateOptions {
  /** The set's name, for the report. */
  readonly dataset: string;
  readonly set: BeirSet;
  /** Without it only the baselines run. */
  readonly model?:
    | {
        readonly id: string;
        readonly encoder: EvaluatedEncoder;
        /** One for each result; destroyed after it. */
        readonly createScorer: () => Promise<Scorer>;
        /** Default: the encoder's own. */
        readonly dims?: readonly number[] | undefined;
        /** Default: int8. */
        readonly precisions?: readonly EvaluatedPrecision[] | undefined;
        /** Tokens per stored vector. Default: 1. */
        readonly poolFactors?: readonly PoolFactor[] | undefined;
        /**
         * How passages become rows where not each by itself: given those of each document, the rows of all, in order
         * (colbert/windows.ts). Default: by `encoder.encodeDocuments`.
         */
        readonly encodePassages?:
          | ((documents: readonly (readonly string[])[], signal?: AbortSignal) => AsyncIterable<EncodedPassage>)
          | undefined;
        /** Stored int8 × scale = component. Default 1/127. */
        readonly scale?: number | undefined;
      }
    | undefined;
  /** With a model, bm25 also gives each result its figures for both fused, as the engine does it. */
  readonly baselines?: readonly 'bm25'[] | undefined;
  /** Only the first of the set's queries. */
  readonly limitQueries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: EvaluationProgress) => void) | undefined;
}

export interface EvaluationProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** The command line prints this as JSON. */
export interface Evaluation {
  readonly dataset: string;
  /** '' where only baselines ran. */
  readonly model: string;
  readonly documents: number;
  /** Passages; 0 where only baselines ran. */
  readonly chunks: number;
  readonly queries: number;
  readonly results: readonly EvaluationResult[];
  readonly baselines: readonly EvaluationBaseline[];
}

interface Figures {
  readonly ndcg10: number;
  readonly recall100: number;
  readonly mrr10: number;
}

export interface EvaluationResult extends Figures {
  readonly dim: number;
  readonly precision: EvaluatedPrecision;
  readonly poolFactor: PoolFactor;
  /** Vectors and offsets, as they are held for search. */
  readonly indexBytes: number;
  /**
   * Mean time from the query's text to its ranked documents: encoding (once for all results), scoring, ranking. Queries are
   * scored sixteen at a time, which is a little quicker than one by one.
   */
  readonly msPerQuery: number;
  /** Of int4: the share of int8's ten best passages that are among the ten best, and the deepest coarse rank of any of int8's. */
  readonly top10OfInt8?: { readonly overlap: number; readonly deepestRank: number };
  /** Meaning and words fused, passage by passage; where bm25 was asked for. */
  readonly both?: Figures;
}

export interface EvaluationBaseline extends Figures {
  readonly name: 'bm25';
}

/** Documents kept per query, as trec_eval has it. */
const depth = 1000;
/** Passages of one packed master copy, and of one stored block. 250 tokens × 128 × 4 bytes: 256 MB in f32. */
const passagesPerBlock = 2000;
/** Passages handed to the encoder at a time. */
const passagesPerBatch = 64;
/** Queries handed to the scorer at a time: 512 rows of 32 each, which is what its kernels hold at once. */
const queriesPerBatch = 16;

/**
 * Memory: all token vectors in f32 at the encoder's dimension (5,000 passages of 250 tokens × 128: 640 MB), those of one pool
 * factor beside them, plus one result's stored bytes; sets beyond about 15,000 passages need a machine with more than 4 GB.
 * @throws 'aborted'; 'invalid-argument' for a dimension that the encoder cannot give
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { dataset, set, model, baselines = [] } = options;
  const queries = set.queries.slice(0, options.limitQueries);
  for (const dim of model?.dims ?? []) {
    if (!(Number.isInteger(dim) && dim >= 1 && dim <= model!.encoder.dim)) {
      throw new LateralError(
        'invalid-argument',
        `${model!.id} gives 1 to ${model!.encoder.dim} dimensions, not ${dim}.`,
      );
    }
  }
  const bm25 = baselines.map((name) => ({ name, ...figures(evaluateBm25(set, queries, options)) }));
  if (model === undefined) {
    return {
      dataset,
      model: '',
      documents: set.documents.length,
      chunks: 0,
      queries: queries.length,
      results: [],
      baselines: bm25,
    };
  }

  const passages = cutPassages(set.documents);
  const master = await encodePassages(model, passages, options);
  const encoded = await encodeQueries(model.encoder, queries, options);
  const keywords = baselines.includes('bm25') ? indexWords(passages) : null;
  const results: EvaluationResult[] = [];
  for (const poolFactor of model.poolFactors ?? [1]) {
    const rows = poolFactor === 1 ? master : poolPassages(master, model.encoder.dim, poolFactor, options);
    for (const dim of model.dims ?? [model.encoder.dim]) {
      for (const precision of model.precisions ?? ['int8']) {
        const scale = precision === 'f32' ? 1 : (model.scale ?? defaultScale);
        const settings: Settings = { dim, precision, scale, poolFactor };
        results.push(
          await evaluateSettings(settings, { ...options, model }, queries, passages, rows, encoded, keywords),
        );
      }
    }
  }
  return {
    dataset,
    model: model.id,
    documents: set.documents.length,
    chunks: passages.texts.length,
    queries: queries.length,
    results,
    baselines: bm25,
  };
}

// ─── passages and vectors ───────────────────────────────────────────────────────────────────────────

interface Passages {
  readonly texts: readonly string[];
  /** For each passage its document's position. */
  readonly documents: readonly number[];
}

function cutPassages(given: readonly BeirDocument[]): Passages {
  const texts: string[] = [];
  const documents: number[] = [];
  given.forEach((document, position) => {
    const text = complete(extractPlain(beirText(document), 'prose'), 'text/plain', []);
    for (const { start, end } of chunkText(text)) {
      texts.push(text.text.slice(start, end));
      documents.push(position);
    }
  });
  return { texts, documents };
}

/** Consecutive passages, packed. */
interface Packed {
  /** [numTokens, the encoder's dim] */
  readonly rows: Float32Array;
  /** [numPassages + 1] in tokens */
  readonly offsets: Uint32Array;
}

async function encodePassages(
  model: NonNullable<EvaluateOptions['model']>,
  passages: Passages,
  { signal, onProgress }: EvaluateOptions,
): Promise<Packed[]> {
  const master: Packed[] = [];
  let waiting: EncodedPassage[] = [];
  const total = passages.texts.length;
  let done = 0;
  const encoded =
    model.encodePassages?.(byDocument(passages), signal) ?? oneByOne(model.encoder, passages.texts, signal);
  onProgress?.({ phase: 'encoding passages', done, total });
  for await (const passage of encoded) {
    throwIfAborted(signal);
    waiting.push(passage);
    if (++done % passagesPerBatch === 0 || done === total) onProgress?.({ phase: 'encoding passages', done, total });
    if (waiting.length < passagesPerBlock && done < total) continue;
    master.push(pack(waiting, model.encoder.dim));
    waiting = [];
  }
  return master;
}

async function* oneByOne(
  encoder: EvaluatedEncoder,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<EncodedPassage> {
  for (let from = 0; from < texts.length; from += passagesPerBatch) {
    throwIfAborted(signal);
    yield* await encoder.encodeDocuments(texts.slice(from, from + passagesPerBatch), { signal });
  }
}

function byDocument({ texts, documents }: Passages): string[][] {
  const groups: string[][] = [];
  texts.forEach((text, i) => {
    if (documents[i] === documents[i - 1]) groups.at(-1)!.push(text);
    else groups.push([text]);
  });
  return groups;
}

function pack(encoded: readonly EncodedPassage[], dim: number): Packed {
  const offsets = new Uint32Array(encoded.length + 1);
  encoded.forEach(({ numTokens }, i) => (offsets[i + 1] = offsets[i]! + numTokens));
  const rows = new Float32Array(offsets[encoded.length]! * dim);
  encoded.forEach((text, i) => rows.set(text.rows, offsets[i]! * dim));
  return { rows, offsets };
}

/** As the engine does it when a document is added: before anything is cut off. */
function poolPassages(
  master: readonly Packed[],
  dim: number,
  poolFactor: PoolFactor,
  { signal, onProgress }: EvaluateOptions,
): Packed[] {
  const phase = `pooling by ${poolFactor}`;
  const pooled = master.map(({ rows, offsets }, done) => {
    onProgress?.({ phase, done, total: master.length });
    const passages = Array.from(offsets.subarray(1), (end, i) => {
      throwIfAborted(signal);
      const own = poolRows(rows.subarray(offsets[i]! * dim, end * dim), dim, poolFactor).rows;
      return { rows: own, numTokens: own.length / dim };
    });
    return pack(passages, dim);
  });
  onProgress?.({ phase, done: master.length, total: master.length });
  return pooled;
}

interface EncodedQueries {
  /** For each query [numRows, the encoder's dim]. */
  readonly rows: readonly Float32Array[];
  readonly msPerQuery: number;
}

async function encodeQueries(
  encoder: EvaluatedEncoder,
  queries: readonly BeirQuery[],
  { signal, onProgress }: EvaluateOptions,
): Promise<EncodedQueries> {
  const rows: Float32Array[] = [];
  const started = performance.now();
  for (const { text } of queries) {
    throwIfAborted(signal);
    if (rows.length % passagesPerBatch === 0) {
      onProgress?.({ phase: 'encoding queries', done: rows.length, total: queries.length });
    }
    rows.push((await encoder.encodeQuery(text, signal)).rows);
  }
  return { rows, msPerQuery: (performance.now() - started) / Math.max(1, queries.length) };
}

interface Run {
  readonly ranked: readonly string[];
  readonly judgements: ReadonlyMap<string, number>;
}

// ─── one result ─────────────────────────────────────────────────────────────────────────────────────

interface Settings {
  readonly dim: number;
  readonly precision: EvaluatedPrecision;
  readonly scale: number;
  readonly poolFactor: PoolFactor;
}

async function evaluateSettings(
  settings: Settings,
  options: EvaluateOptions & { readonly model: NonNullable<EvaluateOptions['model']> },
  queries: readonly BeirQuery[],
  passages: Passages,
  master: readonly Packed[],
  encoded: EncodedQueries,
  keywords: KeywordIndex | null,
): Promise<EvaluationResult> {
  const { model, set, signal, onProgress } = options;
  const { dim, precision, poolFactor } = settings;
  const phase = `searching at ${dim} ${precision}${poolFactor === 1 ? '' : `, pooled by ${poolFactor}`}`;
  const scorer = await model.createScorer();
  const exact = isInt4(precision) ? await model.createScorer() : null;
  try {
    let indexBytes = 0;
    for (const [i, packed] of master.entries()) {
      const stored = makeBlock(`block-${i}`, packed, model.encoder.dim, settings);
      const block = exact === null ? stored : toInt4Block(stored);
      await scorer.load(block);
      await exact?.load(stored);
      indexBytes += block.vectors.byteLength + block.offsets.byteLength;
    }
    const overlaps: Overlap[] = [];
    const runs: Run[] = [];
    const fusedRuns: Run[] = [];
    let untimedMs = 0;
    const started = performance.now();
    for (let first = 0; first < queries.length; first += queriesPerBatch) {
      throwIfAborted(signal);
      onProgress?.({ phase, done: first, total: queries.length });
      const batch = queries.slice(first, first + queriesPerBatch);
      const rows = batch.map((_, i) => ({ rows: truncateRows(encoded.rows[first + i]!, model.encoder.dim, dim), dim }));
      const coarse = await scorer.scoreBatch(rows);
      const scores = [...coarse];
      if (exact !== null) {
        if (precision === 'int4') {
          for (const [i, one] of coarse.entries()) scores[i] = await rescored(one, rows[i]!, exact);
        }
        const comparingFrom = performance.now();
        const stored = await exact.scoreBatch(rows);
        stored.forEach((one, i) => overlaps.push(compareTop10(one, coarse[i]!, scores[i]!)));
        untimedMs += performance.now() - comparingFrom;
      }
      for (const [i, query] of batch.entries()) {
        const judgements = judgementsOf(set, query);
        const ranked = rank(bestPerDocument(scores[i]!.entries(), passages, set.documents), depth);
        runs.push({ ranked, judgements });
        if (keywords === null) continue;
        const fusingFrom = performance.now();
        const fused = fuseWithWords(scores[i]!, query.text, keywords);
        fusedRuns.push({ ranked: rank(bestPerDocument(fused, passages, set.documents), depth), judgements });
        untimedMs += performance.now() - fusingFrom;
      }
    }
    const searchMs = (performance.now() - started - untimedMs) / Math.max(1, queries.length);
    onProgress?.({ phase, done: queries.length, total: queries.length });
    return {
      ...{ dim, precision, poolFactor, ...figures(meanMeasures(runs)) },
      ...{ indexBytes, msPerQuery: encoded.msPerQuery + searchMs },
      ...(exact === null ? {} : { top10OfInt8: meanOverlap(overlaps) }),
      ...(keywords === null ? {} : { both: figures(meanMeasures(fusedRuns)) }),
    };
  } finally {
    scorer.destroy();
    exact?.destroy();
  }
}

function isInt4(precision: EvaluatedPrecision): boolean {
  return precision === 'int4' || precision === 'int4-coarse';
}

/** As the engine ranks for ten hits; all others are below. */
async function rescored(coarse: Float32Array, query: QueryRows, exact: Scorer): Promise<Float32Array> {
  const score = async (passages: readonly number[]): Promise<Float32Array> => {
    const selection = Uint32Array.from(passages).sort();
    const scores = await exact.score(query, selection);
    const found = new Map(Array.from(selection, (passage, i) => [passage, scores[i]!]));
    return Float32Array.from(passages, (passage) => found.get(passage)!);
  };
  const best = await createExactRanking(coarse, (passage) => passage, score, defaultK)(fusionDepth);
  const lowest = best.at(-1)?.score ?? Infinity;
  const scores = coarse.map((one) => Math.min(one, lowest));
  for (const { position, score: one } of best) scores[position] = one;
  return scores;
}

interface Overlap {
  readonly overlap: number;
  readonly deepestRank: number;
}

function compareTop10(exact: Float32Array, coarse: Float32Array, scores: Float32Array): Overlap {
  const wanted = topK(exact, 10);
  const found = new Set(topK(scores, 10));
  const ranks = new Map(topK(coarse, coarse.length).map((passage, i) => [passage, i + 1]));
  const shared = wanted.filter((passage) => found.has(passage)).length;
  return {
    overlap: wanted.length === 0 ? 1 : shared / wanted.length,
    deepestRank: Math.max(0, ...wanted.map((passage) => ranks.get(passage)!)),
  };
}

function meanOverlap(overlaps: readonly Overlap[]): Overlap {
  return {
    overlap: overlaps.reduce((sum, { overlap }) => sum + overlap, 0) / Math.max(1, overlaps.length),
    deepestRank: Math.max(0, ...overlaps.map(({ deepestRank }) => deepestRank)),
  };
}

function makeBlock(id: string, packed: Packed, fromDim: number, { dim, precision, scale }: Settings): VectorBlock {
  const rows = truncateRows(packed.rows, fromDim, dim);
  const { offsets } = packed;
  if (precision === 'f32') return { id, dim, precision, scale, vectors: rows, offsets };
  return { id, dim, precision: 'int8', scale, vectors: quantizeRows(rows, scale), offsets };
}

/** A document's score is that of its best passage; one without passages is not found. */
function bestPerDocument(
  scores: Iterable<readonly [passage: number, score: number]>,
  passages: Passages,
  documents: readonly BeirDocument[],
): ScoredDocument[] {
  const best = new Map<number, number>();
  for (const [passage, score] of scores) {
    const document = passages.documents[passage]!;
    best.set(document, Math.max(score, best.get(document) ?? -Infinity));
  }
  return Array.from(best, ([document, score]) => ({ id: documents[document]!.id, score }));
}

// ─── both ───────────────────────────────────────────────────────────────────────────────────────────

/** Each passage is a document of one passage here, named by its position. */
function indexWords({ texts }: Passages): KeywordIndex {
  const index = new KeywordIndex();
  texts.forEach((text, position) => index.add({ id: String(position), addedAt: 0 }, 0, [text]));
  return index;
}

/** @returns passages with their fused scores */
function fuseWithWords(scores: Float32Array, query: string, keywords: KeywordIndex): [number, number][] {
  const terms = termsWithMeaning(lexicalTerms(query));
  const words = keywords.hasOnlyCommon(terms, fusionDepth) ? [] : keywords.search(terms, fusionDepth);
  const byWords = words
    .map(({ documentId, ...found }) => ({ ...found, position: Number(documentId) }))
    .sort((a, b) => b.score - a.score || a.position - b.position);
  const byMeaning = topK(scores, fusionDepth).map((position) => ({ position, score: scores[position]! }));
  return fuse(byMeaning, byWords, terms).map(({ position, score }) => [position, score]);
}

// ─── baseline ───────────────────────────────────────────────────────────────────────────────────────

function evaluateBm25(set: BeirSet, queries: readonly BeirQuery[], { onProgress, signal }: EvaluateOptions): Measures {
  onProgress?.({ phase: 'bm25', done: 0, total: queries.length });
  const bm25 = buildBm25(set.documents.map((document) => lexicalTerms(beirText(document))));
  const runs = queries.map((query) => {
    throwIfAborted(signal);
    const scored = Array.from(bm25.score(lexicalTerms(query.text)), ([document, score]) => ({
      id: set.documents[document]!.id,
      score,
    }));
    return { ranked: rank(scored, depth), judgements: judgementsOf(set, query) };
  });
  onProgress?.({ phase: 'bm25', done: queries.length, total: queries.length });
  return meanMeasures(runs);
}

function judgementsOf(set: BeirSet, query: BeirQuery): ReadonlyMap<string, number> {
  return set.judgements.get(query.id) ?? new Map<string, number>();
}

function figures({ ndcg10, recall100, mrr10 }: Measures): Figures {
  return { ndcg10, recall100, mrr10 };
}
