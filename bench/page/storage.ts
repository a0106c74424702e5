/** Reading vectors from IndexedDB: as the store keeps them, in blocks of 16 MiB (Blobs), and as one record per document. */
import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Contender } from '../race.ts';
import type { StorageContender } from '../results.ts';

const totalBytes = 64 * 2 ** 20;
const blockBytes = 16 * 2 ** 20;
/** 300 tokens of 128 bytes. */
const documentBytes = 38_400;
const databaseName = 'bench-storage';

interface Schema extends DBSchema {
  blocks: { key: number; value: Blob };
  documents: { key: number; value: ArrayBuffer };
}

type StoreName = 'blocks' | 'documents';

export interface StorageBench {
  readonly contenders: readonly Contender<StorageContender>[];
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

export async function prepareStorage(): Promise<StorageBench> {
  await deleteDB(databaseName);
  const database = await openDB<Schema>(databaseName, 1, {
    upgrade(upgrading) {
      upgrading.createObjectStore('blocks');
      upgrading.createObjectStore('documents');
    },
  });
  const numBlocks = totalBytes / blockBytes;
  const numDocuments = Math.floor(totalBytes / documentBytes);
  await fill(database, 'blocks', numBlocks, blockBytes, (bytes) => new Blob([bytes]));
  await fill(database, 'documents', numDocuments, documentBytes, (bytes) => bytes);
  const documentsBytes = numDocuments * documentBytes;
  return {
    contenders: [
      { name: 'blocks', amount: totalBytes, run: () => readBlocks(database, numBlocks) },
      {
        name: 'perDocument',
        amount: documentsBytes,
        run: () => readOneByOne(database, numDocuments),
      },
      { name: 'perDocumentGetAll', amount: documentsBytes, run: () => readInBatches(database, documentsBytes) },
    ],
    async close() {
      database.close();
      await deleteDB(databaseName);
    },
  };
}

async function fill<Name extends StoreName>(
  database: IDBPDatabase<Schema>,
  store: Name,
  count: number,
  bytes: number,
  asValue: (bytes: ArrayBuffer) => Schema[Name]['value'],
): Promise<void> {
  const perTransaction = Math.max(1, Math.floor(blockBytes / bytes));
  for (let key = 0; key < count;) {
    const transaction = database.transaction(store, 'readwrite');
    const writes: Promise<unknown>[] = [transaction.done];
    for (const end = Math.min(count, key + perTransaction); key < end; key++) {
      writes.push(transaction.store.put(asValue(randomBytes(bytes)), key));
    }
    await Promise.all(writes);
  }
}

/** Two asked for at a time, as the engine does (src/engine/resident.ts). */
async function readBlocks(database: IDBPDatabase<Schema>, count: number): Promise<void> {
  const read = async (key: number): Promise<number> => {
    const block = await database.get('blocks', key);
    return (await block!.arrayBuffer()).byteLength;
  };
  let bytes = 0;
  let next = read(0);
  for (let key = 1; key <= count; key++) {
    const current = next;
    if (key < count) next = read(key);
    bytes += await current;
  }
  expectBytes(bytes, totalBytes);
}

/** In one transaction. */
async function readOneByOne(database: IDBPDatabase<Schema>, count: number): Promise<void> {
  const { store } = database.transaction('documents');
  let bytes = 0;
  for (let key = 0; key < count; key++) bytes += (await store.get(key))!.byteLength;
  expectBytes(bytes, count * documentBytes);
}

/** Batches of 8 MiB: one answer of the browser must stay below its message limit. */
async function readInBatches(database: IDBPDatabase<Schema>, expectedBytes: number): Promise<void> {
  const { store } = database.transaction('documents');
  const batch = Math.floor((8 * 2 ** 20) / documentBytes);
  let bytes = 0;
  for (let key = 0; ; key += batch) {
    const records = await store.getAll(IDBKeyRange.lowerBound(key), batch);
    for (const record of records) bytes += record.byteLength;
    if (records.length < batch) break;
  }
  expectBytes(bytes, expectedBytes);
}

function expectBytes(bytes: number, expected: number): void {
  if (bytes !== expected) throw new Error(`Read ${bytes} bytes where ${expected} were written.`);
}

/** Not compressible, so that the database cannot make the work smaller. */
function randomBytes(bytes: number): ArrayBuffer {
  const out = new Uint8Array(bytes);
  const most = 65_536; // what the browser gives at a time
  for (let at = 0; at < bytes; at += most) crypto.getRandomValues(out.subarray(at, at + most));
  return out.buffer;
}
