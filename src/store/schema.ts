/**
 * What is kept, record by record, and whether the parts of a document fit each other. Pure: both stores stand on it,
 * and docs/storage-format.md tells the same in words for readers in other languages.
 */
import { LateralError } from '../errors.ts';
import type { Chunk, DocumentRecord, Fingerprint } from '../types.ts';
import { canNarrow } from '../vectors/narrow.ts';
import { crc32c } from './checksum.ts';
import type { NewDocument, NewVectors, PendingFile, TokenRows } from './index-store.ts';

/** Layout of the records and bytes below. A store that meets a higher one refuses with 'storage-newer'. */
export const formatVersion = 1;

/** The one record of `meta`. */
export interface StoreState {
  readonly format: number;
  /**
   * Rises with every visible change. Starts at the time of creation in milliseconds, so that a database which was deleted
   * and made again never repeats a number, or a block id, that another tab has seen.
   */
  readonly version: number;
  /** Rises when pending files come, change owner or are dropped. */
  readonly pendingVersion: number;
  /** Milliseconds since the epoch; of a database that version 1 made, when it was brought up to version 2. */
  readonly createdAt: number;
  /** Number of the next block; never used twice, also not after `clear`. */
  readonly nextBlock: number;
  readonly fingerprint: Fingerprint | null;
}

/** A document inside a block: owner of `chunkCount` consecutive chunks. */
export interface BlockDocument {
  readonly id: string;
  readonly chunkCount: number;
  readonly removed: boolean;
}

/** All of a block but its vectors, which lie apart in pieces. */
export interface BlockRecord {
  /** Its number in 16 decimal digits, so that ids sort as they were written. */
  readonly id: string;
  readonly sealed: boolean;
  readonly documents: readonly BlockDocument[];
  /** [numChunks + 1] token offsets, counted from the block's first token. */
  readonly offsets: Uint32Array;
  readonly dim: number;
  readonly precision: Fingerprint['precision'];
  readonly scale: number;
  /** Of the vectors, all pieces together. */
  readonly byteLength: number;
  readonly pieceCount: number;
  /** CRC-32C over the offsets' bytes, then the vectors' bytes, both little-endian. */
  readonly checksum: number;
  /** What reading some bytes without the others takes; absent in blocks from before that could be done. */
  readonly runs?: RunTable;
}

/** Each piece is cut into runs that are checked alone. */
export interface RunTable {
  /** Of each piece but the last, which may be shorter. */
  readonly pieceBytes: number;
  /** Of each run but a piece's last, which may be shorter. */
  readonly runBytes: number;
  /** CRC-32C over each run's bytes: the first piece's runs in order, then the second's, … */
  readonly checksums: Uint32Array;
}

/** A document's chunks as columns; [chunkCount] each. */
export interface ChunksRecord {
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  readonly section: Int32Array;
  /**
   * Of an index with pooling, once the document has vectors. Of no meaning where `hasTokenRows` says false: a version without
   * pooling leaves it here when it reads the documents again.
   */
  readonly tokenRows?: TokenRows;
}

/** All of a source but its bytes, which lie apart in pieces. */
export interface SourceRecord {
  readonly type: string;
  readonly byteLength: number;
  readonly pieceCount: number;
  /** CRC-32C over the bytes. */
  readonly checksum: number;
  /** What its pieces lie under, where that is not the document's id: the key of the pending file that it was. */
  readonly dataKey?: string;
}

/** A pending file without its bytes, which lie among the sources' pieces under its key. */
export interface PendingRecord extends PendingFile {
  readonly pieceCount: number;
  /** CRC-32C over the bytes. */
  readonly checksum: number;
}

export interface KeywordRecord {
  readonly bytes: Uint8Array;
  readonly checksum: number;
}

export function newState(now: number): StoreState {
  return { format: formatVersion, version: now, pendingVersion: 0, createdAt: now, nextBlock: now, fingerprint: null };
}

let lastKeyTime = 0;

/**
 * Keys of pending files given together, in order, and after those that this thread has given before: the time, the place
 * in the batch, and a random part that makes them unlike any other key and any document's id, among whose pieces theirs lie.
 */
