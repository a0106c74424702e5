/**
 * Vectors of another model beside those that are searched: written a few documents at a time, then made the index's own in groups.
 * Nothing of it raises a version before the switch: to whoever searches, it is not there.
 *
 * What holds at every commit: each record is of a document that is here, and each piece belongs to a record.
 */
import type { DocumentRecord, Fingerprint } from '../types.ts';
import { type AsideRecord, firstAside, lacking, packAside, unpackAside } from './aside.ts';
import { type Block, type BlockLimits, buildBlocks } from './blocks.ts';
import { type PackedBlock, readAll, readPieces, send } from './idb-blocks.ts';
import type { Connection } from './idb-connection.ts';
import { deleteAside, readDocuments } from './idb-documents.ts';
import type { AnyTransaction, WriteTransaction } from './idb-schema.ts';
import { readState } from './idb-state.ts';
import { dropAllVectors, putVectors } from './idb-vectors.ts';
import type { NewVectors, TakenAside } from './index-store.ts';
import {
  isSameDocument,
  isSameFingerprint,
  joinBytes,
  requireChunker,
  requireFingerprint,
  splitBytes,
} from './schema.ts';

export interface PackedAside {
  readonly record: AsideRecord;
  readonly pieces: readonly ArrayBuffer[];
}

/** Ahead of the transaction. */
export function packForAside(document: NewVectors, fingerprint: Fingerprint, pieceBytes: number): PackedAside {
  const { record, bytes } = packAside(document, fingerprint);
  const pieces = splitBytes(bytes, pieceBytes);
  return { record: { ...record, pieceCount: pieces.length }, pieces };
}

/** @returns how many of the documents were still here */
export async function writeAside(
  transaction: WriteTransaction,
  packed: readonly PackedAside[],
  fingerprint: Fingerprint,
): Promise<number> {
  requireChunker((await readState(transaction)).fingerprint, fingerprint);
  let count = 0;
  for (const { record, pieces } of packed) {
    if (!isSameDocument(await transaction.objectStore('documents').get(record.id), record)) continue;
    deleteAside(transaction, record.id);
    send(transaction.objectStore('aside').put(record));
    const data = transaction.objectStore('asideData');
    pieces.forEach((piece, i) => send(data.put(piece, [record.id, i])));
    count++;
  }
  return count;
}

export function readAsideRecords(transaction: AnyTransaction): Promise<AsideRecord[]> {
  return readAll(
    1_000,
    (range, count) => transaction.objectStore('aside').getAll(range, count),
    (record) => record.id,
  );
}

export async function readLacking(transaction: AnyTransaction, fingerprint: Fingerprint): Promise<DocumentRecord[]> {
  return lacking(await readDocuments(transaction), await readAsideRecords(transaction), fingerprint);
}

/** @returns whether the index has this fingerprint now, and the new revision where it has not had it before */
export async function switchFingerprint(
  transaction: WriteTransaction,
  fingerprint: Fingerprint,
  except: ReadonlySet<string>,
): Promise<{ readonly switched: boolean; readonly revision: number | null }> {
  const { fingerprint: now } = await readState(transaction);
  if (isSameFingerprint(now, fingerprint)) return { switched: true, revision: null };
  requireChunker(now, fingerprint);
  const without = await readLacking(transaction, fingerprint);
  if (without.some(({ id }) => !except.has(id))) return { switched: false, revision: null };
  return { switched: true, revision: await dropAllVectors(transaction, fingerprint) };
}

/** @param onChange told of the revision that this made. See `IndexStore.takeAside` */
export async function takeGroup(
  connection: Connection,
  fingerprint: Fingerprint,
  limits: BlockLimits,
  pack: (block: Block) => Promise<PackedBlock>,
  onChange: (revision: number) => void,
): Promise<TakenAside> {
  const { found, left } = await connection.read('reading new vectors', async (transaction) => {
    requireFingerprint((await readState(transaction)).fingerprint, fingerprint);
    const own = (await readAsideRecords(transaction)).filter((one) => isSameFingerprint(one.fingerprint, fingerprint));
    const group = firstAside(own, limits.targetBytes);
    const read = group.map(async (record) => ({
      record,
      document: await transaction.objectStore('documents').get(record.id),
      pieces: await readPieces(transaction, 'asideData', record.id, record.pieceCount),
    }));
    return { found: await Promise.all(read), left: own.length - group.length };
  });
  if (found.length === 0) return { taken: 0, left: 0 };
  const documents = found.flatMap(({ record, document, pieces }): NewVectors[] => {
    const bytes = joinBytes(pieces, record.byteLength);
    if (bytes === null || document === undefined || !isSameDocument(document, record)) return [];
    const whole = unpackAside(record, document, bytes);
    return whole === null ? [] : [whole];
  });
  const built = await Promise.all(buildBlocks(0, documents, fingerprint, limits).map(pack));
  const revision = await connection.write('moving new vectors', async (transaction) => {
    const put = await putVectors(transaction, documents, built, fingerprint);
    for (const { record } of found) {
      const now = await transaction.objectStore('aside').get(record.id);
      if (now?.checksum === record.checksum && isSameFingerprint(now.fingerprint, fingerprint))
        deleteAside(transaction, record.id);
    }
    return put.revision;
  });
  onChange(revision);
  return { taken: found.length, left };
}

/** @returns the bytes freed */
export async function dropOthersAside(transaction: WriteTransaction, keep: Fingerprint | undefined): Promise<number> {
  const { fingerprint } = await readState(transaction);
  let bytes = 0;
  for (const record of await readAsideRecords(transaction)) {
    const kept = [keep, fingerprint].some((one) => one && isSameFingerprint(record.fingerprint, one));
    if (kept) continue;
    deleteAside(transaction, record.id);
    bytes += record.byteLength;
  }
  return bytes;
}

export async function countAside(transaction: AnyTransaction): Promise<number> {
  return (await readAsideRecords(transaction)).reduce((sum, { byteLength }) => sum + byteLength, 0);
}
