/**
 * Vectors of another model in place of those that are here: all dropped at once, then given anew a few documents at a time.
 * Texts, chunks and sources are not touched. Each step is one transaction, and other tabs see it as blocks that come and go.
 */
import type { DocumentRecord, Fingerprint } from '../types.ts';
import { emptyBlocks } from './blocks.ts';
import { deleteBlock, packBlock, type PackedBlock, readAll, readBlockRecords, send, writeBlock } from './idb-blocks.ts';
import { flagRemoved } from './idb-documents.ts';
import type { WriteTransaction } from './idb-schema.ts';
import { readState, writeState } from './idb-state.ts';
import type { NewVectors } from './index-store.ts';
import {
  blockIdOf,
  isSameDocument,
  isSameFingerprint,
  requireChunker,
  requireFingerprint,
  requireNarrowing,
} from './schema.ts';

/** @returns the new revision, or null where another tab has done it already */
export async function narrowFingerprint(
  transaction: WriteTransaction,
  fingerprint: Fingerprint,
): Promise<number | null> {
  const now = await readState(transaction);
  if (isSameFingerprint(now.fingerprint, fingerprint)) return null;
  requireNarrowing(now.fingerprint, fingerprint);
  return writeState(transaction, now, { fingerprint });
}

/** @returns the new revision, or null where another tab has done it already: what it has read again since stays */
export async function dropAllVectors(transaction: WriteTransaction, fingerprint: Fingerprint): Promise<number | null> {
  const now = await readState(transaction);
  if (isSameFingerprint(now.fingerprint, fingerprint)) return null;
  requireChunker(now.fingerprint, fingerprint);
  const records = await readBlockRecords(transaction);
  const documents = await readAll<DocumentRecord>(
    1_000,
    (range, count) => transaction.objectStore('documents').getAll(range, count),
    ({ id }) => id,
  );
  for (const { id } of records) deleteBlock(transaction, id);
  const blocks = emptyBlocks(now.nextBlock, records, fingerprint);
  for (const block of blocks) {
    writeBlock(transaction, packBlock(block, { pieceBytes: Infinity, blobBytes: Infinity }));
    for (const { id } of block.record.documents) send(transaction.objectStore('locations').put(block.record.id, id));
  }
  for (const record of documents) {
    send(transaction.objectStore('documents').put({ ...record, tokenCount: 0, truncatedChunks: 0 }));
  }
  if (now.fingerprint !== null && now.fingerprint.poolFactor > 1) await dropTokenRows(transaction);
  return writeState(transaction, now, { fingerprint, nextBlock: now.nextBlock + blocks.length });
}

async function dropTokenRows(transaction: WriteTransaction): Promise<void> {
  let cursor = await transaction.objectStore('chunks').openCursor();
  while (cursor !== null) {
    const { start, end, section } = cursor.value;
    send(cursor.update({ start, end, section }));
    cursor = await cursor.continue();
  }
}

/**
 * @param built blocks of the documents' vectors, in the same order, numbered anew here
 * @returns how many of the documents were still here, and the new revision
 */
export async function putVectors(
  transaction: WriteTransaction,
  documents: readonly NewVectors[],
  built: readonly PackedBlock[],
  fingerprint: Fingerprint,
): Promise<{ readonly count: number; readonly revision: number }> {
  const now = await readState(transaction);
  requireFingerprint(now.fingerprint, fingerprint);
  const here = new Map<string, NewVectors>();
  const before = new Map<string, Set<string>>(); // block id → its documents among these
  for (const document of documents) {
    const { record } = document;
    if (!isSameDocument(await transaction.objectStore('documents').get(record.id), record)) continue;
    here.set(record.id, document);
    const blockId = await transaction.objectStore('locations').get(record.id);
    if (blockId !== undefined) before.set(blockId, (before.get(blockId) ?? new Set()).add(record.id));
  }
  for (const [blockId, ids] of before) {
    const record = await transaction.objectStore('blocks').get(blockId);
    if (record !== undefined) flagRemoved(transaction, record, ids);
  }
  for (const [i, { record, pieces }] of built.entries()) {
    const id = blockIdOf(now.nextBlock + i);
    const entries = record.documents.map((entry) => ({ ...entry, removed: !here.has(entry.id) }));
    if (entries.every(({ removed }) => removed)) continue;
    writeBlock(transaction, { record: { ...record, id, documents: entries }, pieces });
    for (const entry of entries) if (!entry.removed) send(transaction.objectStore('locations').put(id, entry.id));
  }
  for (const { record, tokenRows } of here.values()) {
    send(transaction.objectStore('documents').put(record));
    if (tokenRows === null) continue;
    const chunks = await transaction.objectStore('chunks').get(record.id);
    if (chunks !== undefined) send(transaction.objectStore('chunks').put({ ...chunks, tokenRows }, record.id));
  }
  return { count: here.size, revision: writeState(transaction, now, { nextBlock: now.nextBlock + built.length }) };
}
