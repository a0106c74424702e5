/**
 * The index in IndexedDB, one database an index. Every write is one strict transaction over prepared bytes: reading
 * files, building blocks and checksums come before it, for a transaction ends as soon as anything else is awaited.
 */
import { toLateralError } from '../errors.ts';
import type { DocumentRecord, Fingerprint } from '../types.ts';
import { narrowRows } from '../vectors/narrow.ts';
import {
  type Block,
  buildBlocks,
  defaultLimits,
  inOrder,
  narrowBlock,
  partOf,
  rowsOf,
  toBlockInfo,
  toVectorBlock,
  usageOf,
} from './blocks.ts';
import {
  letGo,
  openBlock,
  packBlock,
  type PackedBlock,
  readAndOpen,
  readBlock,
  readBlockRecords,
  send,
  takesBlobs,
  writeBlock,
} from './idb-blocks.ts';
import { createChanges } from './idb-changes.ts';
import { createConnection } from './idb-connection.ts';
import {
  countAside,
  dropOthersAside,
  packForAside,
  readLacking,
  switchFingerprint,
  takeGroup,
  writeAside,
} from './idb-aside.ts';
import {
  countSources,
  deleteSources,
  openPieces,
  openSource,
  packDocument,
  type PackedDocument,
  readDocument,
  readDocuments,
  readSource,
  readTokenRows,
  removeDocuments,
  takeOverFile,
  writeDocument,
} from './idb-documents.ts';
import { corrupt } from './idb-errors.ts';
import { compactBlocks, verifyStore } from './idb-maintenance.ts';
import { adoptFiles, readPending, readPendingFile, stageBytes, stageFiles, unstageFiles } from './idb-pending.ts';
import { type AnyTransaction, migrations, type Migration, storeNames } from './idb-schema.ts';
import { type BlockLayout, openRows, readRows } from './idb-rows.ts';
import { readState, revisionOf, writeState } from './idb-state.ts';
import { dropAllVectors, narrowFingerprint, putVectors } from './idb-vectors.ts';
import type { IndexStore, NewDocument, RowRange, StoredRows } from './index-store.ts';
import { tellAll } from './listeners.ts';
import {
  blockIdOf,
  checkDocuments,
  checksumOf,
  checkVectors,
  duplicate,
  isSameDocument,
  requireFingerprint,
  toPendingFile,
  unpackChunks,
} from './schema.ts';

export interface IdbStoreOptions {
  /** Vector bytes that a sealed block should not pass. Default 16 MiB. */
  readonly blockBytes?: number;
  /** Largest single value of bytes written. Default 32 MiB; Chrome takes at most 133,169,152 bytes a value. */
  readonly pieceBytes?: number;
  /**
   * Bytes from which a piece of vectors is a Blob, where the browser takes them. Default 64 KiB: browsers keep smaller values
   * within the database, where one more file would cost more than a copy.
   */
  readonly blobBytes?: number;
  /** How long other tabs have to let go of an older version before 'storage-blocked'. Default 2,500 ms. */
  readonly blockedMs?: number;
  /** How long the browser has in all to open the database. Default 10,000 ms. */
  readonly openMs?: number;
  /** How often to look for changes of other tabs while someone listens, where no message says so. Default 3,000 ms. */
  readonly pollMs?: number;
  /** For tests of later layouts. */
  readonly migrations?: readonly Migration[];
}

/** Where there are no Blobs, some rows cannot be read without all of their piece: smaller ones slow down reading a whole block. */
const maxBufferBytes = 512 * 2 ** 10;

export function databaseNameOf(name: string): string {
  return `lateral-${name}`;
}

/**
 * Opens an index, making it if there is none.
 * @throws 'storage-unavailable' where the browser gives no database; 'storage-blocked' where another tab keeps an older
 * version open; 'storage-newer' for one that a later version wrote; 'storage-corrupt' where the browser cannot open its
 * files; 'storage-full' where the disk is full.
 */
