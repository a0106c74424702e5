/**
 * Blocks as values: building one of documents, taking a document out again, and deciding which blocks compaction makes
 * one of. No storage here, so that both stores keep and merge vectors in the same way.
 */
import type { VectorBlock } from '../maxsim/scorer.ts';
import { isSameShape, narrowRows, type RowShape } from '../vectors/narrow.ts';
import type { BlockInfo, NewVectors, RowRange, StoreUsage } from './index-store.ts';
import { type BlockDocument, type BlockRecord, blockIdOf, checksumOf, outsideBlock } from './schema.ts';

type Vectors = Int8Array | Float32Array;

/** Record and vectors of one block together. */
export interface Block {
  readonly record: BlockRecord;
  /** [numTokens, dim] */
  readonly vectors: Vectors;
}

/** One document's share of a block. */
export interface BlockPart {
  readonly id: string;
  readonly vectors: Vectors;
  /** [chunkCount + 1], from 0. */
  readonly offsets: Uint32Array;
}

export interface BlockLimits {
  /** Vector bytes that a sealed block should not pass; a single larger document has a block to itself. */
  readonly targetBytes: number;
  /** Bounds the size of a block's record, and of the transaction that moves its documents. */
  readonly maxDocuments: number;
}

/** Blocks of 8 to 32 MiB read fastest (shared/performance.md, Storage). */
export const defaultLimits: BlockLimits = { targetBytes: 16 * 2 ** 20, maxDocuments: 10_000 };

/** Packs documents into one unsealed block. `pieceCount` is for whoever splits the bytes to set. */
export function buildBlock(number: number, parts: readonly BlockPart[], { dim, precision, scale }: RowShape): Block {
  const numChunks = sum(parts, (part) => part.offsets.length - 1);
  const length = sum(parts, (part) => part.vectors.length);
  const offsets = new Uint32Array(numChunks + 1);
  const vectors = precision === 'int8' ? new Int8Array(length) : new Float32Array(length);
  const documents: BlockDocument[] = [];
  let chunk = 0;
  let component = 0;
  for (const part of parts) {
    const firstToken = component / dim;
    const chunkCount = part.offsets.length - 1;
    for (let c = 1; c <= chunkCount; c++) offsets[chunk + c] = firstToken + part.offsets[c]!;
    vectors.set(part.vectors, component);
    chunk += chunkCount;
    component += part.vectors.length;
    documents.push({ id: part.id, chunkCount, removed: false });
  }
  const checksum = checksumOf(offsets, vectors);
  const { byteLength } = vectors;
  const id = blockIdOf(number);
  return {
    record: { id, sealed: false, documents, offsets, dim, precision, scale, byteLength, pieceCount: 0, checksum },
    vectors,
  };
}

/** The documents of one `add` as few blocks as the limits allow, in order. Almost always one. */
export function buildBlocks(
  firstNumber: number,
  documents: readonly NewVectors[],
  shape: RowShape,
  limits: BlockLimits,
): Block[] {
  const fill = ({ vectors }: NewVectors): number =>
    Math.max(vectors.byteLength / limits.targetBytes, 1 / limits.maxDocuments);
  return group(documents, fill).map((members, i) =>
    buildBlock(
      firstNumber + i,
      members.map(({ record, vectors, offsets }) => ({ id: record.id, vectors, offsets })),
      shape,
    ),
  );
}

/** Documents that wait for vectors, in one block: with each group of them that gets its own, its record is written again. */
const maxWaitingDocuments = 200;

/**
 * Blocks of the same documents and chunks without a token, for vectors of this shape to come. They have other numbers than those
 * they come of, which others know. Sealed and left alone by compaction: they go when their last document has its vectors.
 */
export function emptyBlocks(firstNumber: number, records: readonly BlockRecord[], shape: RowShape): Block[] {
  const live = inOrder(records).flatMap(({ documents }) => documents.filter(({ removed }) => !removed));
  const vectors = shape.precision === 'int8' ? new Int8Array(0) : new Float32Array(0);
  return Array.from({ length: Math.ceil(live.length / maxWaitingDocuments) }, (_, i) => {
    const parts = live
      .slice(i * maxWaitingDocuments, (i + 1) * maxWaitingDocuments)
      .map(({ id, chunkCount }) => ({ id, vectors, offsets: new Uint32Array(chunkCount + 1) }));
    const block = buildBlock(firstNumber + i, parts, shape);
    return { ...block, record: { ...block.record, sealed: true } };
  });
}