export function pendingKeys(count: number): string[] {
  const time = (lastKeyTime = Math.max(lastKeyTime + 1, Date.now()));
  const random = crypto.randomUUID();
  return Array.from({ length: count }, (_, i) => {
    return `${String(time).padStart(16, '0')}-${String(i).padStart(8, '0')}-${random}`;
  });
}

/** What `pending` tells of a record. */
export function toPendingFile(record: PendingRecord): PendingFile {
  const { key, owner, name, path, mediaType, language, tags, id, byteLength, addedAt, complete } = record;
  return { key, owner, name, path, mediaType, language, tags, id, byteLength, addedAt, complete };
}

export function unreadable(name: string, cause: unknown): LateralError {
  return new LateralError(
    'file-damaged',
    `${name} could not be read. It may have been moved or changed; add it again.`,
    { cause, details: { name } },
  );
}

/** A document came with a pending file that is not there: another has read it, or it was dropped. */
export function notPending({ record }: NewDocument): LateralError {
  return new LateralError('not-found', `${record.name} was read or dropped elsewhere meanwhile.`, {
    details: { id: record.id },
  });
}

export function blockIdOf(number: number): string {
  return String(number).padStart(16, '0');
}

/** @throws 'invalid-argument' for a fingerprint that no index can have. */
export function checkFingerprint(fingerprint: Fingerprint): void {
  const { dim, scale, poolFactor } = fingerprint;
  if (!Number.isInteger(dim) || dim < 1) throw invalid(`Dimension ${String(dim)} is not a positive whole number.`);
  if (!Number.isFinite(scale) || scale <= 0) throw invalid(`Scale ${String(scale)} is not a positive number.`);
  if (!Number.isInteger(poolFactor) || poolFactor < 1)
    throw invalid(`Pool factor ${String(poolFactor)} is not a positive whole number.`);
}

/** @throws 'model-mismatch' if the index was made with other settings than `given`. */
export function requireFingerprint(stored: Fingerprint | null, given: Fingerprint): void {
  if (stored === null) return;
  const names = Object.keys({ ...stored, ...given }) as (keyof Fingerprint)[];
  const differing = names.filter((name) => stored[name] !== given[name]);
  if (differing.length === 0) return;
  const list = differing.map((name) => `${name} ${String(stored[name])}, not ${String(given[name])}`).join('; ');
  throw new LateralError(
    'model-mismatch',
    `This index was built with ${list}. Rebuild the index, or go back to the settings it was built with.`,
    { details: { stored: stored.model, given: given.model } },
  );
}

/**
 * Checks a batch before anything is written.
 * @throws 'invalid-argument' naming the document and the part that does not fit; 'file-duplicate' for an id given twice.
 */
export function checkDocuments(documents: readonly NewDocument[], fingerprint: Fingerprint): void {
  checkVectors(documents, fingerprint);
  documents.forEach(checkDocument);
}

/** The same for vectors alone. @throws as `checkDocuments` */
export function checkVectors(documents: readonly NewVectors[], fingerprint: Fingerprint): void {
  checkFingerprint(fingerprint);
  const seen = new Set<string>();
  for (const document of documents) {
    checkRows(document, fingerprint);
    if (seen.has(document.record.id)) throw duplicate(document.record.id);
    seen.add(document.record.id);
  }
}

/** Whether a record is of the very document that another was of. */
export function isSameDocument(
  stored: DocumentRecord | undefined,
  given: Pick<DocumentRecord, 'addedAt' | 'contentHash'>,
): boolean {
  return stored?.addedAt === given.addedAt && stored.contentHash === given.contentHash;
}

/** Whether a document waits for vectors: each has at least the rows of its special tokens. */
export function isWithoutVectors({ chunkCount, tokenCount }: DocumentRecord): boolean {
  return chunkCount > 0 && tokenCount === 0;
}

