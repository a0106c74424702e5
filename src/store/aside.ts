/**
 * Vectors of another model, kept aside until all documents have theirs: what lies there of one document, as a value. Its record
 * is small, so that whoever asks which documents still lack theirs reads no rows.
 */
import type { DocumentRecord, Fingerprint } from '../types.ts';
import type { NewVectors } from './index-store.ts';
import { bytesOf, checksumOf, isSameDocument, isSameFingerprint } from './schema.ts';

/** All of a document's vectors aside but the bytes, which lie apart in pieces. */
export interface AsideRecord {
  /** The document, and which of those that ever had this id. */
  readonly id: string;
  readonly addedAt: number;
  readonly contentHash: string;
  /** What the vectors were made with. */
  readonly fingerprint: Fingerprint;
  /** What the document's record will say. */
  readonly tokenCount: number;
  readonly truncatedChunks: number;
  readonly notes: readonly string[];
  /** Tokens that its rows stand for, where they are pooled; null else. */
  readonly pooledTokens: number | null;
  readonly byteLength: number;
  readonly pieceCount: number;
  /** CRC-32C over the bytes. */
  readonly checksum: number;
}

/** A document's vectors as one run of bytes: token offsets, then with pooling those of `tokenRows`, the rows, then with pooling theirs. */
export function packAside(
  { record, vectors, offsets, tokenRows }: NewVectors,
  fingerprint: Fingerprint,
): { readonly record: AsideRecord; readonly bytes: Uint8Array } {
  const { id, addedAt, contentHash, tokenCount, truncatedChunks, notes } = record;
  const parts =
    tokenRows === null
      ? [bytesOf(offsets), bytesOf(vectors)]
      : [bytesOf(offsets), bytesOf(tokenRows.offsets), bytesOf(vectors), bytesOf(tokenRows.rows)];
  const bytes = new Uint8Array(asideBytes({ vectors, offsets, tokenRows }));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return {
    record: {
      ...{ id, addedAt, contentHash, fingerprint, tokenCount, truncatedChunks, notes },
      pooledTokens: tokenRows?.rows.length ?? null,
      byteLength: bytes.length,
      pieceCount: 0,
      checksum: checksumOf(bytes),
    },
    bytes,
  };
}

/** @returns null where the bytes are not those that were kept, or not for this document's passages */
export function unpackAside(aside: AsideRecord, document: DocumentRecord, bytes: ArrayBuffer): NewVectors | null {
  const { tokenCount, truncatedChunks, notes, pooledTokens, fingerprint } = aside;
  const numOffsets = document.chunkCount + 1;
  const Rows = fingerprint.precision === 'int8' ? Int8Array : Float32Array;
  const lengths = [
    numOffsets * 4,
    pooledTokens === null ? 0 : numOffsets * 4,
    tokenCount * fingerprint.dim * Rows.BYTES_PER_ELEMENT,
    (pooledTokens ?? 0) * 2,
  ];
  const expected = lengths.reduce((sum, length) => sum + length, 0);
  if (bytes.byteLength !== expected || checksumOf(new Uint8Array(bytes)) !== aside.checksum) return null;
  let at = 0;
  // Copies: a view of numbers must begin where its kind may.
  const [offsets, tokenOffsets, rows, rowOf] = lengths.map((length) => bytes.slice(at, (at += length)));
  return {
    record: { ...document, tokenCount, truncatedChunks, notes },
    vectors: new Rows(rows!),
    offsets: new Uint32Array(offsets!),
    tokenRows:
      pooledTokens === null ? null : { offsets: new Uint32Array(tokenOffsets!), rows: new Uint16Array(rowOf!) },
  };
}

export function asideBytes({ vectors, offsets, tokenRows }: Omit<NewVectors, 'record'>): number {
  const pooled = tokenRows === null ? 0 : tokenRows.offsets.byteLength + tokenRows.rows.byteLength;
  return offsets.byteLength + vectors.byteLength + pooled;
}

/** @param aside of which each is the one that its document has. Of other fingerprints, and of other documents, they do not count */
export function lacking(
  documents: readonly DocumentRecord[],
  aside: readonly Pick<AsideRecord, 'id' | 'addedAt' | 'contentHash' | 'fingerprint'>[],
  fingerprint: Fingerprint,
): DocumentRecord[] {
  const own = new Map(
    aside.filter((one) => isSameFingerprint(one.fingerprint, fingerprint)).map((one) => [one.id, one]),
  );
  return documents.filter((document) => {
    const one = own.get(document.id);
    return document.chunkCount > 0 && (one === undefined || !isSameDocument(document, one));
  });
}

/**
 * The documents added first that fit together into so many bytes, and not too many for one transaction; at least one. So they lie
 * in the order in which they were added: of equal scores the first wins.
 */
export function firstAside<T extends Pick<AsideRecord, 'id' | 'addedAt' | 'byteLength'>>(
  records: readonly T[],
  maxBytes: number,
): T[] {
  const inOrder = records.toSorted((a, b) => a.addedAt - b.addedAt || (a.id < b.id ? -1 : 1));
  let bytes = 0;
  const end = inOrder.findIndex(({ byteLength }, i) => (bytes += byteLength) > maxBytes && i > 0);
  return inOrder.slice(0, end < 0 ? maxTaken : Math.min(end, maxTaken));
}

const maxTaken = 500;