/** Whether a block holds documents whose vectors were dropped. */
function isWaiting(record: BlockRecord): boolean {
  return spansOf(record).some(
    ({ document, firstToken, endToken }) => !document.removed && document.chunkCount > 0 && firstToken === endToken,
  );
}

/** The same block with rows of another shape: what an index that was narrowed still holds from before. */
export function narrowBlock(block: Block, shape: RowShape): Block {
  if (isSameShape(block.record, shape)) return block;
  const { id, sealed, documents, offsets } = block.record;
  const vectors = narrowRows(block.vectors, block.record, shape);
  const { dim, precision, scale } = shape;
  const { byteLength } = vectors;
  const checksum = checksumOf(offsets, vectors);
  return {
    // Not in pieces: those that it was read of hold other bytes.
    record: { id, sealed, documents, offsets, dim, precision, scale, byteLength, pieceCount: 0, checksum },
    vectors,
  };
}

/** A block in which these documents are flagged as removed, or null where none is left. */
export function without(record: BlockRecord, ids: ReadonlySet<string>): BlockRecord | null {
  const documents = record.documents.map((entry) => (ids.has(entry.id) ? { ...entry, removed: true } : entry));
  return documents.every((entry) => entry.removed) ? null : { ...record, documents };
}

/** One sealed block of the documents of several that were not removed, with rows of this shape. */
export function mergeBlocks(number: number, blocks: readonly Block[], shape: RowShape): Block {
  const parts = blocks.flatMap((block) => livePartsOf(narrowBlock(block, shape)));
  const { record, vectors } = buildBlock(number, parts, shape);
  return { record: { ...record, sealed: true }, vectors };
}

/** A copy of a document's share, as it was added. @returns undefined if the block does not hold it any more. */
export function partOf({ record, vectors }: Block, documentId: string): BlockPart | undefined {
  const span = spansOf(record).find(({ document }) => document.id === documentId && !document.removed);
  return span && cut(record, vectors, span, true);
}

/** Copies of rows, one range after the other. @throws 'invalid-argument' for rows that are not there */
export function rowsOf({ record, vectors }: Block, ranges: readonly RowRange[]): Vectors {
  checkRanges(record, ranges);
  const { dim } = record;
  const length = sum(ranges, ({ first, end }) => end - first) * dim;
  const out = vectors instanceof Int8Array ? new Int8Array(length) : new Float32Array(length);
  let at = 0;
  for (const { first, end } of ranges) {
    out.set(vectors.subarray(first * dim, end * dim), at);
    at += (end - first) * dim;
  }
  return out;
}

/** @throws 'invalid-argument' */
export function checkRanges(
  { id, dim, precision, byteLength }: Pick<BlockRecord, 'id' | keyof RowShape | 'byteLength'>,
  ranges: readonly RowRange[],
): void {
  const numRows = byteLength / rowBytesOf({ dim, precision });
  for (const { first, end } of ranges) {
    if (!(Number.isInteger(first) && Number.isInteger(end) && first >= 0 && first <= end && end <= numRows)) {
      throw outsideBlock(id, first, end, numRows);
    }
  }
}

/** Bytes of a stored row. */
export function rowBytesOf({ dim, precision }: Pick<RowShape, 'dim' | 'precision'>): number {
  return dim * (precision === 'int8' ? 1 : 4);
}

export type CompactionStep =
  /** Nothing to change but the flag: the block is full enough, or alone. */
  { readonly kind: 'seal'; readonly id: string } | { readonly kind: 'merge'; readonly ids: readonly string[] };

/**
 * The next thing worth doing, or null. Tail blocks, blocks with removed documents, blocks of another shape and sealed blocks less
 * than half full are taken together in order, up to a full block. Every step lowers (tail blocks + blocks + removed documents +
 * blocks of another shape or of the old way), so that repeating it ends; what is sealed, clean, of this shape and at least half
 * full is never written again.
 * @param rewriteWholeOnly whether blocks of the old way to lie in pieces are taken too: all of an old index is written anew then
 */
export function planCompaction(
  records: readonly BlockRecord[],
  limits: BlockLimits,
  shape: RowShape,
  skip: ReadonlySet<string> = new Set(),
  rewriteWholeOnly = false,
): CompactionStep | null {
  const candidates = inOrder(records)
    .filter((record) => !skip.has(record.id) && !isWaiting(record))
    .map((record) => ({
      record,
      fill: fillOf(record, limits, shape),
      clean:
        isSameShape(record, shape) &&
        !(rewriteWholeOnly && isWholeOnly(record)) &&
        record.documents.every((d) => !d.removed),
    }))
    .filter(({ record, fill, clean }) => !record.sealed || !clean || fill < 0.5);
  for (const members of group(candidates, ({ fill }) => fill)) {
    const { record, clean } = members[0]!;
    if (members.length > 1 || !clean) return { kind: 'merge', ids: members.map((member) => member.record.id) };
    if (!record.sealed) return { kind: 'seal', id: record.id };
  }
  return null;
}