export async function openIdbStore(name: string, options: IdbStoreOptions = {}): Promise<IndexStore> {
  const limits = { ...defaultLimits, targetBytes: options.blockBytes ?? defaultLimits.targetBytes };
  const pieceBytes = options.pieceBytes ?? 32 * 2 ** 20;
  const endedListeners = new Set<(error: unknown) => void>();
  const connection = createConnection({
    databaseName: databaseNameOf(name),
    migrations: options.migrations ?? migrations,
    blockedMs: options.blockedMs ?? 2_500,
    openMs: options.openMs ?? 10_000,
    onDropped: () => changes.dropped(),
    onEnded: (error) => tellAll(endedListeners, error),
  });
  const state = () => connection.read('reading the state', readState);
  const readRevision = async (): Promise<number> => revisionOf(await state());
  const changes = createChanges(databaseNameOf(name), options.pollMs ?? 3_000, readRevision);
  const changed = (revision: number): void => changes.made(revision);
  const blobBytes = options.blobBytes ?? 64 * 1024;
  let takingBlobs: Promise<boolean | null> | undefined;
  async function mayUseBlobs(): Promise<boolean> {
    const answer = await (takingBlobs ??= takesBlobs(connection));
    if (answer === null) takingBlobs = undefined; // asked again before the next write
    return answer === true;
  }
  async function pack(block: Block): Promise<PackedBlock> {
    const large = block.vectors.byteLength >= blobBytes;
    if (large && (await mayUseBlobs())) return packBlock(block, { pieceBytes, blobBytes });
    return packBlock(block, { pieceBytes: Math.min(pieceBytes, maxBufferBytes), blobBytes: Infinity });
  }
  /** The block that `parts` read last: undoing or exporting many documents asks for the same one again and again. */
  let lastBlock: WeakRef<Block> | undefined;
  /** Of the blocks that rows were read of: their records list up to 10,000 documents. */
  const layouts = new Map<string, BlockLayout>();

  try {
    changes.seen(await readRevision());
  } catch (error) {
    changes.stop();
    connection.close();
    throw error;
  }

  async function add(documents: readonly NewDocument[], fingerprint: Fingerprint): Promise<void> {
    if (documents.length === 0) return;
    requireFingerprint((await state()).fingerprint, fingerprint); // before the long work; checked again where it counts
    checkDocuments(documents, fingerprint);
    const packed: PackedDocument[] = [];
    for (const document of documents) packed.push(await packDocument(document, pieceBytes));
    const built = await Promise.all(buildBlocks(0, documents, fingerprint, limits).map(pack));
    const revision = await connection.write('saving documents', async (transaction, attempt) => {
      const now = await readState(transaction);
      const present = await readPresent(transaction, documents);
      if (attempt > 0 && documents.every(({ record }) => isSameDocument(present.get(record.id), record)))
        return revisionOf(now);
      for (const id of present.keys()) throw duplicate(id);
      requireFingerprint(now.fingerprint, fingerprint);
      for (const document of documents) await takeOverFile(transaction, document);
      let next = 0;
      built.forEach(({ record, pieces }, i) => {
        const id = blockIdOf(now.nextBlock + i);
        writeBlock(transaction, { record: { ...record, id }, pieces });
        // Blocks hold the documents in the order given.
        for (const last = next + record.documents.length; next < last; next++) {
          writeDocument(transaction, packed[next]!, id);
        }
      });
      return writeState(transaction, now, { fingerprint, nextBlock: now.nextBlock + built.length });
    });
    changed(revision);
  }

  /** As the index's rows are now. @throws as `IndexStore.block` */
  function wholeBlock(id: string): Promise<Block> {
    return readAndOpen(
      connection,
      'reading a block',
      async (transaction) => ({
        read: await readBlock(transaction, id),
        fingerprint: (await readState(transaction)).fingerprint,
      }),
      async ({ read, fingerprint }) => narrowed(await openBlock(read), fingerprint),
    );
  }

  function rowsAlone(id: string, ranges: readonly RowRange[]): Promise<StoredRows> {
    return readAndOpen(
      connection,
      'reading rows',
      async (transaction) => ({
        packed: await readRows(transaction, id, ranges, layouts.get(id)),
        fingerprint: (await readState(transaction)).fingerprint,
      }),
      async ({ packed, fingerprint }) => {
        const { layout } = packed;
        layouts.set(id, layout);
        const { dim, precision, scale } = fingerprint ?? layout;
        const vectors = narrowRows(await openRows(packed, ranges), layout, { dim, precision, scale });
        return { dim, precision, scale, vectors };
      },
    );
  }

  async function parts(id: string): Promise<NewDocument | undefined> {
    const known = lastBlock?.deref();
    const found = await readAndOpen(
      connection,
      `reading document "${id}"`,
      async (transaction) => {
        const document = await readDocument(transaction, id);
        if (document === undefined) return undefined;
        const reuse = known?.record.id === document.blockId;
        return { document, read: reuse ? known : await readBlock(transaction, document.blockId) };
      },
      async (packed) => {
        if (packed === undefined) return undefined;
        const { document, read } = packed;
        const block = 'pieces' in read ? await openBlock(read) : read;
        return { ...document, block: narrowed(block, document.fingerprint) };
      },
    );
    if (found === undefined) return undefined;
    lastBlock = new WeakRef(found.block);
    const part = partOf(found.block, id);
    if (part === undefined) throw corrupt(`The vectors of document "${id}" are missing. Add it again.`, { id });
    const { record, text, chunks, source: packed, tokenRows } = found;
    const { vectors, offsets } = part;
    const source = packed === undefined ? null : openSource(id, packed);
    return { record, text, chunks, source, vectors, offsets, tokenRows };
  }

  return {
    name,
    kind: 'indexeddb',
    fingerprint: async () => (await state()).fingerprint,
    createdAt: async () => (await state()).createdAt,
    version: async () => (await state()).version,
    pendingVersion: async () => (await state()).pendingVersion,
    onChange: (listener) => changes.listen(listener),
    onClosed(listener) {
      endedListeners.add(listener);
      return () => void endedListeners.delete(listener);
    },

    add,
    async remove(documentIds) {
      const { count, revision } = await connection.write('removing documents', async (transaction) => {
        const now = await readState(transaction);
        const removed = await removeDocuments(transaction, documentIds);
        return { count: removed, revision: removed === 0 ? revisionOf(now) : writeState(transaction, now) };
      });
      if (count > 0) changed(revision);
      return count;
    },
    async clear() {
      const revision = await connection.write('clearing the index', async (transaction) => {
        const now = await readState(transaction);
        for (const store of storeNames) if (store !== 'meta') send(transaction.objectStore(store).clear());
        return writeState(transaction, now, { fingerprint: null, pendingVersion: now.pendingVersion + 1 });
      });
      changed(revision);
    },
    async narrow(fingerprint) {
      const revision = await connection.write('changing the vectors', (transaction) =>
        narrowFingerprint(transaction, fingerprint),
      );
      if (revision !== null) changed(revision);
    },
    async dropVectors(fingerprint) {
      const revision = await connection.write('dropping vectors', (transaction) =>
        dropAllVectors(transaction, fingerprint),
      );
      if (revision !== null) changed(revision);
    },
    async replaceVectors(documents, fingerprint) {
      if (documents.length === 0) return 0;
      checkVectors(documents, fingerprint);
      const built = await Promise.all(buildBlocks(0, documents, fingerprint, limits).map(pack));
      const { count, revision } = await connection.write('saving vectors', (transaction) =>
        putVectors(transaction, documents, built, fingerprint),
      );
      changed(revision);
      return count;
    },
    async putAside(documents, fingerprint) {
      if (documents.length === 0) return 0;
      checkVectors(documents, fingerprint);
      const packed = documents.map((document) => packForAside(document, fingerprint, pieceBytes));
      return connection.write('keeping new vectors', (transaction) => writeAside(transaction, packed, fingerprint));
    },
    withoutAside: (fingerprint) =>
      connection.read('looking for new vectors', (transaction) => readLacking(transaction, fingerprint)),
    async switchTo(fingerprint, except) {
      const { switched, revision } = await connection.write('changing over', (transaction) =>
        switchFingerprint(transaction, fingerprint, except),
      );
      if (revision !== null) changed(revision);
      return switched;
    },
    takeAside: (fingerprint) => takeGroup(connection, fingerprint, limits, pack, changed),
    dropAside: (keep) => connection.write('dropping new vectors', (transaction) => dropOthersAside(transaction, keep)),
    async dropSources() {
      const { bytes, revision } = await connection.write('removing original files', async (transaction) => {
        const now = await readState(transaction);
        return { bytes: await deleteSources(transaction), revision: writeState(transaction, now) };
      });
      changed(revision);
      return bytes;
    },

    stage: (files, owner, stageOptions) =>
      stageFiles(connection, files, owner, Math.min(pieceBytes, stageBytes), changed, stageOptions),
    pending: async () => (await connection.read('listing files', readPending)).map(toPendingFile),
    async pendingContent(key) {
      const found = await connection.read('reading a file', (transaction) => readPendingFile(transaction, key));
      return (
        found && openPieces(found, `The kept copy of ${found.record.name} is damaged. Add the file again.`, { key })
      );
    },
    adopt: (files, owner) => adoptFiles(connection, files, owner, changed),
    unstage: (files) => unstageFiles(connection, files, changed),

    documents: () => connection.read('listing documents', readDocuments),
    document: (id) =>
      connection.read('reading a document', (transaction) => transaction.objectStore('documents').get(id)),
    findByHash: (contentHash) =>
      connection.read('looking for a document', (transaction) =>
        transaction.objectStore('documents').index('byHash').get(contentHash),
      ),
    text: (id) => connection.read('reading a text', (transaction) => transaction.objectStore('texts').get(id)),
    async chunks(id) {
      const packed = await connection.read('reading chunks', (transaction) =>
        transaction.objectStore('chunks').get(id),
      );
      return packed && unpackChunks(packed);
    },
    tokenRows: (id) => connection.read('reading chunks', (transaction) => readTokenRows(transaction, id)),
    async source(id) {
      const packed = await connection.read('reading a file', (transaction) => readSource(transaction, id));
      return packed && openSource(id, packed);
    },
    parts,

    async blocks() {
      const { records, fingerprint } = await connection.read('listing blocks', async (transaction) => ({
        records: await readBlockRecords(transaction),
        fingerprint: (await readState(transaction)).fingerprint,
      }));
      return inOrder(records).map((record) => toBlockInfo(record, fingerprint ?? record));
    },
    block: async (id) => toVectorBlock(await wholeBlock(id)),
    async rows(id, ranges) {
      try {
        return await rowsAlone(id, ranges);
      } catch (error) {
        layouts.delete(id);
        if (toLateralError(error).code !== 'storage-corrupt') throw error;
      }
      // It may be the runs' checksums that are damaged: nothing else looks at those, and the block's own decides.
      const block = await wholeBlock(id);
      const { dim, precision, scale } = block.record;
      return { dim, precision, scale, vectors: rowsOf(block, ranges) };
    },
    release: ({ vectors }) => letGo(vectors.buffer), // read from the database for this one caller
    compact: (compacting) => compactBlocks(connection, limits, pack, changed, compacting),
    verify: () => verifyStore(connection),

    async keywordSegment(key) {
      const found = await connection.read('reading keywords', (transaction) =>
        transaction.objectStore('keywords').get(key),
      );
      if (found === undefined) return undefined;
      if (checksumOf(found.bytes) !== found.checksum) {
        throw corrupt(`The keyword segment "${key}" is damaged. Build the keyword index again.`, { key });
      }
      return found.bytes;
    },
    async putKeywordSegment(key, given) {
      const bytes = given?.slice() ?? null; // a view would take all of its buffer along
      const record = bytes && { bytes, checksum: checksumOf(bytes) };
      await connection.write('saving keywords', (transaction) => {
        const keywords = transaction.objectStore('keywords');
        send(record === null ? keywords.delete(key) : keywords.put(record, key));
        return Promise.resolve();
      });
    },

    usage: () =>
      connection.read('counting', async (transaction) => {
        const sourceBytes = await countSources(transaction);
        const asideBytes = await countAside(transaction);
        return usageOf(await readBlockRecords(transaction), { sourceBytes, asideBytes });
      }),
    close() {
      changes.stop();
      connection.close();
      lastBlock = undefined;
      return Promise.resolve();
    },
  };
}

/** A block from before the index was narrowed, as it is to be read now. */
function narrowed(block: Block, fingerprint: Fingerprint | null): Block {
  return fingerprint === null ? block : narrowBlock(block, fingerprint);
}

async function readPresent(
  transaction: AnyTransaction,
  documents: readonly NewDocument[],
): Promise<Map<string, DocumentRecord>> {
  const store = transaction.objectStore('documents');
  const found = await Promise.all(documents.map(({ record }) => store.get(record.id)));
  return new Map(found.flatMap((record) => (record === undefined ? [] : [[record.id, record]])));
}