/** Whether a document's rows stand for several tokens each, so that its `tokenRows` say for which. */
export function hasTokenRows(
  { poolFactor }: Pick<Fingerprint, 'poolFactor'>,
  { tokenCount }: Pick<DocumentRecord, 'tokenCount'>,
): boolean {
  return poolFactor > 1 && tokenCount > 0;
}

/** @param stored of an index, or of a file whose values this version may not know */
export function isSameFingerprint(
  stored: Readonly<Record<keyof Fingerprint, unknown>> | null,
  given: Fingerprint,
): boolean {
  return stored !== null && (Object.keys(given) as (keyof Fingerprint)[]).every((name) => stored[name] === given[name]);
}

/** A document's share of a block before it has vectors, as `dropVectors` leaves it. */
export function withoutVectors(record: DocumentRecord, { precision }: Pick<Fingerprint, 'precision'>): NewVectors {
  return {
    record: { ...record, tokenCount: 0, truncatedChunks: 0 },
    offsets: new Uint32Array(record.chunkCount + 1),
    vectors: precision === 'int8' ? new Int8Array(0) : new Float32Array(0),
    tokenRows: null,
  };
}

/** @throws 'model-mismatch' where vectors of the one do not follow from those of the other */
export function requireNarrowing(stored: Fingerprint | null, given: Fingerprint): void {
  if (stored === null || canNarrow(stored, given)) return;
  throw new LateralError(
    'model-mismatch',
    `Vectors of ${describe(given)} do not follow from those of ${describe(stored)}. Read the documents again.`,
    { details: { stored: describe(stored), given: describe(given) } },
  );
}

const describe = ({ model, dim, precision }: Fingerprint): string => `${model}, ${dim} dimensions, ${precision}`;

/** @throws 'model-mismatch' where texts would be cut otherwise, so that other vectors would not fit the chunks that are kept */
export function requireChunker(stored: Fingerprint | null, given: Fingerprint): void {
  if (stored === null || stored.chunker === given.chunker) return;
  throw new LateralError(
    'model-mismatch',
    `These documents were cut into passages by version ${stored.chunker} of the chunker; this is version ${given.chunker}. Add them again.`,
    { details: { stored: stored.chunker, given: given.chunker } },
  );
}

export function blockGone(id: string): LateralError {
  return new LateralError('not-found', `Block ${id} is gone: removed, or merged into another.`, {
    details: { block: id },
  });
}

export function outsideBlock(id: string, first: number, end: number, numRows: number): LateralError {
  return invalid(`Block ${id} has ${String(numRows)} rows; ${String(first)} to ${String(end)} were asked for.`);
}

export function duplicate(id: string): LateralError {
  return new LateralError('file-duplicate', `A document with the id "${id}" is already in the index.`, {
    details: { id },
  });
}

function requirementsOf({ id }: DocumentRecord): (fits: boolean, what: string) => void {
  return (fits, what) => {
    if (!fits) throw invalid(`Document "${id}": ${what}`, id);
  };
}

function checkRows({ record, vectors, offsets, tokenRows }: NewVectors, fingerprint: Fingerprint): void {
  const require: (fits: boolean, what: string) => void = requirementsOf(record);
  const { chunkCount, tokenCount } = record;
  require(record.id !== '', 'the id is empty.');
  require(offsets.length === chunkCount + 1, `${String(offsets.length)} offsets for ${String(chunkCount)} chunks.`);
  require(offsets[0] === 0 && offsets[chunkCount] === tokenCount, `offsets must run from 0 to ${String(tokenCount)}.`);
  for (let c = 0; c < chunkCount; c++) {
    require(offsets[c]! <= offsets[c + 1]!, `offsets fall at chunk ${String(c)}.`);
  }
  const rightKind = fingerprint.precision === 'int8' ? vectors instanceof Int8Array : vectors instanceof Float32Array;
  require(rightKind, `its vectors are not ${fingerprint.precision}.`);
  require(vectors.length ===
    tokenCount *
      fingerprint.dim, `${String(vectors.length)} components for ${String(tokenCount)} tokens of ${String(fingerprint.dim)}.`);
  const pooled = hasTokenRows(fingerprint, record);
  require((tokenRows !== null) === pooled, `its rows are ${pooled ? '' : 'not '}to be pooled.`);
  if (tokenRows !== null) require(areTokenRowsOf(tokenRows, offsets), 'its tokens do not fit its pooled rows.');
}

