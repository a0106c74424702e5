/**
 * The specification: MaxSim in loops to be read, not to be fast. The other scorers are tested against it.
 *
 *   score(Q, D) = Σ_q  max_d  ⟨q, d⟩          q over the query's rows, d over the chunk's token vectors
 *
 * Each query token looks for the document token most like it, and the similarities add up ("late interaction":
 * Khattab & Zaharia, ColBERT, SIGIR 2020). For int8 blocks ⟨q, d⟩ is an integer dot product of the 7-bit query with
 * the stored bytes; maximum and sum stay integers, and only the finished sum is multiplied by the two scales. Integer
 * sums do not depend on their order: that is why every device can agree bit for bit. Among equal tokens the first wins.
 * int4 blocks are int8 blocks of sixteen times each code, and in all else the same.
 */
import { unpackInt4Rows } from '../vectors/int4.ts';
import { prepareQuery, type PreparedQuery } from './query.ts';
import { checkAmong, type ResidentBlock, ResidentBlocks, settle } from './resident.ts';
import type { ChunkExplanation, QueryRows, Scorer, ScorerBlock } from './scorer.ts';

export function createReferenceScorer(): Scorer {
  return new ReferenceScorer();
}

/**
 * For each query row the chunk's best token; the GPU scorer uses it too, since one chunk is little work.
 * @param vectors [≥ firstToken + numTokens, stride], of which the first `dim` components of each row count
 * @param among [numTokens] 1 for each token that may win; all where it is left out
 */
export function explainChunk(
  query: PreparedQuery,
  vectors: Int8Array | Float32Array,
  shape: { readonly firstToken: number; readonly numTokens: number; readonly dim: number; readonly stride: number },
  among?: Uint8Array,
): ChunkExplanation {
  checkAmong(among, shape.numTokens);
  const bestToken = new Int32Array(query.numRows).fill(-1);
  const similarity = new Float32Array(query.numRows);
  for (let row = 0; row < query.numRows; row++) {
    let best = -Infinity;
    for (let token = 0; token < shape.numTokens; token++) {
      if (among?.[token] === 0) continue;
      const start = (shape.firstToken + token) * shape.stride;
      const product = dot(query.rows, row * shape.dim, vectors, start, shape.dim);
      if (product > best) {
        best = product;
        bestToken[row] = token;
      }
    }
    if (best > -Infinity) similarity[row] = query.toScore(best);
  }
  return { bestToken, similarity };
}

class ReferenceScorer implements Scorer {
  readonly kind = 'js';
  readonly threads = 1;
  readonly #resident = new ResidentBlocks<ScorerBlock['vectors']>();

  get blocks(): Scorer['blocks'] {
    return this.#resident.summary;
  }

  get residentBytes(): number {
    return this.#resident.all.reduce((bytes, block) => bytes + block.storage.byteLength, 0);
  }

  load(block: ScorerBlock): Promise<void> {
    return settle(() => {
      this.#resident.checkBlock(block);
      this.#resident.append(block, block.vectors.slice());
    });
  }

  unload(blockId: string): Promise<void> {
    return settle(() => {
      this.#resident.remove(blockId);
    });
  }

  score(query: QueryRows, selection?: Uint32Array): Promise<Float32Array> {
    return settle(() => this.#scores(query, selection));
  }

  scoreBatch(queries: readonly QueryRows[], selection?: Uint32Array): Promise<Float32Array[]> {
    return settle(() => {
      for (const query of queries) this.#resident.checkQuery(query);
      this.#resident.checkSelection(selection);
      return queries.map((query) => this.#scores(query, selection));
    });
  }

  explain(query: QueryRows, chunk: number, among?: Uint8Array): Promise<ChunkExplanation> {
    return settle(() => {
      this.#resident.checkQuery(query);
      const found = this.#resident.locate(chunk);
      const { dim } = query;
      const { vectors, ...tokens } = tokensOf(found.block, found.chunk, dim);
      const prepared = prepareQuery(query, this.#resident.format!);
      return explainChunk(prepared, vectors, { ...tokens, dim, stride: dim }, among);
    });
  }

  destroy(): void {
    this.#resident.destroy();
  }

  #scores(query: QueryRows, selection: Uint32Array | undefined): Float32Array {
    this.#resident.checkQuery(query);
    this.#resident.checkSelection(selection);
    const scores = new Float32Array(selection?.length ?? this.#resident.numChunks);
    const format = this.#resident.format;
    if (format === undefined) return scores;
    const prepared = prepareQuery(query, format);
    this.#resident.visit(selection, (block, chunk, position) => {
      const { vectors, firstToken, numTokens } = tokensOf(block, chunk, format.dim);
      const sum = maxSim(prepared, vectors, firstToken, firstToken + numTokens, format.dim);
      scores[position] = prepared.toScore(sum);
    });
    return scores;
  }
}

/** Where a chunk's token rows are; those of four bits are unpacked first. */
function tokensOf({ storage, offsets }: ResidentBlock<ScorerBlock['vectors']>, chunk: number, dim: number) {
  const firstToken = offsets[chunk]!;
  const numTokens = offsets[chunk + 1]! - firstToken;
  if (!(storage instanceof Uint8Array)) return { vectors: storage, firstToken, numTokens };
  return { vectors: unpackInt4Rows(storage, dim, firstToken, numTokens), firstToken: 0, numTokens };
}

/** The formula above for token rows `firstToken` to `endToken`; 0 where there are none. */
function maxSim(
  query: PreparedQuery,
  vectors: Int8Array | Float32Array,
  firstToken: number,
  endToken: number,
  dim: number,
): number {
  if (firstToken === endToken) return 0;
  let sum = 0;
  for (let row = 0; row < query.numRows; row++) {
    let best = -Infinity;
    for (let token = firstToken; token < endToken; token++) {
      best = Math.max(best, dot(query.rows, row * dim, vectors, token * dim, dim));
    }
    sum += best;
  }
  return sum;
}

function dot(
  a: Int8Array | Float32Array,
  aStart: number,
  b: Int8Array | Float32Array,
  bStart: number,
  dim: number,
): number {
  let sum = 0;
  for (let k = 0; k < dim; k++) sum += a[aStart + k]! * b[bStart + k]!;
  return sum;
}
