/** The contract of index-store.ts for blocks, changes and several handles. */
import { describe, expect, it } from 'vitest';
import type { BlockInfo, NewDocument } from '../index-store.ts';
import { fileToKeep, int8Fingerprint, sampleDocument } from './sample-documents.ts';
import { code, type StoreHarness, useStore } from './store-fixture.ts';
import { expectHolds } from './store-oracle.ts';

export function describeBlocks(harness: StoreHarness): void {
  const at = useStore(harness);

  describe('blocks', () => {
    it('writes one tail block an add, in order, with offsets from its first token', async () => {
      await at.add(sampleDocument('a'), sampleDocument('b', { tokens: [1] }));
      await at.add(sampleDocument('c'));
      const blocks = await at.store.blocks();
      expect(
        blocks.map(({ sealed, numChunks, numTokens, byteLength }) => [sealed, numChunks, numTokens, byteLength]),
      ).toEqual([
        [false, 3, 6, 24], // 2 + 3 + 1 tokens of 4 bytes
        [false, 2, 5, 20],
      ]);
      const { offsets, dim, precision, scale } = await at.store.block(blocks[0]!.id);
      expect(offsets).toEqual(Uint32Array.of(0, 2, 5, 6));
      expect({ dim, precision, scale }).toEqual({ dim: 4, precision: 'int8', scale: 1 / 127 });
    });

    it('can be let go of, and read again', async () => {
      await at.store.add([sampleDocument('a')], int8Fingerprint);
      const [{ id }] = (await at.store.blocks()) as [BlockInfo];
      const first = await at.store.block(id);
      const expected = { ...first, vectors: first.vectors.slice() };
      at.store.release(first);
      expect(await at.store.block(id)).toEqual(expected);
    });

    it('gives any rows alone as it gives them in their block', async () => {
      await at.add(sampleDocument('a', { tokens: [7, 0, 12] }), sampleDocument('b', { tokens: [1] })); // 20 rows of 4 bytes
      const [{ id }] = (await at.store.blocks()) as [BlockInfo];
      const { vectors, dim, precision, scale } = await at.store.block(id);
      const all = vectors.slice();
      for (const ranges of [
        [],
        [[0, 20]],
        [
          [19, 20],
          [0, 1],
        ],
        [[3, 3]],
        [
          [7, 9],
          [6, 17],
          [7, 9],
        ],
      ]) {
        const expected = ranges.flatMap(([first, end]) => [...all.subarray(first! * dim, end! * dim)]);
        expect(
          await at.store.rows(
            id,
            ranges.map(([first, end]) => ({ first: first!, end: end! })),
          ),
        ).toEqual({
          ...{ dim, precision, scale },
          vectors: Int8Array.from(expected),
        });
      }
      for (const range of [
        { first: 0, end: 21 },
        { first: 2, end: 1 },
        { first: -1, end: 1 },
        { first: 0.5, end: 1 },
      ]) {
        await expect(at.store.rows(id, [range])).rejects.toThrow(code('invalid-argument'));
      }
      await at.store.remove(['b']);
      expect((await at.store.rows(id, [{ first: 19, end: 20 }])).vectors).toEqual(all.subarray(19 * dim)); // until compaction
      await at.store.compact();
      await expect(at.store.rows(id, [{ first: 0, end: 1 }])).rejects.toThrow(code('not-found'));
      await expect(at.store.rows('never', [])).rejects.toThrow(code('not-found'));
    });

    it('divides an add that is larger than a block', async () => {
      const documents = Array.from({ length: 10 }, (_, i) => sampleDocument(`d${String(i)}`)); // 20 bytes each, blocks of 80
      await at.add(...documents);
      expect((await at.store.blocks()).map((block) => block.documents.length)).toEqual([4, 4, 2]);
      await expectHolds(at.store, documents);
    });

    it('counts what is live, and the bytes that are kept', async () => {
      const source = (bytes: number) => new Blob(['x'.repeat(bytes)]);
      await at.add(sampleDocument('a', { source: source(2) }), sampleDocument('b', { tokens: [1], source: source(3) }));
      expect((await at.store.usage()).sourceBytes).toBe(5);
      await at.store.remove(['b']);
      expect(await at.store.usage()).toEqual({
        documents: 1,
        chunks: 2,
        tokens: 5,
        vectorBytes: 24,
        sourceBytes: 2,
        asideBytes: 0,
        blocks: 1,
      });
      await at.store.compact();
      expect(await at.store.usage()).toEqual({
        documents: 1,
        chunks: 2,
        tokens: 5,
        vectorBytes: 20,
        sourceBytes: 2,
        asideBytes: 0,
        blocks: 1,
      });
    });

    it('merges the tail into sealed blocks up to their size, sealed ones first', async () => {
      const documents = Array.from({ length: 9 }, (_, i) => sampleDocument(`d${String(i)}`));
      for (const document of documents) await at.add(document);
      expect(await at.store.compact()).toBe(true);
      const blocks = await at.store.blocks();
      expect(blocks.map((block) => [block.sealed, block.byteLength])).toEqual([
        [true, 20], // the ninth, alone: sealed where it was written, before the merged ones
        [true, 80],
        [true, 80],
      ]);
      expect(blocks.flatMap((block) => block.documents.map(({ id }) => id))).toEqual(
        [8, 0, 1, 2, 3, 4, 5, 6, 7].map((i) => `d${String(i)}`),
      );
      await expectHolds(at.store, documents);
      expect(await at.store.compact()).toBe(false);
      await at.add(sampleDocument('late'));
      expect((await at.store.blocks()).map(({ sealed }) => sealed)).toEqual([true, true, true, false]);
    });

    it('leaves full sealed blocks alone in later rounds', async () => {
      const documents: NewDocument[] = [];
      const full = new Set<string>();
      for (let round = 0; round < 6; round++) {
        for (let i = 0; i < 3; i++) {
          documents.push(sampleDocument(`${String(round)}-${String(i)}`));
          await at.add(documents.at(-1)!);
        }
        await at.store.compact();
        const blocks = await at.store.blocks();
        for (const id of full) expect(blocks.map((block) => block.id)).toContain(id);
        for (const block of blocks) if (block.byteLength >= 40) full.add(block.id);
        expect(blocks.filter((block) => block.byteLength < 40).length).toBeLessThan(2);
      }
      await expectHolds(at.store, documents);
    });

    it('drops the vectors of removed documents', async () => {
      await at.add(sampleDocument('a'), sampleDocument('b'), sampleDocument('c'), sampleDocument('d'));
      await at.store.compact();
      await at.store.remove(['b', 'd']);
      expect(await at.store.compact()).toBe(true);
      expect((await at.store.blocks()).map((block) => block.documents.map((d) => d.id))).toEqual([['a', 'c']]);
      await expectHolds(at.store, [sampleDocument('a'), sampleDocument('c')]);
      expect(await at.store.compact()).toBe(false);
    });

    it('gives a document larger than a block a block of its own', async () => {
      const large = sampleDocument('large', { tokens: Array.from({ length: 500 }, (_, i) => i % 7) });
      const documents = [sampleDocument('a'), large, sampleDocument('b')];
      for (const document of documents) await at.add(document);
      await expectHolds(at.store, documents);
      await at.store.compact();
      await at.store.compact();
      expect((await at.store.blocks()).every((block) => block.sealed)).toBe(true);
      await expectHolds(at.store, documents);
    });

    it('loses nothing when compaction is stopped half-way, and goes on later', async () => {
      const documents = Array.from({ length: 12 }, (_, i) => sampleDocument(`d${String(i)}`));
      for (const document of documents) await at.add(document);
      const controller = new AbortController();
      const stop = at.store.onChange(() => controller.abort());
      await expect(at.store.compact({ signal: controller.signal })).rejects.toThrow(code('aborted'));
      stop();
      expect((await at.store.blocks()).map((block) => block.sealed)).toContain(true);
      expect((await at.store.blocks()).map((block) => block.sealed)).toContain(false);
      await expectHolds(at.store, documents);
      expect(await at.store.compact()).toBe(true);
      expect((await at.store.blocks()).every((block) => block.sealed)).toBe(true);
      await expectHolds(at.store, documents);
    });

    it('respects removals, and adds again, while it compacts', async () => {
      const documents = Array.from({ length: 12 }, (_, i) => sampleDocument(`d${String(i)}`));
      for (const document of documents) await at.add(document);
      const again = (await at.store.parts('d2'))!;
      const compaction = at.store.compact();
      await at.store.remove(['d2', 'd5', 'd11']);
      await at.add(again);
      await compaction;
      const expected = documents.filter(({ record }) => !['d5', 'd11'].includes(record.id));
      await expectHolds(at.store, expected);
      await at.store.compact();
      await expectHolds(at.store, expected);
      expect((await at.store.blocks()).flatMap((block) => block.documents).every((document) => !document.removed)).toBe(
        true,
      );
    });

    it('holds what a plain map holds after any mixture of changes', async () => {
      const expected = new Map<string, NewDocument>();
      const undo: NewDocument[] = [];
      let seed = 7;
      const random = (below: number): number => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
        return (seed >>> 8) % below;
      };
      for (let round = 0; round < 60; round++) {
        const action = random(10);
        if (action < 5) {
          const tokens = Array.from({ length: random(4) }, () => random(6));
          const batch = Array.from({ length: 1 + random(3) }, (_, i) =>
            sampleDocument(`${String(round)}.${String(i)}`, { tokens }),
          );
          await at.add(...batch);
          for (const document of batch) expected.set(document.record.id, document);
        } else if (action < 8 && expected.size > 0) {
          const ids = [...expected.keys()].filter(() => random(3) === 0);
          for (const id of ids) undo.push((await at.store.parts(id))!);
          expect(await at.store.remove(ids)).toBe(ids.length);
          for (const id of ids) expected.delete(id);
        } else if (action === 8 && undo.length > 0) {
          await at.add(...undo);
          for (const document of undo.splice(0)) expected.set(document.record.id, document);
        } else {
          await at.store.compact();
        }
        if (round % 10 === 9) await expectHolds(at.store, [...expected.values()]);
      }
      expect(expected.size).toBeGreaterThan(0);
    });
  });

  describe('changes', () => {
    it('raises the version with every change, and with nothing else', async () => {
      const versions = [await at.store.version()];
      const after = async (work: Promise<unknown>): Promise<void> => {
        await work;
        versions.push(await at.store.version());
      };
      await after(at.add(sampleDocument('a'), sampleDocument('b')));
      await after(at.store.remove(['a']));
      await after(at.store.compact());
      await after(at.store.clear());
      expect(versions.every((version, i) => i === 0 || version > versions[i - 1]!)).toBe(true);
      await at.store.remove(['unknown']);
      await at.store.add([], int8Fingerprint);
      await at.store.putKeywordSegment('k', Uint8Array.of(1));
      await at.store.putKeywordSegment('k', null);
      await at.store.stage([fileToKeep('f', 'x')], 'owner');
      await at.store.unstage(await at.store.pending());
      await at.store.compact();
      await at.store.documents();
      expect(await at.store.version()).toBe(versions.at(-1));
    });

    it('tells its own listeners until they stop', async () => {
      let calls = 0;
      const stop = at.store.onChange(() => calls++);
      await at.add(sampleDocument('a'));
      expect(calls).toBe(1);
      await at.store.remove(['unknown']);
      expect(calls).toBe(1);
      stop();
      await at.store.remove(['a']);
      expect(calls).toBe(1);
    });

    it('does not fail because a listener does', async () => {
      const thrown: unknown[] = [];
      const later = globalThis.queueMicrotask;
      globalThis.queueMicrotask = (callback) =>
        later(() => {
          try {
            callback();
          } catch (error) {
            thrown.push(error);
          }
        });
      try {
        at.store.onChange(() => {
          throw new Error('listener');
        });
        await at.add(sampleDocument('a'));
        await Promise.resolve();
      } finally {
        globalThis.queueMicrotask = later;
      }
      expect(thrown).toEqual([new Error('listener')]);
      await expectHolds(at.store, [sampleDocument('a')]);
    });

    it('keeps keyword segments by key, as bytes of their own', async () => {
      const bytes = new Uint8Array(100).fill(7);
      await at.store.putKeywordSegment('k', bytes.subarray(10, 13));
      bytes.fill(0);
      expect(await at.store.keywordSegment('k')).toEqual(Uint8Array.of(7, 7, 7));
      await at.store.putKeywordSegment('k', Uint8Array.of());
      expect(await at.store.keywordSegment('k')).toEqual(Uint8Array.of());
      await at.store.putKeywordSegment('k', null);
      expect(await at.store.keywordSegment('k')).toBeUndefined();
    });
  });

  describe.skipIf(!harness.persistent)('reopening', () => {
    it('is all there after close and open', async () => {
      const documents = [sampleDocument('a', { source: new Blob(['x']) }), sampleDocument('b'), sampleDocument('c')];
      await at.add(documents[0]!, documents[1]!);
      await at.store.compact();
      await at.add(documents[2]!);
      const version = await at.store.version();
      await at.store.close();
      at.store = await at.open();
      expect(await at.store.version()).toBe(version);
      expect(await at.store.fingerprint()).toEqual(int8Fingerprint);
      await expectHolds(at.store, documents);
    });
  });

  describe.skipIf(!harness.shared)('two tabs', () => {
    it('see and hear of each other', async () => {
      const other = await at.open();
      const heard = new Promise<void>((resolve) => void other.onChange(resolve));
      await at.add(sampleDocument('a'));
      await heard;
      expect(await other.version()).toBe(await at.store.version());
      await expectHolds(other, [sampleDocument('a')]);
      await other.remove(['a']);
      await expectHolds(at.store, []);
    });

    it('add the same document once', async () => {
      const other = await at.open();
      const outcomes = await Promise.allSettled(
        [at.store, other].map((tab) => tab.add([sampleDocument('a')], int8Fingerprint)),
      );
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      await expectHolds(at.store, [sampleDocument('a')]);
    });

    it('compact at the same time without losing or doubling anything', async () => {
      const other = await at.open();
      const documents = Array.from({ length: 12 }, (_, i) => sampleDocument(`d${String(i)}`));
      for (const document of documents) await at.add(document);
      await Promise.all([at.store.compact(), other.compact(), other.remove(['d3', 'd7'])]);
      const expected = documents.filter(({ record }) => !['d3', 'd7'].includes(record.id));
      await expectHolds(at.store, expected);
      await at.store.compact();
      await expectHolds(other, expected);
    });
  });
}
