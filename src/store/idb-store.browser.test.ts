/** The contract over real IndexedDB, in Chromium, and what only IndexedDB can do wrong. */
import { openDB } from 'idb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cdp } from 'vitest/browser';
import { databaseNameOf, type IdbStoreOptions, openIdbStore } from './idb-store.ts';
import { type LateralSchema, migrate, type Migration, migrations } from './idb-schema.ts';
import type { IndexStore, NewDocument, PendingFile } from './index-store.ts';
import {
  deleteRaw,
  failWrite,
  faults,
  keysOfRaw,
  openRaw,
  orphanedPieces,
  tamper,
  valuesOfRaw,
} from './testing/raw-database.ts';
import type { ChunksRecord } from './schema.ts';
import {
  brokenBlob,
  fileToKeep,
  int8Fingerprint,
  pooledFingerprint,
  sampleDocument,
  watchedBlob,
} from './testing/sample-documents.ts';
import { readBy, vectorsOf } from './testing/aside-suite.ts';
import { code } from './testing/store-fixture.ts';
import { expectHolds, expectPending } from './testing/store-oracle.ts';
import { describeChecksum, describeStore } from './testing/store-suite.ts';

/** Pieces of 32 bytes, so that blocks of 80 and most sources lie in several; no polling that could stand in for messages. */
const tiny: IdbStoreOptions = { blockBytes: 80, pieceBytes: 32, pollMs: 60_000 };

for (const [kept, blobBytes] of [
  ['buffers', Infinity],
  ['Blobs', 1],
] as const) {
  describeStore(`IndexedDB store, vectors in ${kept}`, {
    open: (name) => openIdbStore(name, { ...tiny, blobBytes }),
    shared: true,
    persistent: true,
    check: async ({ name }) => expect(await orphanedPieces(databaseNameOf(name))).toEqual([]),
  });
}
describeChecksum();

