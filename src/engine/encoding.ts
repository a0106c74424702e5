/** Passages → the rows that are stored of them: encoded, cut to the index's dimension, quantised, packed document by document. */
import type { EncodedText, Encoder } from '../colbert/encoder.ts';
import { type LateralError, toLateralError } from '../errors.ts';
import type { Chunk, ExtractedText, Fingerprint } from '../types.ts';
import { truncateRows } from '../vectors/matryoshka.ts';
import { quantizeRows } from '../vectors/quantize.ts';

export interface EncodingParts {
  readonly fingerprint: Fingerprint;
  /** The encoder of the moment: another after a device was lost. */
  encoder(): Encoder;
  /** Called when encoding failed; true where another encoder has taken over and the work may be tried again. */
  recover(error: LateralError, failed: Encoder): Promise<boolean>;
}

/** What is stored of one passage. */
interface StoredRows {
  /** [numTokens, dim] in the index's precision. */
  readonly vectors: Int8Array | Float32Array;
  readonly numTokens: number;
  readonly truncated: boolean;
}

/** What is stored of one document. */
export interface PackedRows {
  /** [tokenCount, dim] in the index's precision. */
  readonly vectors: Int8Array | Float32Array;
  /** [number of passages + 1] token offsets. */
  readonly offsets: Uint32Array;
  readonly tokenCount: number;
  readonly truncatedChunks: number;
}

/** Passages encoded between two looks at memory: bounds the unquantised rows that are held. */
const sliceChunks = 64;

export function passagesOf({ text }: ExtractedText, chunks: readonly Chunk[]): string[] {
  return chunks.map(({ start, end }) => text.slice(start, end));
}

/**
 * @param onBatch told of the passages done so far and the tokens that the last batch read
 * @throws 'aborted', and what the encoder throws where no other takes over
 */
export async function encodePassages(
  parts: EncodingParts,
  passages: readonly string[],
  signal: AbortSignal,
  onBatch: (done: number, tokens: number) => void,
): Promise<StoredRows[]> {
  const stored: StoredRows[] = [];
  for (let from = 0; from < passages.length; from += sliceChunks) {
    const slice = passages.slice(from, from + sliceChunks);
    const encoded = await encodeWithRecovery(parts, slice, signal, (done, tokens) => onBatch(from + done, tokens));
    for (const one of encoded) stored.push(toStored(one, parts.encoder().dim, parts.fingerprint));
  }
  return stored;
}

export function packRows(rows: readonly StoredRows[], { dim, precision }: Fingerprint): PackedRows {
  const tokenCount = rows.reduce((sum, { numTokens }) => sum + numTokens, 0);
  const vectors = precision === 'int8' ? new Int8Array(tokenCount * dim) : new Float32Array(tokenCount * dim);
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach((row, i) => {
    vectors.set(row.vectors, offsets[i]! * dim);
    offsets[i + 1] = offsets[i]! + row.numTokens;
  });
  return { vectors, offsets, tokenCount, truncatedChunks: rows.filter(({ truncated }) => truncated).length };
}

/** What a person should know of the text and of how much of it the model has read. */
export function notesOf({ notes }: ExtractedText, truncatedChunks: number): readonly string[] {
  return truncatedChunks === 0 ? notes : [...notes, truncationNote(truncatedChunks)];
}

async function encodeWithRecovery(
  parts: EncodingParts,
  passages: readonly string[],
  signal: AbortSignal,
  onBatch: (done: number, tokens: number) => void,
): Promise<EncodedText[]> {
  for (;;) {
    const encoder = parts.encoder();
    try {
      return await encoder.encodeDocuments(passages, { signal, onBatch });
    } catch (thrown) {
      const error = toLateralError(thrown);
      if (error.code === 'aborted' || !(await parts.recover(error, encoder))) throw error;
    }
  }
}

interface StoredRows {
  readonly vectors: Int8Array | Float32Array;
  readonly numTokens: number;
  readonly truncated: boolean;
}

function toStored(
  { rows, numTokens, truncatedTokens }: EncodedText,
  fromDim: number,
  fingerprint: Fingerprint,
): StoredRows {
  const truncatedRows = truncateRows(rows, fromDim, fingerprint.dim);
  return {
    vectors: fingerprint.precision === 'int8' ? quantizeRows(truncatedRows, fingerprint.scale) : truncatedRows,
    numTokens,
    truncated: truncatedTokens > 0,
  };
}

function truncationNote(chunks: number): string {
  return chunks === 1
    ? 'One passage is longer than the model reads; its end is not searched.'
    : `${chunks} passages are longer than the model reads; their ends are not searched.`;
}
