/**
 * The database's object stores and the steps that bring an older database up to them. A step that has shipped is never
 * edited: a later layout is a further step, so that what any version wrote stays readable.
 */
import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from 'idb';
import type { DocumentRecord, ExtractedText } from '../types.ts';
import type { AsideRecord } from './aside.ts';
import {
  type BlockRecord,
  type ChunksRecord,
  type KeywordRecord,
  type PendingRecord,
  type SourceRecord,
  type StoreState,
} from './schema.ts';

/** Bytes of a block; both kinds may lie side by side. */
export type Piece = ArrayBuffer | Blob;

export interface LateralSchema extends DBSchema {
  documents: { key: string; value: DocumentRecord; indexes: { byHash: string; byTime: [number, string] } };
  texts: { key: string; value: ExtractedText };
  chunks: { key: string; value: ChunksRecord };
  sources: { key: string; value: SourceRecord };
  /** [document id or key of a pending file, piece] */
  sourceData: { key: [string, number]; value: ArrayBuffer };
  pending: { key: string; value: PendingRecord };
  /** Document id → id of the block that holds its vectors. */
  locations: { key: string; value: string };
  blocks: { key: string; value: BlockRecord };
  /** [block id, piece] */
  blockData: { key: [string, number]; value: Piece };
  /** Vectors of another model, kept aside; by document. */
  aside: { key: string; value: AsideRecord };
  /** [document id, piece] */
  asideData: { key: [string, number]; value: ArrayBuffer };
  keywords: { key: string; value: KeywordRecord };
  meta: { key: 'state'; value: StoreState };
}

export type StoreName = StoreNames<LateralSchema>;
export type Database = IDBPDatabase<LateralSchema>;
/** Over all stores: the one kind of transaction used, so that no read can see half of a write. */
export type ReadTransaction = IDBPTransaction<LateralSchema, StoreName[]>;
export type WriteTransaction = IDBPTransaction<LateralSchema, StoreName[], 'readwrite'>;
/** Either, for code that only reads. */
export type AnyTransaction = IDBPTransaction<LateralSchema, StoreName[], 'readonly' | 'readwrite'>;
export type UpgradeTransaction = IDBPTransaction<LateralSchema, StoreName[], 'versionchange'>;

export const storeNames: StoreName[] = [
  'documents',
  'texts',
  'chunks',
  'sources',
  'sourceData',
  'pending',
  'locations',
  'blocks',
  'blockData',
  'aside',
  'asideData',
  'keywords',
  'meta',
];

export interface Migration {
  /** The database version that this step leads to: 1, 2, 3 … without gaps. */
  readonly version: number;
  readonly description: string;
  /** Must await nothing but requests of this transaction, which would end under it otherwise. */
  apply(database: Database, transaction: UpgradeTransaction): Promise<void>;
}

export const migrations: readonly Migration[] = [
  {
    version: 1,
    description: 'The first layout.',
    async apply(database, transaction) {
      const documents = database.createObjectStore('documents', { keyPath: 'id' });
      documents.createIndex('byHash', 'contentHash');
      documents.createIndex('byTime', ['addedAt', 'id']);
      database.createObjectStore('blocks', { keyPath: 'id' });
      for (const name of ['texts', 'chunks', 'sources', 'sourceData', 'locations', 'blockData', 'keywords'] as const) {
        database.createObjectStore(name);
      }
      database.createObjectStore('meta');
      const now = Date.now();
      const state = { format: 1, version: now, nextBlock: now, fingerprint: null };
      await transaction.objectStore('meta').put(state as StoreState, 'state');
    },
  },
  {
    version: 2,
    description: 'Files that wait to be read.',
    async apply(database, transaction) {
      database.createObjectStore('pending', { keyPath: 'key' });
      const meta = transaction.objectStore('meta');
      const state = await meta.get('state');
      if (state !== undefined) await meta.put({ ...state, pendingVersion: 0, createdAt: Date.now() }, 'state');
    },
  },
  {
    version: 3,
    description: 'Vectors may lie in Blobs, which earlier versions cannot read.',
    apply: () => Promise.resolve(),
  },
  {
    version: 4,
    description: 'Vectors of another model, kept aside.',
    apply(database) {
      database.createObjectStore('aside', { keyPath: 'id' });
      database.createObjectStore('asideData');
      return Promise.resolve();
    },
  },
];

/** Runs the steps after `oldVersion` up to `targetVersion`, in order, in the one transaction of the upgrade. */
export async function migrate(
  steps: readonly Migration[],
  oldVersion: number,
  targetVersion: number,
  database: Database,
  transaction: UpgradeTransaction,
): Promise<void> {
  for (let version = oldVersion + 1; version <= targetVersion; version++) {
    const step = steps.find((candidate) => candidate.version === version);
    if (step === undefined) throw new Error(`No migration leads to database version ${String(version)}.`);
    await step.apply(database, transaction);
  }
}