describe('IndexedDB store', () => {
  let name: string;
  let databaseName: string;
  let store: IndexStore;
  let count = 0;
  const cleanUps: (() => unknown)[] = [];
  const open = async (options: IdbStoreOptions = {}): Promise<IndexStore> => {
    const opened = await openIdbStore(name, { ...tiny, ...options });
    cleanUps.push(() => opened.close());
    return opened;
  };
  const add = (...ids: string[]): Promise<void> =>
    store.add(
      ids.map((id) => sampleDocument(id)),
      int8Fingerprint,
    );
  const samples = (...ids: string[]) => ids.map((id) => sampleDocument(id));

  beforeEach(async () => {
    name = `idb-${String(Date.now())}-${String(count++)}`;
    databaseName = databaseNameOf(name);
    store = await open();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    await deleteRaw(databaseName);
  });

  describe('rows of tokens', () => {
    it('that a version without pooling has left behind are of no meaning', async () => {
      const { tokenRows } = sampleDocument('a', { fingerprint: pooledFingerprint });
      await add('a', 'b');
      await tamper<object>(databaseName, 'chunks', 'a', (columns) => ({ ...columns, tokenRows }));
      await expectHolds(store, samples('a', 'b'));
    });

    it('that are missing are damage of one document', async () => {
      const pooled = ['a', 'b'].map((id) => sampleDocument(id, { fingerprint: pooledFingerprint }));
      await store.add(pooled, pooledFingerprint);
      await tamper<ChunksRecord>(databaseName, 'chunks', 'a', ({ start, end, section }) => ({ start, end, section }));
      expect(await store.tokenRows('a')).toBeUndefined();
      await expect(store.parts('a')).rejects.toThrow(code('storage-corrupt'));
      expect(await store.tokenRows('b')).toEqual(pooled[1]!.tokenRows);
      expect((await store.verify()).lostDocuments).toEqual(['a']);
    });
  });

  describe('interrupted writes', () => {
    const works: [string, (target: IndexStore) => Promise<unknown>, string[]][] = [
      [
        'add',
        (s) => s.add([sampleDocument('x', { source: new Blob(['source']) }), sampleDocument('y')], int8Fingerprint),
        ['x', 'y'],
      ],
      ['remove', (s) => s.remove(['a', 'c']), []],
      ['compact', (s) => s.compact(), []],
    ];

    it.each(works)('%s changes nothing at all where the quota ends, at whichever write', async (_, work) => {
      await add('a', 'b');
      await add('c');
      let n = 0;
      for (; ; n++) {
        const before = await store.version();
        const stop = failWrite(n, faults.quota);
        const outcome = await work(store).then(
          () => 'done',
          (error: unknown) => error,
        );
        if (!stop()) break;
        expect(outcome).toEqual(code('storage-full'));
        expect(await store.version()).toBe(before);
        await expectHolds(store, samples('a', 'b', 'c'));
      }
      expect(n).toBeGreaterThan(2);
    });

    it.each(works)(
      '%s happens exactly once where the connection is dropped, at whichever write',
      async (kind, work, added) => {
        for (let n = 0; ; n++) {
          await store.clear();
          await add('a', 'b');
          await add('c');
          const stop = failWrite(n, faults.dropped);
          await work(store);
          const happened = stop();
          const expected = kind === 'remove' ? samples('b') : samples('a', 'b', 'c');
          const x = sampleDocument('x', { source: new Blob(['source']) });
          await expectHolds(store, added.length > 0 ? [...expected, x, sampleDocument('y')] : expected);
          if (!happened) break;
        }
      },
    );

    const long = 'kept '.repeat(20); // four pieces
    const files = [fileToKeep('p', long), fileToKeep('q', 'x')];
    const contents = [
      { name: 'p', content: long },
      { name: 'q', content: 'x' },
    ];
    const readFrom = ([p, q]: readonly PendingFile[]): NewDocument[] => [
      { ...sampleDocument('p'), pending: { key: p!.key, keepSource: true } },
      { ...sampleDocument('q'), pending: { key: q!.key, keepSource: false } },
    ];
    const read = [{ ...sampleDocument('p'), source: new Blob([long], { type: 'text/plain' }) }, sampleDocument('q')];

    const next = { ...int8Fingerprint, model: 'test-model@2', dim: 32 }; // 236 bytes a document, in eight pieces
    const ids = ['a', 'b', 'c'];
    const readAgain = ids.map((id) => readBy(next, id));
    const putAside = (): Promise<number> => store.putAside(readAgain.map(vectorsOf), next);
    const takeAll = async (): Promise<void> => {
      while ((await store.takeAside(next)).taken > 0);
    };

    it('keeps aside, changes over and takes all or nothing where the quota ends, at whichever write', async () => {
      /** Fails at one write after the other, until there are no more. */
      async function through(work: () => Promise<unknown>, isUntouched: () => Promise<void>): Promise<void> {
        for (let n = 0; ; n++) {
          const stop = failWrite(n, faults.quota);
          const outcome = await work().catch((error: unknown) => error);
          const happened = stop();
          expect(await orphanedPieces(databaseName)).toEqual([]);
          if (!happened) {
            expect(n).toBeGreaterThan(2);
            return;
          }
          expect(outcome).toEqual(code('storage-full'));
          await isUntouched();
        }
      }
      const lacking = async () => (await store.withoutAside(next)).map(({ id }) => id);
      const holdsOld = () => expectHolds(store, samples(...ids));
      await add(...ids);
      await through(putAside, async () => {
        expect(await lacking()).toEqual(ids);
        await holdsOld();
      });
      expect(await lacking()).toEqual([]);
      await through(() => store.switchTo(next, new Set()), holdsOld);
      expect(await store.fingerprint()).toEqual(next);
      await through(takeAll, async () => {
        expect(await store.verify()).toEqual({ damagedBlocks: [], lostDocuments: [], lostFiles: [] });
        expect(await lacking()).toEqual((await store.documents()).flatMap((r) => (r.tokenCount > 0 ? [r.id] : [])));
      });
      await expectHolds(store, readAgain);
      await store.putAside(samples(...ids).map(vectorsOf), int8Fingerprint);
      const { asideBytes } = await store.usage();
      await through(
        () => store.dropAside(),
        async () => expect((await store.usage()).asideBytes).toBe(asideBytes),
      );
      expect((await store.usage()).asideBytes).toBe(0);
    });

    it('keeps aside, changes over and takes once where the connection is dropped, at whichever write', async () => {
      for (let n = 0, happened = true; happened; n++) {
        await store.clear();
        await add(...ids);
        happened = false;
        const dropping = async <T>(work: () => Promise<T>): Promise<T> => {
          const stop = failWrite(n, faults.dropped);
          const result = await work();
          happened = stop() || happened;
          return result;
        };
        expect(await dropping(putAside)).toBe(3);
        await expectHolds(store, samples(...ids));
        expect(await dropping(() => store.switchTo(next, new Set()))).toBe(true);
        await dropping(takeAll);
        await expectHolds(store, readAgain);
        expect(await orphanedPieces(databaseName)).toEqual([]);
      }
    });

    it('takes away what is damaged aside, whose document goes on waiting', async () => {
      await add(...ids);
      await putAside();
      await tamper<ArrayBuffer>(databaseName, 'asideData', ['a', 1], (piece) => new Uint8Array(piece).fill(1).buffer);
      await tamper<ArrayBuffer>(databaseName, 'asideData', ['b', 0], () => undefined);
      await store.switchTo(next, new Set());
      await takeAll();
      expect((await store.documents()).map(({ id, tokenCount }) => [id, tokenCount])).toEqual([
        ['a', 0],
        ['b', 0],
        ['c', 7],
      ]);
      expect(await orphanedPieces(databaseName)).toEqual([]);
      await store.replaceVectors(readAgain.slice(0, 2).map(vectorsOf), next);
      await expectHolds(store, readAgain);
    });

    it('takes back what it was copying where the quota ends, at whichever write', async () => {
      await add('a');
      const whole = [fileToKeep('r', 'r'), ...files, fileToKeep('s', long)];
      let n = 0;
      for (; ; n++) {
        const stop = failWrite(n, faults.quota);
        const outcome = await store.stage(whole, 'me').catch((error: unknown) => error);
        if (!stop()) break;
        expect(outcome).toEqual(code('storage-full'));
        await expectPending(store, []);
        expect(await orphanedPieces(databaseName)).toEqual([]);
        await expectHolds(store, samples('a'));
      }
      expect(n).toBeGreaterThan(8);
    });

    it('copies, takes over and drops exactly once where the connection is dropped, at whichever write', async () => {
      for (let n = 0, happened = true; happened; n++) {
        await store.clear();
        let stop = failWrite(n, faults.dropped);
        const staged = (await store.stage(files, 'me')) as PendingFile[];
        happened = stop();
        await expectPending(store, contents, 'me');
        stop = failWrite(n, faults.dropped);
        expect(await store.adopt(staged, 'you')).toHaveLength(2);
        happened = stop() || happened;
        stop = failWrite(n, faults.dropped);
        await store.add(readFrom(staged), int8Fingerprint);
        happened = stop() || happened;
        await expectPending(store, []);
        await expectHolds(store, read);
        const more = (await store.stage(files, 'me')) as PendingFile[];
        stop = failWrite(n, faults.dropped);
        await store.unstage(more);
        happened = stop() || happened;
        await expectPending(store, []);
        await expectHolds(store, read);
        expect(await orphanedPieces(databaseName)).toEqual([]);
      }
    });

    it('takes over all files or none where the quota ends', async () => {
      const staged = (await store.stage(files, 'me')) as PendingFile[];
      for (let n = 0; ; n++) {
        const stop = failWrite(n, faults.quota);
        const outcome = await store.add(readFrom(staged), int8Fingerprint).catch((error: unknown) => error);
        if (!stop()) break;
        expect(outcome).toEqual(code('storage-full'));
        await expectPending(store, contents);
        await expectHolds(store, []);
      }
      await expectHolds(store, read);
    });

    it('shows a file of which only the beginning was copied as incomplete, and forgets it whole', async () => {
      // The copying of the second piece never ends, as in a tab that is closed.
      store = await open({ pieceBytes: 8 * 2 ** 20 });
      const never = new Promise<void>(() => undefined);
      const large = watchedBlob(new Blob([new Uint8Array(8 * 2 ** 20), 'the end']), (start) =>
        start > 0 ? never : undefined,
      );
      const begun = new Promise<void>((resolve) => void store.onChange(resolve));
      void store.stage([fileToKeep('large', large)], 'me').catch(() => undefined);
      await begun;
      const [file] = await store.pending();
      expect(file).toMatchObject({ name: 'large', complete: false });
      expect(await store.pendingContent(file!.key)).toBeUndefined();
      const made = { ...sampleDocument('large'), pending: { key: file!.key, keepSource: true } };
      await expect(store.add([made], int8Fingerprint)).rejects.toThrow(code('not-found'));
      expect(await store.unstage([file!])).toBe(1);
      expect(await orphanedPieces(databaseName)).toEqual([]);
    });

    it('forgets what it has written of a file that cannot be read to its end', async () => {
      store = await open({ pieceBytes: 8 * 2 ** 20 });
      const bytes = 'x'.repeat(8 * 2 ** 20 + 1);
      const [outcome] = await store.stage([fileToKeep('large', brokenBlob(bytes, 8 * 2 ** 20))], 'me');
      expect(outcome).toEqual(code('file-damaged'));
      await expectPending(store, []);
      expect(await orphanedPieces(databaseName)).toEqual([]);
    });

    it('brings nothing back of a file that was cleared away while it was copied', async () => {
      store = await open({ pieceBytes: 8 * 2 ** 20 });
      const other = await open();
      const large = watchedBlob(new Blob([new Uint8Array(8 * 2 ** 20), 'the end']), (start) =>
        start > 0 ? other.clear() : undefined,
      );
      await store.stage([fileToKeep('large', large)], 'me');
      await expectPending(store, []);
      expect(await orphanedPieces(databaseName)).toEqual([]);
    });

    it('does not add twice when the connection dies between the commit and its answer', async () => {
      // The first attempt commits, but the page sees an abort: what a crash of the storage process looks like.
      // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its transaction below
      const listen = IDBTransaction.prototype.addEventListener;
      let left = 1;
      vi.spyOn(IDBTransaction.prototype, 'addEventListener').mockImplementation(function (
        this: IDBTransaction,
        ...parameters: Parameters<typeof listen>
      ) {
        const [type, listener] = parameters;
        if (type === 'complete' && this.mode === 'readwrite' && left > 0) {
          left--;
          listen.call(this, 'complete', () => this.dispatchEvent(new Event('abort')));
          return;
        }
        listen.call(this, type, listener);
      });
      await add('a');
      expect(left).toBe(0);
      await expectHolds(store, samples('a'));
    });

    it('keeps vectors in buffers where the browser refuses Blobs', async () => {
      // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its store below
      const { put } = IDBObjectStore.prototype;
      vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...parameters) {
        if (parameters[0] instanceof Blob) throw new DOMException('Blobs are not supported.', 'DataCloneError');
        return put.apply(this, parameters);
      });
      store = await open({ blobBytes: 1 });
      await add('a', 'b');
      await store.compact();
      vi.restoreAllMocks();
      await expectHolds(store, samples('a', 'b'));
    });

    it('reads buffers and Blobs side by side', async () => {
      await add('a');
      const other = await open({ blobBytes: 1 });
      await other.add(samples('b'), int8Fingerprint);
      await expectHolds(store, samples('a', 'b'));
      await store.compact();
      await expectHolds(other, samples('a', 'b'));
    });

    it('asks again about Blobs where the first try failed for another reason', async () => {
      store = await open({ blobBytes: 1 });
      const stop = failWrite(0, faults.quota);
      await add('a'); // in a buffer
      expect(stop()).toBe(true);
      await add('b');
      const raw = await openRaw(databaseName);
      cleanUps.push(() => raw.close());
      const kinds = (await valuesOfRaw<unknown>(raw, 'blockData')).map((piece) => piece instanceof Blob);
      expect(kinds).toEqual([false, true]); // 20 bytes each
      await expectHolds(store, samples('a', 'b'));
    });

    it('keeps vectors in buffers where a Blob cannot be read back', async () => {
      const unreadable = vi.spyOn(Blob.prototype, 'text');
      unreadable.mockRejectedValue(new DOMException('The file is gone.', 'NotReadableError'));
      store = await open({ blobBytes: 1 });
      await add('a');
      await add('b');
      expect(unreadable).toHaveBeenCalledTimes(1);
      const raw = await openRaw(databaseName);
      cleanUps.push(() => raw.close());
      expect((await valuesOfRaw<unknown>(raw, 'blockData')).some((piece) => piece instanceof Blob)).toBe(false);
    });

    it('reads a Blob once more, then says so without calling it damaged, and tells it from one that went', async () => {
      store = await open({ blobBytes: 1 });
      await add('a');
      const { id } = (await store.blocks())[0]!;
      const rows = [{ first: 0, end: 2 }];
      const expected = [await store.block(id), await store.rows(id, rows)];
      const unreadable = vi.spyOn(Blob.prototype, 'arrayBuffer');
      const cause = new DOMException('Not now.', 'NotReadableError');
      unreadable.mockRejectedValueOnce(cause);
      expect(await store.block(id)).toEqual(expected[0]);
      unreadable.mockRejectedValueOnce(cause);
      expect(await store.rows(id, rows)).toEqual(expected[1]);
      unreadable.mockRejectedValue(cause);
      for (const read of [() => store.block(id), () => store.rows(id, rows), () => store.parts('a')]) {
        await expect(read()).rejects.toMatchObject({ code: 'storage-unavailable', cause });
      }
      expect(await store.compact()).toBe(true); // seals it
      await add('b', 'c');
      await store.remove(['c']);
      expect(await store.compact()).toBe(false); // both are left as they are
      unreadable.mockImplementation(async () => {
        await store.remove(['a']);
        throw new DOMException('The file is gone.', 'NotFoundError');
      });
      await expect(store.block(id)).rejects.toThrow(code('not-found'));
      await expect(store.rows(id, rows)).rejects.toThrow(code('not-found'));
    });

    it('finds the parts of a document whose block is merged while its Blob is read', async () => {
      store = await open({ blobBytes: 1 });
      const other = await open({ blobBytes: 1 });
      await add('a');
      await add('b');
      const read = vi.spyOn(Blob.prototype, 'arrayBuffer');
      read.mockImplementationOnce(async () => {
        await other.compact();
        throw new DOMException('The file is gone.', 'NotFoundError');
      });
      expect((await store.parts('a'))?.vectors).toEqual(sampleDocument('a').vectors);
      expect(await store.blocks()).toHaveLength(1);
    });

    it('asks for strict durability whenever it writes', async () => {
      const begun = vi.spyOn(IDBDatabase.prototype, 'transaction');
      await add('a');
      await store.compact();
      await store.putKeywordSegment('k', Uint8Array.of(1));
      await store.remove(['a']);
      await store.clear();
      const writes = begun.mock.results
        .map(({ value }) => value as IDBTransaction)
        .filter((t) => t.mode === 'readwrite');
      expect(writes.map(({ durability }) => durability)).toEqual(Array(5).fill('strict'));
    });

    it('says that the storage is full when the browser says so, and keeps what was there', async () => {
      // A bucket of its own has a quota of its own. (An origin quota lowered through DevTools was not seen in time.)
      const { storageBuckets } = navigator as unknown as { storageBuckets: StorageBuckets };
      const bucket = await storageBuckets.open(name, { quota: 2_000_000 });
      cleanUps.push(() => storageBuckets.delete(name));
      vi.stubGlobal('indexedDB', bucket.indexedDB);
      store = await open({ pieceBytes: 2 ** 20 });
      const sized = (id: string, bytes: number) => sampleDocument(id, { source: new Blob([new Uint8Array(bytes)]) });
      await add('a');
      const version = await store.version();
      await expect(store.add([sampleDocument('b'), sized('large', 8_000_000)], int8Fingerprint)).rejects.toThrow(
        code('storage-full'),
      );
      expect(await store.version()).toBe(version);
      await expectHolds(store, samples('a'));
      await add('b');
      await expectHolds(store, samples('a', 'b'));
      await store.close();
      vi.unstubAllGlobals();
    });

    it('says so too when the transaction aborts for the quota at its end', async () => {
      await add('a');
      vi.spyOn(IDBTransaction.prototype, 'error', 'get').mockReturnValue(new DOMException('', 'QuotaExceededError'));
      const stop = failWrite(3, faults.dropped); // aborts, and the reason is the quota
      await expect(add('b')).rejects.toThrow(code('storage-full'));
      stop();
      vi.restoreAllMocks();
      await expectHolds(store, samples('a'));
    });
  });

  describe('lifecycle', () => {
    it('lets another connection delete the database, tells, and goes on with an empty one', async () => {
      await add('a');
      const version = await store.version();
      const heard = new Promise<void>((resolve) => void store.onChange(resolve));
      const start = performance.now();
      await deleteRaw(databaseName);
      await heard;
      expect(await store.version()).toBeGreaterThan(version);
      expect(performance.now() - start).toBeLessThan(2_000);
      await add('b');
      await expectHolds(store, samples('b'));
    });

    it('heals when the browser drops the connection without asking', async () => {
      await add('a');
      await browser('Storage.clearDataForOrigin', { storageTypes: 'indexeddb' });
      await add('b');
      await expectHolds(store, samples('b'));
    });

    it('reopens after "connection lost", once, and then says so', async () => {
      await add('a');
      const opens = vi.spyOn(IDBFactory.prototype, 'open');
      // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its database below
      const begin = IDBDatabase.prototype.transaction;
      const dead = new WeakSet<IDBDatabase>();
      let deaths = 1;
      vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (
        this: IDBDatabase,
        ...parameters: Parameters<typeof begin>
      ) {
        if (deaths > 0 && !dead.has(this)) {
          deaths--;
          dead.add(this);
        }
        if (dead.has(this)) {
          throw new DOMException(
            'Connection to Indexed Database server lost. Refresh the page to try again',
            'UnknownError',
          );
        }
        return begin.apply(this, parameters);
      });
      await add('b');
      expect(opens).toHaveBeenCalledTimes(1);
      deaths = 2;
      await expect(add('c')).rejects.toThrow(code('storage-closed'));
      await add('c');
      vi.restoreAllMocks();
      await expectHolds(store, samples('a', 'b', 'c'));
    });

    it('says "blocked" within 3 seconds when another tab keeps an older version open, and opens once it lets go', async () => {
      await add('a');
      await store.close();
      const old = await openRaw(databaseName); // ignores versionchange
      const start = performance.now();
      await expect(open({ migrations: [...migrations, emptyStep] })).rejects.toThrow(code('storage-blocked'));
      expect(performance.now() - start).toBeLessThan(3_000);
      old.close();
      store = await open({ migrations: [...migrations, emptyStep] });
      await expectHolds(store, samples('a'));
    });

    it('lets go of the old version when another tab upgrades, and says that it is too old', async () => {
      await add('a');
      const ended = new Promise((resolve) => void store.onClosed(resolve));
      const changed = await open({ migrations: [...migrations, emptyStep] });
      await expect(ended).resolves.toEqual(code('storage-newer'));
      await expect(store.documents()).rejects.toThrow(code('storage-newer'));
      await expectHolds(changed, samples('a'));
    });

    it('refuses a database, and a format, of a later version', async () => {
      await tamper<object>(databaseName, 'meta', 'state', (state) => ({ ...state, format: 2 }));
      await expect(store.version()).rejects.toThrow(code('storage-newer'));
      await store.close();
      (await openRaw(databaseName, 99)).close();
      await expect(open()).rejects.toThrow(code('storage-newer'));
    });

    it('says why there is no database', async () => {
      vi.stubGlobal('indexedDB', undefined);
      await expect(openIdbStore('none')).rejects.toThrow(code('storage-unavailable'));
      vi.unstubAllGlobals();
      const fail = (message: string, errorName: string): void => {
        vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
          throw new DOMException(message, errorName);
        });
      };
      fail('denied', 'SecurityError');
      await expect(openIdbStore('none')).rejects.toThrow(code('storage-unavailable'));
      fail('Internal error opening backing store for indexedDB.open.', 'UnknownError');
      await expect(openIdbStore('none')).rejects.toThrow(code('storage-corrupt'));
      fail('Encountered full disk while opening backing store for indexedDB.open.', 'UnknownError');
      await expect(openIdbStore('none')).rejects.toThrow(code('storage-full'));
    });

    it('opens again after the browser failed inside for a moment', async () => {
      await add('a');
      await store.close();
      vi.spyOn(IDBFactory.prototype, 'open').mockImplementationOnce(() => {
        throw new DOMException('Internal error opening backing store for indexedDB.open.', 'UnknownError');
      });
      store = await open();
      await expectHolds(store, samples('a'));
    });

    it('does without BroadcastChannel', async () => {
      vi.stubGlobal('BroadcastChannel', undefined);
      const [here, there] = [await open({ pollMs: 50 }), await open({ pollMs: 50 })];
      const heard = new Promise<void>((resolve) => void there.onChange(resolve));
      await here.add(samples('a'), int8Fingerprint);
      await heard;
      await expectHolds(there, samples('a'));
    });
  });

  describe('migration', () => {
    /** As a later version might: a new store, filled from an old one. */
    const addLanguages: Migration = {
      version: migrations.length + 1,
      description: 'Documents by language.',
      async apply(database, transaction) {
        const target = database.createObjectStore('languages' as 'keywords');
        for (const { id } of await transaction.objectStore('documents').getAll()) {
          await target.put({ bytes: new TextEncoder().encode(id), checksum: 0 }, id);
        }
      },
    };

    it('keeps what version 1 wrote, and keeps files beside it', async () => {
      const whole = { ...sampleDocument('s', { source: new Blob(['s'.repeat(70)]) }) };
      await store.add([whole], int8Fingerprint);
      await add('a', 'b');
      await store.compact();
      await store.putKeywordSegment('k', Uint8Array.of(1));
      await store.close();
      const version = await backToVersion(1, databaseName);
      store = await open();
      expect(await store.version()).toBe(version);
      expect(await store.pendingVersion()).toBe(0);
      expect(Math.abs((await store.createdAt()) - Date.now())).toBeLessThan(60_000);
      await expectHolds(store, [whole, ...samples('a', 'b')]);
      expect(await store.keywordSegment('k')).toEqual(Uint8Array.of(1));
      await expectPending(store, []);
      const [file] = (await store.stage([fileToKeep('p', 'x')], 'me')) as PendingFile[];
      await store.add([{ ...sampleDocument('p'), pending: { key: file!.key, keepSource: true } }], int8Fingerprint);
      const read = { ...sampleDocument('p'), source: new Blob(['x'], { type: 'text/plain' }) };
      await expectHolds(store, [whole, ...samples('a', 'b'), read]);
      expect(await store.dropSources()).toBe(71);
      expect(await orphanedPieces(databaseName)).toEqual([]);
    });

    it('keeps what version 3 wrote as it is, and vectors aside beside it', async () => {
      await add('a', 'b');
      await store.compact();
      await add('c');
      await store.close();
      const before = await readRaw(databaseName);
      const version = await backToVersion(3, databaseName);
      store = await open();
      expect(await store.version()).toBe(version);
      expect(await readRaw(databaseName)).toEqual(before);
      await expectHolds(store, samples('a', 'b', 'c'));
      const next = { ...int8Fingerprint, model: 'test-model@2' };
      const read = ['a', 'b', 'c'].map((id) => readBy(next, id));
      await store.putAside(read.map(vectorsOf), next);
      await store.close();
      store = await open();
      expect(await store.withoutAside(next)).toEqual([]);
      await store.switchTo(next, new Set());
      while ((await store.takeAside(next)).taken > 0);
      await expectHolds(store, read);
    });

    it('keeps what this version wrote', async () => {
      await add('a', 'b');
      await store.compact();
      await add('c');
      await store.close();
      store = await open({ migrations: [...migrations, addLanguages] });
      await expectHolds(store, samples('a', 'b', 'c'));
      await add('d');
      await store.compact();
      await expectHolds(store, samples('a', 'b', 'c', 'd'));
      const raw = await openRaw(databaseName);
      expect([raw.version, raw.objectStoreNames.contains('languages')]).toEqual([migrations.length + 1, true]);
      raw.close();
    });

    it('runs all steps on a new database', async () => {
      await store.close();
      await deleteRaw(databaseName);
      store = await open({ migrations: [...migrations, addLanguages] });
      await add('a');
      await expectHolds(store, samples('a'));
    });

    it('leaves the database as it was when a step fails', async () => {
      await add('a');
      await store.close();
      const failing: Migration = {
        ...addLanguages,
        async apply(database, transaction) {
          await transaction.objectStore('documents').clear();
          await addLanguages.apply(database, transaction);
          throw new Error('this step failed');
        },
      };
      await expect(open({ migrations: [...migrations, failing] })).rejects.toThrow('this step failed');
      store = await open();
      await expectHolds(store, samples('a'));
    });
  });
});

