/**
 * Compaction and verification: the two things that look at the whole index. Both go block by block, so that memory and
 * transactions stay small, and both expect other tabs to write meanwhile.
 */
import { LateralError, throwIfAborted } from '../errors.ts';
import { type Block, type BlockLimits, mergeBlocks, planCompaction } from './blocks.ts';
import { deleteBlock, loadBlock, type PackedBlock, readBlockRecords, send, writeBlock } from './idb-blocks.ts';
import type { Connection } from './idb-connection.ts';
import { piecesFit, readSource, readTokenRows } from './idb-documents.ts';
import { readPending, readPendingFile } from './idb-pending.ts';
import type { AnyTransaction } from './idb-schema.ts';
import { readState, writeState } from './idb-state.ts';
import type { CompactOptions, StoreReport } from './index-store.ts';
import type { Fingerprint } from '../types.ts';
import { blockIdOf, isSameFingerprint } from './schema.ts';

/**
 * One step after the other until the plan is empty. A damaged block is left as it is, for `verify` to name: merging it
 * would give its wrong bytes a right checksum. So is one that the browser cannot read this time.
 * @param onStep told of the version that each step made
 */
export async function compactBlocks(
  connection: Connection,
  limits: BlockLimits,
  pack: (block: Block) => Promise<PackedBlock>,
  onStep: (version: number) => void,
  { signal, rewriteWholeOnly = false }: CompactOptions = {},
): Promise<boolean> {
  const skip = new Set<string>();
  let worked = false;
  for (;;) {
    throwIfAborted(signal);
    const { records, fingerprint } = await connection.read('looking for blocks to merge', async (transaction) => ({
      records: await readBlockRecords(transaction),
      fingerprint: (await readState(transaction)).fingerprint,
    }));
    const step = fingerprint === null ? null : planCompaction(records, limits, fingerprint, skip, rewriteWholeOnly);
    if (fingerprint === null || step === null) return worked;
    const version =
      step.kind === 'seal'
        ? await sealBlock(connection, step.id)
        : await mergeInto(connection, step.ids, fingerprint, pack, skip, signal);
    if (version === null) continue; // a block was removed or merged by another, or cannot be read: plan anew
    worked = true;
    onStep(version);
  }
}

function sealBlock(connection: Connection, id: string): Promise<number | null> {
  return connection.write('sealing a block', async (transaction) => {
    const record = await transaction.objectStore('blocks').get(id);
    if (record === undefined || record.sealed) return null;
    const state = await readState(transaction);
    send(transaction.objectStore('blocks').put({ ...record, sealed: true }));
    return writeState(transaction, state);
  });
}

/** Reads and merges outside of a transaction; then one that takes the old blocks' place, if they are all still there. */
async function mergeInto(
  connection: Connection,
  ids: readonly string[],
  fingerprint: Fingerprint,
  pack: (block: Block) => Promise<PackedBlock>,
  skip: Set<string>,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  const blocks: Block[] = [];
  for (const id of ids) {
    try {
      blocks.push(await loadBlock(connection, 'reading a block', id));
    } catch (error) {
      if (!(error instanceof LateralError)) throw error;
      if (error.code === 'not-found') return null;
      if (error.code !== 'storage-corrupt' && error.code !== 'storage-unavailable') throw error;
      skip.add(id);
      return null;
    }
    throwIfAborted(signal);
  }
  // Which old block each document comes from: an id may stand in two, removed from one and added again in the other.
  const origins = blocks.flatMap(({ record }) => record.documents.filter((d) => !d.removed).map(() => record.id));
  const merged = await pack(mergeBlocks(0, blocks, fingerprint));
  return connection.write('merging blocks', async (transaction) => {
    const state = await readState(transaction);
    if (!isSameFingerprint(state.fingerprint, fingerprint)) return null; // other rows are wanted now
    const removedFrom = new Map<string, ReadonlySet<string>>();
    for (const id of ids) {
      const now = await transaction.objectStore('blocks').get(id);
      if (now === undefined) return null;
      removedFrom.set(id, new Set(now.documents.filter((d) => d.removed).map((d) => d.id)));
    }
    const id = blockIdOf(state.nextBlock);
    const documents = merged.record.documents.map((entry, i) => ({
      ...entry,
      removed: removedFrom.get(origins[i]!)!.has(entry.id),
    }));
    const locations = transaction.objectStore('locations');
    for (const old of ids) deleteBlock(transaction, old);
    writeBlock(transaction, { ...merged, record: { ...merged.record, id, documents } });
    for (const entry of documents) if (!entry.removed) send(locations.put(id, entry.id));
    return writeState(transaction, state, { nextBlock: state.nextBlock + 1 });
  });
}

