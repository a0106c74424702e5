/**
 * Pending files: copied in before they are read, taken over by the document that is made of them. Their bytes lie among
 * the sources' pieces, so that becoming a document writes none of them again.
 *
 * What holds at every commit: each piece in `sourceData` belongs to one record, of `pending` or of `sources`. So a file's
 * record is written with its first bytes, `complete` only with its last; whoever ends one of them ends the pieces too.
 */
import { type LateralError, throwIfAborted, toLateralError } from '../errors.ts';
import { crc32c } from './checksum.ts';
import { piecesOf, readAll, readPieces, send } from './idb-blocks.ts';
import type { Connection } from './idb-connection.ts';
import { readState, writePendingVersion } from './idb-state.ts';
import type { AnyTransaction } from './idb-schema.ts';
import type { FileToKeep, PendingFile, StageOptions } from './index-store.ts';
import { pendingKeys, type PendingRecord, toPendingFile, unreadable } from './schema.ts';

/** A transaction of the staging is written once it holds this much: others wait for it, so it must be short. */
export const stageBytes = 8 * 2 ** 20;
const stageRecords = 256;

interface Piece {
  readonly key: string;
  readonly index: number;
  readonly bytes: ArrayBuffer;
}

/** @param onChange told of the pending version that each transaction made. See `IndexStore.stage` */
export async function stageFiles(
  connection: Connection,
  files: readonly FileToKeep[],
  owner: string,
  pieceBytes: number,
  onChange: (revision: number) => void,
  { signal, onProgress }: StageOptions = {},
): Promise<(PendingFile | LateralError)[]> {
  const addedAt = Date.now();
  const keys = pendingKeys(files.length);
  const totalBytes = files.reduce((sum, { content }) => sum + content.size, 0);
  const outcomes: (PendingFile | LateralError)[] = [];
  const written = new Map<string, PendingRecord>(); // as the store has them
  let records = new Map<string, PendingRecord>(); // of the next transaction
  let pieces: Piece[] = [];
  let bytesWaiting = 0;
  let bytesDone = 0;

  const flush = async (): Promise<void> => {
    if (records.size === 0) return;
    const revision = await connection.write('keeping files', async (transaction) => {
      const state = await readState(transaction);
      const store = transaction.objectStore('pending');
      const dropped = new Set<string>(); // in the middle of the copying, by `clear`
      for (const record of records.values()) {
        if (written.has(record.key) && (await store.getKey(record.key)) === undefined) dropped.add(record.key);
        else send(store.put(record));
      }
      const data = transaction.objectStore('sourceData');
      for (const { key, index, bytes } of pieces) if (!dropped.has(key)) send(data.put(bytes, [key, index]));
      return writePendingVersion(transaction, state);
    });
    for (const [key, record] of records) written.set(key, record);
    bytesDone += bytesWaiting;
    records = new Map();
    pieces = [];
    bytesWaiting = 0;
    onChange(revision);
    onProgress?.(bytesDone, totalBytes);
  };

  /** Forgets a file of which the end cannot be read, and what was written of its beginning. */
  const takeBack = async (key: string): Promise<void> => {
    records.delete(key);
    pieces = pieces.filter((piece) => piece.key !== key);
    const record = written.get(key);
    if (record !== undefined) await unstageFiles(connection, [record], onChange);
    written.delete(key);
  };

  try {
    for (const [i, { content, ...facts }] of files.entries()) {
      const key = keys[i]!;
      const { size: byteLength } = content;
      let record: PendingRecord = {
        ...{ ...facts, key, owner, byteLength, addedAt, complete: false },
        ...{ pieceCount: 0, checksum: 0 },
      };
      const copy = async (): Promise<void> => {
        for (let at = 0; at < byteLength; at += pieceBytes) {
          throwIfAborted(signal);
          const bytes = await readSlice(content, at, Math.min(at + pieceBytes, byteLength), facts.name);
          pieces.push({ key, index: record.pieceCount, bytes });
          const checksum = crc32c(new Uint8Array(bytes), record.checksum);
          record = { ...record, pieceCount: record.pieceCount + 1, checksum };
          records.set(key, record);
          bytesWaiting += bytes.byteLength;
          if (bytesWaiting >= stageBytes) await flush();
        }
      };
      try {
        await copy();
      } catch (thrown) {
        const error = toLateralError(thrown);
        if (error.code !== 'file-damaged') throw error;
        await takeBack(key);
        outcomes.push(error);
        continue;
      }
      record = { ...record, complete: true };
      records.set(key, record);
      outcomes.push(toPendingFile(record));
      if (records.size >= stageRecords) await flush();
    }
    throwIfAborted(signal);
    await flush();
    return outcomes;
  } catch (error) {
    // Where even that fails the files stay pending, which loses nothing.
    await unstageFiles(connection, [...written.values()], onChange).catch(() => undefined);
    throw error;
  }
}

async function readSlice(content: Blob, start: number, end: number, name: string): Promise<ArrayBuffer> {
  let bytes: ArrayBuffer;
  try {
    bytes = await content.slice(start, end).arrayBuffer();
  } catch (cause) {
    throw unreadable(name, cause);
  }
  if (bytes.byteLength !== end - start) throw unreadable(name, new Error('The file has become shorter.'));
  return bytes;
}

export function readPending(transaction: AnyTransaction): Promise<PendingRecord[]> {
  return readAll(
    1_000,
    (range, count) => transaction.objectStore('pending').getAll(range, count),
    (record) => record.key,
  );
}

/** A complete file with its bytes, unchecked. */
export async function readPendingFile(transaction: AnyTransaction, key: string) {
  const record = await transaction.objectStore('pending').get(key);
  if (record?.complete !== true) return undefined;
  const pieces = await readPieces(transaction, 'sourceData', key, record.pieceCount);
  return { record: { ...record, type: record.mediaType }, pieces };
}

export async function adoptFiles(
  connection: Connection,
  files: readonly PendingFile[],
  owner: string,
  onChange: (revision: number) => void,
): Promise<PendingFile[]> {
  const { adopted, revision } = await connection.write('taking over files', async (transaction, attempt) => {
    const state = await readState(transaction);
    const store = transaction.objectStore('pending');
    const taken: PendingFile[] = [];
    for (const file of files) {
      const now = await store.get(file.key);
      const still = now !== undefined && (now.owner === file.owner || (attempt > 0 && now.owner === owner));
      if (!still || now.complete !== file.complete) continue;
      const record = { ...now, owner };
      send(store.put(record));
      taken.push(toPendingFile(record));
    }
    return { adopted: taken, revision: taken.length === 0 ? null : writePendingVersion(transaction, state) };
  });
  if (revision !== null) onChange(revision);
  return adopted;
}

export async function unstageFiles(
  connection: Connection,
  files: readonly PendingFile[],
  onChange: (revision: number) => void,
): Promise<number> {
  if (files.length === 0) return 0;
  const { count, revision } = await connection.write('dropping files', async (transaction) => {
    const state = await readState(transaction);
    let dropped = 0;
    for (const { key, owner } of files) {
      if ((await transaction.objectStore('pending').get(key))?.owner !== owner) continue;
      send(transaction.objectStore('pending').delete(key));
      send(transaction.objectStore('sourceData').delete(piecesOf(key)));
      dropped++;
    }
    return { count: dropped, revision: dropped === 0 ? null : writePendingVersion(transaction, state) };
  });
  if (revision !== null) onChange(revision);
  return count;
}