/** Whether the tokens of each chunk name all rows of that chunk, numbered by their first tokens, and no others. */
function areTokenRowsOf({ offsets, rows }: TokenRows, rowOffsets: Uint32Array): boolean {
  if (offsets.length !== rowOffsets.length || offsets[0] !== 0 || offsets.at(-1) !== rows.length) return false;
  for (let c = 0; c + 1 < offsets.length; c++) {
    if (offsets[c]! > offsets[c + 1]!) return false;
    let numRows = 0;
    for (let token = offsets[c]!; token < offsets[c + 1]!; token++) {
      if (rows[token]! > numRows) return false;
      if (rows[token] === numRows) numRows++;
    }
    if (numRows !== rowOffsets[c + 1]! - rowOffsets[c]!) return false;
  }
  return true;
}

function checkDocument({ record, text, chunks }: NewDocument): void {
  const require: (fits: boolean, what: string) => void = requirementsOf(record);
  require(Number.isFinite(record.addedAt), `addedAt is ${String(record.addedAt)}.`);
  require(record.textLength ===
    text.text.length, `textLength ${String(record.textLength)}, but ${String(text.text.length)} units of text.`);
  const recorded = `${String(record.chunkCount)} chunks recorded, ${String(chunks.length)} given.`;
  require(chunks.length === record.chunkCount, recorded);
  chunks.forEach(checkChunk);

  function checkChunk({ ordinal, start, end, section }: Chunk, position: number): void {
    require(ordinal === position, `chunk ${String(position)} calls itself ${String(ordinal)}.`);
    const whole = Number.isInteger(start) && Number.isInteger(end);
    require(whole &&
      start >= 0 &&
      start <= end &&
      end <=
        record.textLength, `chunk ${String(position)} has the range ${String(start)} to ${String(end)}, outside the text.`);
    require(Number.isInteger(section) &&
      section >= -1 &&
      section < text.sections.length, `chunk ${String(position)} names section ${String(section)}.`);
  }
}

export function packChunks(chunks: readonly Chunk[]): ChunksRecord {
  return {
    start: Uint32Array.from(chunks, (chunk) => chunk.start),
    end: Uint32Array.from(chunks, (chunk) => chunk.end),
    section: Int32Array.from(chunks, (chunk) => chunk.section),
  };
}

export function unpackChunks({ start, end, section }: ChunksRecord): Chunk[] {
  return Array.from(start, (first, ordinal) => ({
    ordinal,
    start: first,
    end: end[ordinal]!,
    section: section[ordinal]!,
  }));
}

/** Bytes as records of at most `pieceBytes`, each in a buffer of its own: structured clone would copy all of a shared one. */
export function splitBytes(bytes: Uint8Array, pieceBytes: number): ArrayBuffer[] {
  const pieces: ArrayBuffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    pieces.push(new Uint8Array(bytes.subarray(at, at + pieceBytes)).buffer);
  }
  return pieces;
}

/** @returns null if the pieces are not as many bytes as they should be. */
export function joinBytes(pieces: readonly ArrayBuffer[], byteLength: number): ArrayBuffer | null {
  if (pieces.reduce((sum, piece) => sum + piece.byteLength, 0) !== byteLength) return null;
  if (pieces.length === 1) return pieces[0]!;
  const out = new Uint8Array(byteLength);
  let at = 0;
  for (const piece of pieces) {
    out.set(new Uint8Array(piece), at);
    at += piece.byteLength;
  }
  return out.buffer;
}

export function checksumOf(...parts: readonly (Int8Array | Uint8Array | Uint32Array | Float32Array)[]): number {
  return parts.reduce((crc, part) => crc32c(bytesOf(part), crc), 0);
}

export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function invalid(message: string, id?: string): LateralError {
  return new LateralError('invalid-argument', message, id === undefined ? {} : { details: { id } });
}