/** Sealed blocks first, then the tail, each in the order written. */
export function inOrder(records: readonly BlockRecord[]): BlockRecord[] {
  return records.toSorted((a, b) => Number(b.sealed) - Number(a.sealed) || (a.id < b.id ? -1 : 1));
}

/** @param shape of the index's rows: what the block will be read as */
export function toBlockInfo(record: BlockRecord, shape: RowShape): BlockInfo {
  const { id, sealed, offsets } = record;
  const documents = spansOf(record).map(({ document, firstToken, endToken }) => ({
    ...document,
    tokenCount: endToken - firstToken,
  }));
  const numTokens = offsets.at(-1)!;
  const byteLength = numTokens * rowBytesOf(shape);
  const outdated = !isSameShape(record, shape);
  const wholeOnly = isWholeOnly(record);
  return { id, sealed, numChunks: offsets.length - 1, numTokens, byteLength, outdated, wholeOnly, documents };
}

/** Its bytes cannot be told from damaged ones unless all are read. */
function isWholeOnly({ pieceCount, runs }: BlockRecord): boolean {
  return pieceCount > 0 && runs === undefined;
}

export function toVectorBlock({ record, vectors }: Block): VectorBlock {
  const { id, dim, precision, scale, offsets } = record;
  return { id, dim, precision, scale, vectors, offsets };
}

/** Counts what was not removed; bytes and blocks are all that are kept until compaction. */
export function usageOf(
  records: readonly BlockRecord[],
  { sourceBytes, asideBytes }: Pick<StoreUsage, 'sourceBytes' | 'asideBytes'>,
): StoreUsage {
  const live = records.flatMap((record) => spansOf(record).filter(({ document }) => !document.removed));
  return {
    sourceBytes,
    asideBytes,
    documents: live.length,
    chunks: sum(live, ({ document }) => document.chunkCount),
    tokens: sum(live, ({ firstToken, endToken }) => endToken - firstToken),
    vectorBytes: sum(records, (record) => record.byteLength),
    blocks: records.length,
  };
}

interface Span {
  readonly document: BlockDocument;
  readonly firstChunk: number;
  readonly firstToken: number;
  readonly endToken: number;
}

function spansOf({ documents, offsets }: BlockRecord): Span[] {
  let firstChunk = 0;
  return documents.map((document) => {
    const first = firstChunk;
    firstChunk += document.chunkCount;
    return { document, firstChunk: first, firstToken: offsets[first]!, endToken: offsets[firstChunk]! };
  });
}

function livePartsOf({ record, vectors }: Block): BlockPart[] {
  const live = spansOf(record).filter(({ document }) => !document.removed);
  return live.map((span) => cut(record, vectors, span, false));
}

function cut(record: BlockRecord, vectors: Vectors, span: Span, copy: boolean): BlockPart {
  const { document, firstChunk, firstToken, endToken } = span;
  const [from, to] = [firstToken * record.dim, endToken * record.dim];
  return {
    id: document.id,
    vectors: copy ? vectors.slice(from, to) : vectors.subarray(from, to),
    offsets: record.offsets
      .slice(firstChunk, firstChunk + document.chunkCount + 1)
      .map((offset) => offset - firstToken),
  };
}

/** How much of a full block its documents still need: over 1 for a document larger than a block. */
function fillOf(record: BlockRecord, { targetBytes, maxDocuments }: BlockLimits, shape: RowShape): number {
  const live = spansOf(record).filter(({ document }) => !document.removed);
  const tokens = sum(live, ({ firstToken, endToken }) => endToken - firstToken);
  const bytes = tokens * rowBytesOf(shape);
  return Math.max(bytes / targetBytes, live.length / maxDocuments);
}

/** Neighbours together while their fill stays within 1; whatever is larger stands alone. */
function group<T>(items: readonly T[], fillOfItem: (item: T) => number): T[][] {
  const groups: T[][] = [];
  let total = Infinity;
  for (const item of items) {
    const fill = fillOfItem(item);
    total += fill;
    if (total <= 1) {
      groups.at(-1)!.push(item);
    } else {
      groups.push([item]);
      total = fill;
    }
  }
  return groups;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