/** Finds damage; repairs nothing. Documents added or removed meanwhile may or may not be looked at. */
export async function verifyStore(connection: Connection): Promise<StoreReport> {
  const damagedBlocks: string[] = [];
  const lost = new Set<string>();
  const during = 'verifying the index';
  for (const { id } of await connection.read(during, readBlockRecords)) {
    try {
      await loadBlock(connection, during, id);
    } catch (error) {
      if (!(error instanceof LateralError)) throw error;
      if (error.code === 'storage-corrupt') damagedBlocks.push(id);
      else if (error.code !== 'not-found') throw error;
    }
  }
  for (const id of await connection.read(during, (transaction) => findLost(transaction, new Set(damagedBlocks)))) {
    lost.add(id);
  }
  for (const id of await connection.read(during, (transaction) => transaction.objectStore('sources').getAllKeys())) {
    const source = await connection.read(during, (transaction) => readSource(transaction, id));
    if (source !== undefined && !piecesFit(source)) lost.add(id);
  }
  for (const id of await connection.read(during, findWithoutTokenRows)) lost.add(id);
  const lostFiles: string[] = [];
  for (const { key } of await connection.read(during, readPending)) {
    const file = await connection.read(during, (transaction) => readPendingFile(transaction, key));
    if (file !== undefined && !piecesFit(file)) lostFiles.push(key);
  }
  return { damagedBlocks, lostDocuments: [...lost].sort(), lostFiles };
}

/** Documents with pooled rows of which nothing says which tokens they stand for. */
async function findWithoutTokenRows(transaction: AnyTransaction): Promise<string[]> {
  const { fingerprint } = await readState(transaction);
  if (fingerprint === null || fingerprint.poolFactor === 1) return [];
  const found: string[] = [];
  for (const id of await transaction.objectStore('documents').getAllKeys()) {
    if ((await readTokenRows(transaction, id)) === undefined) found.push(id);
  }
  return found;
}

/** Documents without all of their records, and documents that a block or a part names but nothing else knows. */
async function findLost(transaction: AnyTransaction, damaged: ReadonlySet<string>): Promise<Set<string>> {
  const keysOf = async (name: 'documents' | 'texts' | 'chunks' | 'locations') =>
    new Set(await transaction.objectStore(name).getAllKeys());
  const places = [await keysOf('documents'), await keysOf('texts'), await keysOf('chunks')];
  const located = [...(await keysOf('locations'))];
  const blockIds = await transaction.objectStore('locations').getAll(); // in the order of the keys
  const blockOf = new Map(located.map((id, i) => [id, blockIds[i]!]));
  const held = new Set<string>();
  const listed = new Set<string>();
  for (const block of await readBlockRecords(transaction)) {
    for (const { id, removed } of block.documents) {
      if (removed) continue;
      listed.add(id);
      if (blockOf.get(id) === block.id && !damaged.has(block.id)) held.add(id);
    }
  }
  const known = new Set([...places.flatMap((place) => [...place]), ...located, ...listed]);
  return new Set([...known].filter((id) => ![...places, held].every((place) => place.has(id))));
}
