/**
 * Passages → the rows that are stored of them: encoded, pooled, cut to the index's dimension, quantised, packed document by document.
 */
import type { EncodedText, Encoder, EncodeOptions } from '../colbert/encoder.ts';
import { encodeInWindows, longDocumentMethods, type PassageRows, windowSize } from '../colbert/windows.ts';
import { LateralError, throwIfAborted, toLateralError } from '../errors.ts';
import { fitsInTab, sessionMemory } from '../models/memory.ts';
import type { ModelEntry } from '../models/registry.ts';
import type { TokenRows } from '../store/index-store.ts';
import type { Chunk, ExtractedText, Fingerprint } from '../types.ts';
import { truncateRows } from '../vectors/matryoshka.ts';
import { poolRows } from '../vectors/pool.ts';
import { quantizeRows } from '../vectors/quantize.ts';
import { createPause } from './pause.ts';

export interface EncodingParts {
  readonly fingerprint: Fingerprint;
  /** Of the model, where it is known: whether this device has the memory for its windows follows from it. */
  readonly shape?: ModelEntry['shape'];
  /** The encoder of the moment: another after a device was lost. */
  encoder(): Encoder;
  /** Called when encoding failed; true where another encoder has taken over and the work may be tried again. */
  recover(error: LateralError, failed: Encoder): Promise<boolean>;
}

/** What is stored of one passage. */
interface StoredRows {
  /** [numRows, dim] in the index's precision. */
  readonly vectors: Int8Array | Float32Array;
  readonly numRows: number;
  /** For each token the row that stands for it; null without pooling. */
  readonly tokenRows: Uint16Array | null;
  readonly truncated: boolean;
}

/** What is stored of one document. */
export interface PackedRows {
  /** [tokenCount, dim] in the index's precision. */
  readonly vectors: Int8Array | Float32Array;
  /** [number of passages + 1] token offsets. */
  readonly offsets: Uint32Array;
  readonly tokenRows: TokenRows | null;
  readonly tokenCount: number;
  readonly truncatedChunks: number;
}

/** Passages encoded between two looks at memory: bounds the unquantised rows that are held. */
const sliceChunks = 64;

/** Told of the passages done so far and the tokens that the last batch read, those of overlaps as often as they were read. */
type OnBatch = (done: number, tokens: number) => void;

export function passagesOf({ text }: ExtractedText, chunks: readonly Chunk[]): string[] {
  return chunks.map(({ start, end }) => text.slice(start, end));
}

/**
 * @param documents the passages of each
 * @returns what is stored of all passages, in order
 * @throws 'aborted'; 'file-too-large' for windows that this device has no memory for; what the encoder throws where no other takes over
 */
export async function encodePassages(
  parts: EncodingParts,
  documents: readonly (readonly string[])[],
  signal: AbortSignal,
  onBatch: OnBatch,
): Promise<StoredRows[]> {
  const stored: StoredRows[] = [];
  const pause = createPause();
  const size = windowSize(parts.fingerprint.longDocument, parts.encoder().config);
  const encoded =
    size === null
      ? encodeOneByOne(parts, documents.flat(), signal, onBatch)
      : encodeInWindows(parts.encoder(), tokenized(parts, documents, signal), size, (ids) => {
          const options: EncodeOptions = { signal, onBatch: (_windows, tokens) => onBatch(stored.length, tokens) };
          return withinMemory(parts, ids, () => withRecovery(parts, (encoder) => encoder.encodeIds(ids, options)));
        });
  for await (const one of encoded) {
    stored.push(toStored(one, parts.encoder().dim, parts.fingerprint));
    await pause(); // pooling takes some milliseconds a passage
  }
  return stored;
}

async function* encodeOneByOne(
  parts: EncodingParts,
  passages: readonly string[],
  signal: AbortSignal,
  onBatch: OnBatch,
): AsyncGenerator<EncodedText> {
  for (let from = 0; from < passages.length; from += sliceChunks) {
    const slice = passages.slice(from, from + sliceChunks);
    const options: EncodeOptions = { signal, onBatch: (done, tokens) => onBatch(from + done, tokens) };
    yield* await withRecovery(parts, (encoder) => encoder.encodeDocuments(slice, options));
  }
}

/** Where the windows of a document begin follows from all of its tokens. */
async function* tokenized(
  parts: EncodingParts,
  documents: readonly (readonly string[])[],
  signal: AbortSignal,
): AsyncGenerator<number[][]> {
  const pause = createPause();
  const { tokenizer } = parts.encoder();
  for (const passages of documents) {
    const ids: number[][] = [];
    for (const passage of passages) {
      throwIfAborted(signal);
      ids.push(tokenizer.encode(passage));
      await pause();
    }
    yield ids;
  }
}