/** The same documents in a database that only the steps up to one have made. @returns its version counter */
async function backToVersion(step: number, databaseName: string): Promise<number> {
  const { stores, state } = await readRaw(databaseName);
  await deleteRaw(databaseName);
  const database = await openDB<LateralSchema>(databaseName, step, {
    upgrade: (opened, _old, _new, transaction) => void migrate(migrations, 0, step, opened, transaction),
  });
  database.close();
  const raw = await openRaw(databaseName);
  const names = [...raw.objectStoreNames];
  expect([raw.version, names.includes('pending'), names.includes('aside')]).toEqual([step, step > 1, step > 3]);
  const transaction = raw.transaction(names, 'readwrite');
  for (const { name, keys, values } of stores) {
    if (!names.includes(name)) continue;
    const target = transaction.objectStore(name);
    values.forEach((value, i) => target.put(value, ...(target.keyPath === null ? [keys[i]] : [])));
  }
  const { format, version, nextBlock, fingerprint } = state;
  const first = { format, version, nextBlock, fingerprint };
  transaction.objectStore('meta').put(step === 1 ? first : state, 'state');
  await new Promise((resolve) => (transaction.oncomplete = resolve));
  raw.close();
  return version as number;
}

async function readRaw(databaseName: string) {
  const raw = await openRaw(databaseName);
  const names = [...raw.objectStoreNames].filter((name) => name !== 'meta');
  const stores = await Promise.all(
    names.map(async (name) => ({
      name,
      keys: await keysOfRaw(raw, name),
      values: await valuesOfRaw<unknown>(raw, name),
    })),
  );
  const [state] = await valuesOfRaw<Record<string, unknown>>(raw, 'meta');
  raw.close();
  return { stores, state: state! };
}

const emptyStep: Migration = {
  version: migrations.length + 1,
  description: 'Nothing.',
  apply: () => Promise.resolve(),
};

/** Missing in TypeScript's library: https://wicg.github.io/storage-buckets/ */
interface StorageBuckets {
  open(name: string, options: { quota: number }): Promise<{ readonly indexedDB: IDBFactory }>;
  delete(name: string): Promise<void>;
}

/** A command of the DevTools protocol, about this origin. */
function browser(method: string, parameters: object): Promise<unknown> {
  const session = cdp() as unknown as { send(method: string, parameters: object): Promise<unknown> };
  return session.send(method, { origin: location.origin, ...parameters });
}
