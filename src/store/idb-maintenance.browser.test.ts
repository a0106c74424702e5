/** Compaction under other tabs' hands, and damage: what verification names, and what compaction leaves alone. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Block, defaultLimits } from './blocks.ts';
import { packBlock } from './idb-blocks.ts';
import { type Connection, createConnection } from './idb-connection.ts';
import { compactBlocks } from './idb-maintenance.ts';
import { migrations, type Piece } from './idb-schema.ts';
import { databaseNameOf, openIdbStore } from './idb-store.ts';
import type { IndexStore, PendingFile } from './index-store.ts';
import { countRaw, deleteRaw, openRaw, tamper } from './testing/raw-database.ts';
import type { RunTable } from './schema.ts';
import { fileToKeep, int8Fingerprint, sampleDocument } from './testing/sample-documents.ts';
import { code } from './testing/store-fixture.ts';
import { expectHolds } from './testing/store-oracle.ts';

describe.each([
  { kept: 'in buffers', blobBytes: Infinity },
  { kept: 'in Blobs', blobBytes: 1 },
])('IndexedDB store, vectors $kept', ({ blobBytes }) => {
  const pack = (block: Block) => Promise.resolve(packBlock(block, { pieceBytes: 32, blobBytes }));
  let databaseName: string;
  let store: IndexStore;
  let count = 0;
  const opened: { close(): unknown }[] = [];
  const open = async (): Promise<IndexStore> => {
    const handle = await openIdbStore(databaseName.slice(databaseNameOf('').length), {
      blockBytes: 80,
      pieceBytes: 32,
      blobBytes,
    });
    opened.push(handle);
    return handle;
  };
  const samples = (...ids: string[]) => ids.map((id) => sampleDocument(id));
  const add = (...ids: string[]): Promise<void> => store.add(samples(...ids), int8Fingerprint);

  beforeEach(async () => {
    databaseName = databaseNameOf(`maintenance-${String(Date.now())}-${String(count++)}`);
    store = await open();
    await add('a', 'b');
  });
  afterEach(async () => {
    for (const handle of opened.splice(0)) await handle.close();
    await deleteRaw(databaseName);
  });

  it('leaves no record behind when everything is removed', async () => {
    await store.add([sampleDocument('s', { source: new Blob(['x'.repeat(50)]) })], int8Fingerprint);
    await store.compact();
    await store.remove(['a', 'b', 's']);
    const raw = await openRaw(databaseName);
    opened.push(raw);
    for (const name of raw.objectStoreNames) {
      expect([name, await countRaw(raw, name)]).toEqual([name, name === 'meta' ? 1 : 0]);
    }
  });

  describe('compaction', () => {
    /** Lets `meddle` act between what a step read and what it is about to write. */
    async function compactWhile(meddle: () => Promise<unknown>): Promise<boolean> {
      const connection = createConnection({
        databaseName,
        migrations,
        blockedMs: 1_000,
        openMs: 1_000,
        onDropped: () => undefined,
        onEnded: () => undefined,
      });
      opened.push(connection);
      let first = true;
      const meddling: Connection = {
        ...connection,
        async write(during, body) {
          if (first) {
            first = false;
            await meddle();
          }
          return connection.write(during, body);
        },
      };
      return compactBlocks(meddling, { ...defaultLimits, targetBytes: 80 }, pack, () => undefined);
    }

    it('keeps to removals, and additions of the same id, that come in between', async () => {
      await add('c', 'd');
      const again = (await store.parts('b'))!;
      await compactWhile(async () => {
        await store.remove(['b', 'c']);
        await store.add([again], int8Fingerprint);
      });
      await expectHolds(store, samples('a', 'b', 'd'));
    });

    it('plans anew when one of its blocks goes in between', async () => {
      await add('c');
      await compactWhile(() => store.remove(['c']));
      await expectHolds(store, samples('a', 'b'));
    });

    it('plans anew when another tab has compacted in between', async () => {
      await add('c');
      expect(await compactWhile(() => store.compact())).toBe(false);
      await expectHolds(store, samples('a', 'b', 'c'));
    });

    it('takes the next free number when documents are added in between', async () => {
      await add('c');
      await compactWhile(() => add('d'));
      await expectHolds(store, samples('a', 'b', 'c', 'd'));
    });
  });

  describe('damage', () => {
    it('is seen in a flipped bit of any piece', async () => {
      const { id } = (await store.blocks())[0]!;
      for (const piece of [0, 1]) {
        await flipBit(databaseName, 'blockData', [id, piece]);
        await expect(store.block(id)).rejects.toThrow(code('storage-corrupt'));
        await expect((await open()).parts('a')).rejects.toThrow(code('storage-corrupt'));
        expect(await store.verify()).toEqual({ damagedBlocks: [id], lostDocuments: ['a', 'b'], lostFiles: [] });
        await flipBit(databaseName, 'blockData', [id, piece]); // and back
        await expectHolds(store, samples('a', 'b'));
      }
    });

    it('is seen in offsets, and in a piece that is missing', async () => {
      const { id } = (await store.blocks())[0]!;
      const shift = (by: number) =>
        tamper<{ offsets: Uint32Array }>(databaseName, 'blocks', id, (record) => {
          record.offsets[1]! += by;
          return record;
        });
      await shift(1);
      await expect(store.block(id)).rejects.toThrow(code('storage-corrupt'));
      await shift(-1);
      await tamper(databaseName, 'blockData', [id, 1], () => undefined);
      await expect(store.block(id)).rejects.toThrow(code('storage-corrupt'));
    });

    it('is seen in the pieces that rows lie in, and costs the others nothing', async () => {
      const { id } = (await store.blocks())[0]!; // 10 rows of 4 bytes in pieces of 32
      const [early, late] = [
        { first: 0, end: 8 },
        { first: 8, end: 10 },
      ];
      const rows = await store.rows(id, [early, late]);
      await flipBit(databaseName, 'blockData', [id, 1]);
      expect((await store.rows(id, [early])).vectors).toEqual(rows.vectors.subarray(0, 32));
      for (const handle of [store, await open()]) {
        await expect(handle.rows(id, [{ first: 7, end: 9 }])).rejects.toThrow(code('storage-corrupt'));
      }
      await flipBit(databaseName, 'blockData', [id, 1]);
      expect(await store.rows(id, [early, late])).toEqual(rows);
      await tamper(databaseName, 'blockData', [id, 1], () => undefined);
      await expect(store.rows(id, [late])).rejects.toThrow(code('storage-corrupt'));
      await store.remove(['a', 'b']);
      await expect(store.rows(id, [late])).rejects.toThrow(code('not-found'));
    });

    it('is seen in the runs of a piece that rows lie in', async () => {
      store = await openIdbStore(databaseName.slice(databaseNameOf('').length), { blockBytes: 2 ** 20, blobBytes });
      opened.push(store);
      const long = sampleDocument('long', { tokens: [17_000, 16_000] }); // 33,000 rows of 4 bytes: nine runs of 16 KiB
      await store.add([long], int8Fingerprint);
      const { id } = (await store.blocks()).at(-1)!;
      const rowsOf = async (first: number, end: number) => (await store.rows(id, [{ first, end }])).vectors;
      expect(await rowsOf(16_380, 32_770)).toEqual(long.vectors.subarray(16_380 * 4, 32_770 * 4)); // over both borders
      await flipBit(databaseName, 'blockData', [id, 0], 65_536);
      expect(await rowsOf(0, 16_384)).toEqual(long.vectors.subarray(0, 65_536));
      await expect(rowsOf(16_383, 16_385)).rejects.toThrow(code('storage-corrupt'));
      expect(await rowsOf(32_768, 33_000)).toEqual(long.vectors.subarray(131_072));
    });

    it('is seen in runs that rows straddle', async () => {
      await store.clear();
      store = await openIdbStore(databaseName.slice(databaseNameOf('').length), { blockBytes: 2 ** 20, blobBytes });
      opened.push(store);
      const fingerprint = { ...int8Fingerprint, dim: 96 };
      const long = sampleDocument('long', { tokens: [400], fingerprint });
      await store.add([long], fingerprint);
      const { id } = (await store.blocks())[0]!;
      const rowsOf = async (first: number, end: number) => (await store.rows(id, [{ first, end }])).vectors;
      // 16,384 = 170 × 96 + 64: the first 64 bytes of row 170 are in run 0, the last 32 in run 1; row 341 lies in runs 1 and 2.
      const expected = (first: number, end: number) => long.vectors.subarray(first * 96, end * 96);
      for (const [first, end] of [
        [170, 171],
        [0, 400],
        [169, 342],
        [341, 342],
      ] as const) {
        expect(await rowsOf(first, end)).toEqual(expected(first, end));
      }
      await flipBit(databaseName, 'blockData', [id, 0], 16_384);
      expect(await rowsOf(0, 170)).toEqual(expected(0, 170));
      for (const row of [170, 341]) await expect(rowsOf(row, row + 1)).rejects.toThrow(code('storage-corrupt'));
      expect(await rowsOf(342, 400)).toEqual(expected(342, 400));
    });

    it('of the runs’ checksums alone is none: the whole block is read', async () => {
      const { id } = (await store.blocks())[0]!;
      const range = { first: 1, end: 3 };
      const expected = await store.rows(id, [range]);
      await tamper<{ runs: RunTable }>(databaseName, 'blocks', id, (record) => {
        record.runs.checksums[0]! ^= 1;
        return record;
      });
      expect(await (await open()).rows(id, [range])).toEqual(expected);
    });

    it('is seen in blocks of before that are read whole, which are written anew where that is asked for', async () => {
      const { id } = (await store.blocks())[0]!;
      await store.compact(); // seals it
      expect(await store.compact()).toBe(false);
      await tamper<{ runs?: unknown }>(databaseName, 'blocks', id, (record) => {
        delete record.runs;
        return record;
      });
      expect((await store.blocks()).map(({ wholeOnly }) => wholeOnly)).toEqual([true]);
      const early = { first: 0, end: 3 };
      const expected = (await store.block(id)).vectors.slice(0, 12);
      expect((await store.rows(id, [early])).vectors).toEqual(expected);
      await flipBit(databaseName, 'blockData', [id, 1]);
      await expect(store.rows(id, [early])).rejects.toThrow(code('storage-corrupt')); // though not in these rows
      await flipBit(databaseName, 'blockData', [id, 1]);
      expect(await store.compact()).toBe(false); // full as it is
      expect(await store.compact({ rewriteWholeOnly: true })).toBe(true);
      expect((await store.blocks()).map(({ wholeOnly, sealed }) => [wholeOnly, sealed])).toEqual([[false, true]]);
      await expectHolds(store, samples('a', 'b'));
      expect(await store.compact({ rewriteWholeOnly: true })).toBe(false);
    });

    it('is not merged into a good block, and goes with its documents', async () => {
      await add('c');
      await add('d');
      const damaged = (await store.blocks())[0]!.id;
      await flipBit(databaseName, 'blockData', [damaged, 0]);
      expect(await store.compact()).toBe(true);
      expect(await store.verify()).toEqual({ damagedBlocks: [damaged], lostDocuments: ['a', 'b'], lostFiles: [] });
      await store.compact();
      expect(await store.verify()).toEqual({ damagedBlocks: [damaged], lostDocuments: ['a', 'b'], lostFiles: [] });
      await store.remove(['a', 'b']);
      await expectHolds(store, samples('c', 'd'));
    });

    it.each(['documents', 'texts', 'chunks', 'locations'])(
      'names a document whose record in %s is missing',
      async (storeName) => {
        await tamper(databaseName, storeName, 'a', () => undefined);
        expect(await store.verify()).toEqual({ damagedBlocks: [], lostDocuments: ['a'], lostFiles: [] });
        if (storeName !== 'documents') await expect(store.parts('a')).rejects.toThrow(code('storage-corrupt'));
        expect(await store.remove(['a'])).toBe(1);
        await expectHolds(store, samples('b'));
        await add('a');
        await expectHolds(store, samples('a', 'b'));
      },
    );

    it('is seen in sources, pending files and keyword segments', async () => {
      await store.add([sampleDocument('s', { source: new Blob(['x'.repeat(50)]) })], int8Fingerprint);
      await flipBit(databaseName, 'sourceData', ['s', 1]);
      await expect(store.source('s')).rejects.toThrow(code('storage-corrupt'));
      expect((await store.verify()).lostDocuments).toEqual(['s']);
      await store.stage([fileToKeep('p', 'x'.repeat(50))], 'me');
      const [{ key }] = (await store.pending()) as [PendingFile];
      await flipBit(databaseName, 'sourceData', [key, 1]);
      await expect(store.pendingContent(key)).rejects.toThrow(code('storage-corrupt'));
      expect((await store.verify()).lostFiles).toEqual([key]);
      await store.putKeywordSegment('k', Uint8Array.of(1, 2));
      await tamper<object>(databaseName, 'keywords', 'k', (record) => ({ ...record, bytes: Uint8Array.of(1, 3) }));
      await expect(store.keywordSegment('k')).rejects.toThrow(code('storage-corrupt'));
    });
  });
});

async function flipBit(databaseName: string, storeName: string, key: IDBValidKey, byte = 0): Promise<void> {
  let piece: Piece | undefined;
  await tamper<Piece>(databaseName, storeName, key, (value) => (piece = value));
  const bytes = new Uint8Array(await new Blob([piece!]).arrayBuffer());
  bytes[byte]! ^= 1;
  const flipped = piece instanceof Blob ? new Blob([bytes]) : bytes.buffer;
  await tamper<Piece>(databaseName, storeName, key, () => flipped);
}