export function packRows(rows: readonly StoredRows[], { dim, precision }: Fingerprint): PackedRows {
  const offsets = offsetsOf(rows.map(({ numRows }) => numRows));
  const tokenCount = offsets.at(-1)!;
  const vectors = precision === 'int8' ? new Int8Array(tokenCount * dim) : new Float32Array(tokenCount * dim);
  rows.forEach((row, i) => vectors.set(row.vectors, offsets[i]! * dim));
  const tokenRows = packTokenRows(rows.flatMap((row) => row.tokenRows ?? []));
  const truncatedChunks = rows.filter(({ truncated }) => truncated).length;
  return { vectors, offsets, tokenRows, tokenCount, truncatedChunks };
}

/** @param passages those of each passage; none without pooling */
function packTokenRows(passages: readonly Uint16Array[]): TokenRows | null {
  if (passages.length === 0) return null;
  const offsets = offsetsOf(passages.map(({ length }) => length));
  const rows = new Uint16Array(offsets.at(-1)!);
  passages.forEach((own, i) => rows.set(own, offsets[i]));
  return { offsets, rows };
}

/** Where each begins, and where the last ends. */
function offsetsOf(lengths: readonly number[]): Uint32Array {
  const offsets = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, i) => (offsets[i + 1] = offsets[i]! + length));
  return offsets;
}

/** What a person should know of the text and of how much of it the model has read. */
export function notesOf({ notes }: ExtractedText, truncatedChunks: number): readonly string[] {
  return truncatedChunks === 0 ? notes : [...notes, truncationNote(truncatedChunks)];
}

/**
 * Windows that are too long for this device are seen beforehand where the model's shape is known: only the documents that have them
 * fail, since short ones need no more than their passages. Else the runtime says so, and nothing is certain any more.
 * @throws 'file-too-large', 'out-of-memory', which say what to do, and what `encode` throws
 */
async function withinMemory<T>(
  parts: EncodingParts,
  windows: readonly (readonly number[])[],
  encode: () => Promise<T>,
): Promise<T> {
  const { shape, fingerprint } = parts;
  const { device } = parts.encoder();
  const tokens = Math.max(...windows.map(({ length }) => length));
  const refused = (code: 'file-too-large' | 'out-of-memory', why: string, cause?: unknown): LateralError => {
    const instead = fingerprint.longDocument === longDocumentMethods.whole ? "'window' or 'passage'" : "'passage'";
    return new LateralError(
      code,
      `This model cannot read ${tokens} tokens at once here. ${why} Open the index with longDocument ${instead}.`,
      { details: { tokens, device }, cause },
    );
  };
  const { fits, message } =
    shape === undefined ? { fits: true, message: '' } : fitsInTab(sessionMemory({ ...shape, length: tokens }), device);
  if (!fits) throw refused('file-too-large', message);
  try {
    return await encode();
  } catch (thrown) {
    const error = toLateralError(thrown);
    throw error.code === 'out-of-memory' ? refused(error.code, error.message, thrown) : error;
  }
}

async function withRecovery<T>(parts: EncodingParts, encode: (encoder: Encoder) => Promise<T>): Promise<T> {
  for (;;) {
    const encoder = parts.encoder();
    try {
      return await encode(encoder);
    } catch (thrown) {
      const error = toLateralError(thrown);
      if (error.code === 'aborted' || !(await parts.recover(error, encoder))) throw error;
    }
  }
}

/** Pooled before its dimensions are cut: so the clusters are the same at any dimension, and `narrowRows` gives what this gives. */
function toStored(
  { rows, truncatedTokens = 0 }: PassageRows & Partial<Pick<EncodedText, 'truncatedTokens'>>,
  fromDim: number,
  fingerprint: Fingerprint,
): StoredRows {
  const { dim, precision, scale, poolFactor } = fingerprint;
  const pooled = poolFactor === 1 ? null : poolRows(rows, fromDim, poolFactor);
  const truncatedRows = truncateRows(pooled?.rows ?? rows, fromDim, dim);
  return {
    vectors: precision === 'int8' ? quantizeRows(truncatedRows, scale) : truncatedRows,
    numRows: truncatedRows.length / dim,
    tokenRows: pooled?.rowOf ?? null,
    truncated: truncatedTokens > 0,
  };
}

function truncationNote(chunks: number): string {
  return chunks === 1
    ? 'One passage is longer than the model reads; its end is not searched.'
    : `${chunks} passages are longer than the model reads; their ends are not searched.`;
}
