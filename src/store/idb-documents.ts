/**
 * Documents inside a transaction: everything of theirs but the vectors. Sources lie as plain bytes in pieces, not as
 * Blobs: WebKit has refused Blobs in private windows, a Blob of a file on disk fails at commit once that file changes,
 * and bytes can be given a checksum and live and die with their transaction.
 */
import { LateralError } from '../errors.ts';
import type { DocumentRecord, Fingerprint } from '../types.ts';
import { without } from './blocks.ts';
import { crc32c } from './checksum.ts';
import type { NewDocument, TokenRows } from './index-store.ts';
import { deleteBlock, piecesOf, readAll, readBlockRecords, readPieces, send } from './idb-blocks.ts';
import { corrupt } from './idb-errors.ts';
import type { AnyTransaction, WriteTransaction } from './idb-schema.ts';
import { readState } from './idb-state.ts';
import {
  type BlockRecord,
  type ChunksRecord,
  hasTokenRows,
  notPending,
  packChunks,
  type SourceRecord,
  unpackChunks,
} from './schema.ts';

export interface PackedSource {
  readonly record: SourceRecord;
  readonly pieces: readonly ArrayBuffer[];
}

/** A document ready to be written, but for its vectors. */
export interface PackedDocument {
  readonly document: NewDocument;
  readonly source: PackedSource | null;
}

/**
 * Reads the sources, ahead of the transaction.
 * @throws 'file-damaged' when the browser cannot read a file any more: it was changed or moved since it was chosen.
 */
export async function packDocument(document: NewDocument, pieceBytes: number): Promise<PackedDocument> {
  const { source, record, pending } = document;
  if (source === null || pending !== undefined) return { document, source: null };
  const pieces: ArrayBuffer[] = [];
  let checksum = 0;
  try {
    for (let at = 0; at < source.size; at += pieceBytes) {
      const piece = await source.slice(at, at + pieceBytes).arrayBuffer();
      checksum = crc32c(new Uint8Array(piece), checksum);
      pieces.push(piece);
    }
  } catch (error) {
    throw new LateralError('file-damaged', `"${record.name}" can no longer be read. Choose the file again.`, {
      cause: error,
      details: { id: record.id },
    });
  }
  const { type, size: byteLength } = source;
  return { document, source: { record: { type, byteLength, pieceCount: pieces.length, checksum }, pieces } };
}

export function writeDocument(
  transaction: WriteTransaction,
  { document, source }: PackedDocument,
  blockId: string,
): void {
  const { record, text, chunks, tokenRows } = document;
  const { id } = record;
  send(transaction.objectStore('documents').put(record));
  send(transaction.objectStore('texts').put(text, id));
  const columns = packChunks(chunks);
  send(transaction.objectStore('chunks').put(tokenRows === null ? columns : { ...columns, tokenRows }, id));
  send(transaction.objectStore('locations').put(blockId, id));
  if (source === null) return;
  send(transaction.objectStore('sources').put(source.record, id));
  const data = transaction.objectStore('sourceData');
  source.pieces.forEach((piece, i) => send(data.put(piece, [id, i])));
}

/**
 * Makes the bytes of a pending file the source of a document, in the transaction that writes the document.
 * @throws 'not-found' where the file is not pending: then nothing of the transaction may stay.
 */
export async function takeOverFile(transaction: WriteTransaction, document: NewDocument): Promise<void> {
  const { record, text, pending } = document;
  if (pending === undefined) return;
  const file = await transaction.objectStore('pending').get(pending.key);
  if (file?.complete !== true) throw notPending(document);
  send(transaction.objectStore('pending').delete(file.key));
  if (!pending.keepSource) {
    send(transaction.objectStore('sourceData').delete(piecesOf(file.key)));
    return;
  }
  const { byteLength, pieceCount, checksum, key: dataKey } = file;
  const source = { type: text.mediaType, byteLength, pieceCount, checksum, dataKey };
  send(transaction.objectStore('sources').put(source, record.id));
}

/**
 * Deletes documents' own records and flags them in their blocks; blocks with nothing left go too. Cleans up after documents
 * of which only parts are left as well. @returns how many were here.
 */
export async function removeDocuments(transaction: WriteTransaction, ids: Iterable<string>): Promise<number> {
  const removed = new Set<string>();
  const touched = new Map<string, BlockRecord>();
  let all: BlockRecord[] | undefined;
  for (const id of new Set(ids)) {
    const key = await transaction.objectStore('documents').getKey(id);
    const blockId = await transaction.objectStore('locations').get(id);
    let record = blockId === undefined ? undefined : await transaction.objectStore('blocks').get(blockId);
    if (record === undefined) {
      all ??= await readBlockRecords(transaction); // an unknown id, or damage
      record = all.find(({ documents }) => documents.some((entry) => entry.id === id && !entry.removed));
    }
    if (key === undefined && blockId === undefined && record === undefined) continue;
    removed.add(id);
    if (record !== undefined) touched.set(record.id, record);
  }
  for (const id of removed) {
    const dataKey = (await transaction.objectStore('sources').get(id))?.dataKey ?? id;
    send(transaction.objectStore('sourceData').delete(piecesOf(dataKey)));
    for (const name of ['documents', 'texts', 'chunks', 'sources', 'locations'] as const) {
      send(transaction.objectStore(name).delete(id));
    }
    deleteAside(transaction, id);
  }
  for (const record of touched.values()) {
    flagRemoved(transaction, record, removed);
  }
  return removed.size;
}

export function deleteAside(transaction: WriteTransaction, id: string): void {
  send(transaction.objectStore('aside').delete(id));
  send(transaction.objectStore('asideData').delete(piecesOf(id)));
}

/** All records, by time added then id. */
export function readDocuments(transaction: AnyTransaction): Promise<DocumentRecord[]> {
  const byTime = transaction.objectStore('documents').index('byTime');
  return readAll<DocumentRecord>(
    1_000,
    (range, count) => byTime.getAll(range, count),
    ({ addedAt, id }) => [addedAt, id],
  );
}

/** Flags documents in their block; a block with nothing left goes. */
export function flagRemoved(transaction: WriteTransaction, record: BlockRecord, ids: ReadonlySet<string>): void {
  const left = without(record, ids);
  if (left === null) deleteBlock(transaction, record.id);
  else send(transaction.objectStore('blocks').put(left));
}

export async function readSource(transaction: AnyTransaction, id: string): Promise<PackedSource | undefined> {
  const record = await transaction.objectStore('sources').get(id);
  if (record === undefined) return undefined;
  return { record, pieces: await readPieces(transaction, 'sourceData', record.dataKey ?? id, record.pieceCount) };
}

/** @returns the bytes of all sources */
export async function countSources(transaction: AnyTransaction): Promise<number> {
  return bytesOfSources(await transaction.objectStore('sources').getAll());
}

/** Deletes the sources of all documents. @returns their bytes */
export async function deleteSources(transaction: WriteTransaction): Promise<number> {
  const sources = transaction.objectStore('sources');
  const ids = await sources.getAllKeys();
  const records = await sources.getAll(); // in the order of the keys
  records.forEach(({ dataKey }, i) => send(transaction.objectStore('sourceData').delete(piecesOf(dataKey ?? ids[i]!))));
  send(sources.clear());
  return bytesOfSources(records);
}

function bytesOfSources(records: readonly SourceRecord[]): number {
  return records.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** @throws 'storage-corrupt' */
export function openSource(id: string, source: PackedSource): Blob {
  return openPieces(source, `The stored file of document "${id}" is damaged. Add the document again.`, { id });
}

/** @throws 'storage-corrupt' with this message where the bytes do not fit their record. */
export function openPieces(source: PackedSource, damaged: string, details: Readonly<Record<string, string>>): Blob {
  if (!piecesFit(source)) throw corrupt(damaged, details);
  return new Blob([...source.pieces], { type: source.record.type });
}

export function piecesFit({ record, pieces }: PackedSource): boolean {
  const byteLength = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const checksum = pieces.reduce((crc, piece) => crc32c(new Uint8Array(piece), crc), 0);
  return byteLength === record.byteLength && checksum === record.checksum;
}

/** Which rows stand for a document's tokens: null where each has its own, undefined where that is missing or the document is. */
export async function readTokenRows(transaction: AnyTransaction, id: string): Promise<TokenRows | null | undefined> {
  const record = await transaction.objectStore('documents').get(id);
  const chunks = await transaction.objectStore('chunks').get(id);
  return record && tokenRowsOf(record, chunks, (await readState(transaction)).fingerprint);
}

function tokenRowsOf(
  record: DocumentRecord,
  chunks: ChunksRecord | undefined,
  fingerprint: Fingerprint | null,
): TokenRows | null | undefined {
  return fingerprint !== null && hasTokenRows(fingerprint, record) ? chunks?.tokenRows : null;
}

/** Record, text, chunks, source and the index's fingerprint as one look at the database. @throws 'storage-corrupt' where one is missing. */
export async function readDocument(transaction: AnyTransaction, id: string) {
  const record = await transaction.objectStore('documents').get(id);
  if (record === undefined) return undefined;
  const text = await transaction.objectStore('texts').get(id);
  const chunks = await transaction.objectStore('chunks').get(id);
  const blockId = await transaction.objectStore('locations').get(id);
  const { fingerprint } = await readState(transaction);
  const tokenRows = tokenRowsOf(record, chunks, fingerprint);
  if (text === undefined || chunks === undefined || blockId === undefined || tokenRows === undefined) {
    throw corrupt(`Parts of document "${id}" are missing. Add the document again.`, { id });
  }
  const source = await readSource(transaction, id);
  return { record, text, chunks: unpackChunks(chunks), tokenRows, blockId, source, fingerprint };
}
