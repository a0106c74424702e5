import { beforeEach, describe, expect, test, vi } from 'vitest';
import { LateralError } from '../errors.ts';
import { createReferenceScorer } from '../maxsim/reference.ts';
import { createWasmScorer } from '../maxsim/wasm.ts';
import type { IndexStore, NewDocument } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { Fingerprint } from '../types.ts';
import { ResidentIndex } from './resident.ts';
import { withoutRoom } from './room.ts';

const fingerprint: Fingerprint = {
  model: 'toy@0',
  dim: 16,
  precision: 'int8',
  scale: 1 / 127,
  poolFactor: 1,
  longDocument: 'truncate',
  chunker: 1,
};

/** A document of `chunks` chunks with one token each. */
function toy(id: string, chunks: number): NewDocument {
  return {
    record: {
      ...{ id, name: `${id}.txt`, path: '', title: '', mediaType: 'text/plain', language: '', tags: [], addedAt: 1 },
      ...{ byteLength: chunks, textLength: chunks, contentHash: id, chunkCount: chunks, tokenCount: chunks },
      ...{ truncatedChunks: 0, notes: [] },
    },
    text: { text: 'x'.repeat(chunks), sections: [], blocks: [], mediaType: 'text/plain', notes: [] },
    chunks: Array.from({ length: chunks }, (_, i) => ({ ordinal: i, start: i, end: i + 1, section: -1 })),
    source: null,
    vectors: new Int8Array(chunks * 16).fill(1),
    offsets: Uint32Array.from({ length: chunks + 1 }, (_, i) => i),
    tokenRows: null,
  };
}

let store: IndexStore;
let resident: ResidentIndex;
beforeEach(() => {
  store = createMemoryStore('toy');
  resident = new ResidentIndex(store, createReferenceScorer(), fingerprint);
});

describe('ResidentIndex', () => {
  test('positions run through the blocks in order', async () => {
    await store.add([toy('a', 2), toy('b', 1)], fingerprint);
    await store.add([toy('c', 3)], fingerprint);
    await resident.refresh();
    //  position   0 1 2 3 4 5
    //  document   a a b c c c
    const located = [0, 1, 2, 3, 4, 5].map((position) => {
      const { run, chunk } = resident.locate(position);
      return `${run.documentId}${chunk}`;
    });
    expect(located).toEqual(['a0', 'a1', 'b0', 'c0', 'c1', 'c2']);
    expect(() => resident.locate(6)).toThrow('no passage at position 6');
  });

  test('what memory has no room for is left out and told, and comes in once there is room', async () => {
    // Room for 4,096 tokens of 16 bytes beside the 9 pages that a scorer works in.
    resident = new ResidentIndex(store, await createWasmScorer({ maxBytes: 10 * 65536 }), fingerprint);
    for (const document of [toy('a', 3000), toy('b', 2999), toy('c', 500)]) await store.add([document], fingerprint);
    await resident.refresh();
    const documents = (): string[] => resident.runs.map(({ documentId }) => documentId);
    expect(documents()).toEqual(['a', 'b', 'c']);
    expect(resident.runs.map(({ encoded }) => encoded)).toEqual([true, false, true]); // b is found by its words
    expect(resident.selection(null)).toHaveLength(3500);
    expect(resident.withoutRoom).toEqual({ tokens: 2999, totalTokens: 6499, heldBytes: 56_000 });
    // Eight bytes a token with four bits a component; of 12 or 8 components as many, since both fill up whole groups.
    expect(withoutRoom(resident, fingerprint, [16, 12, 8])?.wouldFit).toEqual([
      { dim: 16, precision: 'int8', poolFactor: 1, residentPrecision: 'int4', bytes: 51_992 },
      { dim: 12, precision: 'int8', poolFactor: 1, residentPrecision: 'int4', bytes: 51_992 },
      { dim: 8, precision: 'int8', poolFactor: 1, residentPrecision: 'stored', bytes: 51_992 },
    ]);
    await store.add([toy('d', 4)], fingerprint); // small enough
    await resident.refresh();
    expect(documents()).toEqual(['a', 'b', 'c', 'd']);
    await store.remove(['a']);
    await resident.refresh();
    expect(documents()).toEqual(['c', 'd', 'b']);
    expect(resident.runs.every(({ encoded }) => encoded)).toBe(true);
    expect(resident.withoutRoom).toBeNull();
    expect(await resident.scorer.score({ rows: new Float32Array(16).fill(0.25), dim: 16 })).toHaveLength(3503);
  });

  test('in four bits a component it takes half of the memory, and knows where the rows are stored', async () => {
    resident = new ResidentIndex(store, createReferenceScorer(), fingerprint, undefined, 'int4');
    await store.add([toy('a', 2), toy('b', 1)], fingerprint);
    await store.add([toy('c', 3)], fingerprint);
    await resident.refresh();
    expect(resident.scorer.residentBytes).toBe(6 * 8);
    const [first, second] = (await store.blocks()).map(({ id }) => id);
    expect(resident.storedPlace(2)).toEqual({ blockId: first, range: { first: 2, end: 3 }, wholeOnly: false });
    expect(resident.storedPlace(3)).toEqual({ blockId: second, range: { first: 0, end: 1 }, wholeOnly: false });
    expect(() => resident.storedPlace(6)).toThrow('position 6');
    await resident.leaveOutDamaged(first!);
    expect(resident.runs.map(({ documentId }) => documentId)).toEqual(['c']);
    expect([resident.damagedBlocks, resident.storedPlace(0).blockId]).toEqual([[first], second]);
    await resident.refresh(); // it stays left out
    expect(resident.runs.map(({ documentId }) => documentId)).toEqual(['c']);
  });

  test('four bits a component are told and left out where there is no room, too', async () => {
    const scorer = await createWasmScorer({ maxBytes: 10 * 65536 });
    resident = new ResidentIndex(store, scorer, fingerprint, undefined, 'int4');
    for (const document of [toy('a', 6000), toy('b', 5999), toy('c', 1000)]) await store.add([document], fingerprint);
    await resident.refresh();
    expect(resident.runs.map(({ encoded }) => encoded)).toEqual([true, false, true]);
    expect(resident.withoutRoom).toEqual({ tokens: 5999, totalTokens: 12_999, heldBytes: 56_000 });
    expect(withoutRoom(resident, fingerprint, [16])).toMatchObject({
      neededBytes: 12_999 * 8,
      wouldFit: [
        { dim: 16, precision: 'int8', poolFactor: 3, residentPrecision: 'int4' },
        { dim: 16, precision: 'int8', poolFactor: 4, residentPrecision: 'int4' },
      ],
    });
  });

  test('follows what comes, goes and is compacted, loading only what is new', async () => {
    await store.add([toy('a', 2)], fingerprint);
    await resident.refresh();
    const load = vi.spyOn(resident.scorer, 'load');
    await store.add([toy('b', 1)], fingerprint);
    await resident.refresh();
    await resident.refresh();
    expect(load).toHaveBeenCalledTimes(1);
    expect(resident.runs.map(({ documentId }) => documentId)).toEqual(['a', 'b']);

    await store.remove(['a']);
    await resident.refresh();
    expect([...(resident.selection(null) ?? [0])].map((p) => resident.locate(p).run.documentId)).toEqual(['b']);

    await store.compact();
    await resident.refresh();
    expect(resident.runs.filter(({ removed }) => !removed).map(({ documentId }) => documentId)).toEqual(['b']);
    expect([...resident.records.keys()]).toEqual(['b']);
  });

  test('a large collection can be searched as far as it is loaded', async () => {
    for (const id of ['a', 'b', 'c']) await store.add([toy(id, 2)], fingerprint);
    const seen: unknown[] = [];
    const { opening, searchable } = resident;
    expect([opening, searchable]).toEqual([null, false]);
    await resident.refresh(Infinity, () =>
      seen.push([resident.opening, resident.searchable, resident.runs.length, resident.counts.documents]),
    );
    // The first block alone, then as many as may be held: here all.
    expect(seen).toEqual([[{ tokens: 2, totalTokens: 6 }, true, 1, 3]]);
    expect([resident.opening, resident.searchable, resident.runs.length]).toEqual([null, true, 3]);
  });

  test('what stops in the middle of loading is not taken for all', async () => {
    for (const id of ['a', 'b']) await store.add([toy(id, 2)], fingerprint);
    const [, second] = await store.blocks();
    const read = store.block.bind(store);
    vi.spyOn(store, 'block').mockImplementation((id) =>
      id === second!.id ? Promise.reject(new LateralError('storage-closed', 'gone')) : read(id),
    );
    await expect(resident.refresh()).rejects.toMatchObject({ code: 'storage-closed' });
    expect([resident.opening, resident.searchable]).toEqual([null, false]);
    vi.restoreAllMocks();
    await resident.refresh();
    expect([resident.searchable, resident.runs.length]).toEqual([true, 2]);
  });

  test('what cannot be followed further is searched on only where all of it was loaded', async () => {
    expect(resident.goOn()).toBe(false); // nothing is
    for (const id of ['a', 'b']) await store.add([toy(id, 2)], fingerprint);
    await resident.refresh();
    resident.markStale();
    expect([resident.searchable, resident.goOn(), resident.searchable, resident.leftBehind]).toEqual([
      false,
      true,
      true,
      true,
    ]);
    await resident.refresh(); // which succeeds
    expect([resident.searchable, resident.leftBehind]).toEqual([true, false]);
    await store.narrow({ ...fingerprint, dim: 8 });
    await expect(resident.replaceScorer(createReferenceScorer())).rejects.toMatchObject({ code: 'model-mismatch' });
    expect([resident.goOn(), resident.searchable]).toEqual([false, false]); // the new one is empty
  });

  test('a block that the browser could not read this time is tried again with the next refresh', async () => {
    for (const id of ['a', 'b']) await store.add([toy(id, 2)], fingerprint);
    const [first] = await store.blocks();
    const read = store.block.bind(store);
    const failing = vi
      .spyOn(store, 'block')
      .mockImplementation((id) =>
        id === first!.id ? Promise.reject(new LateralError('storage-unavailable', 'not now')) : read(id),
      );
    for (let round = 0; round < 2; round++) {
      await resident.refresh();
      expect([resident.searchable, resident.unreadBlocks, resident.damagedBlocks]).toEqual([true, [first!.id], []]);
      expect(resident.runs.map(({ documentId }) => documentId)).toEqual(['b']);
    }
    expect(failing).toHaveBeenCalledTimes(3);
    failing.mockRestore();
    await resident.refresh();
    expect([resident.unreadBlocks, resident.runs.map(({ documentId }) => documentId)]).toEqual([[], ['b', 'a']]);
  });

  test('reads records of new and moved documents only, and sees one that came again changed', async () => {
    await store.add([toy('a', 1), toy('b', 1)], fingerprint);
    await resident.refresh();
    const read = vi.spyOn(store, 'document');
    const listed = vi.spyOn(store, 'documents');
    await store.add([toy('c', 2)], fingerprint);
    await resident.refresh();
    expect(read.mock.calls).toEqual([['c']]);
    expect(resident.counts).toEqual({ documents: 3, chunks: 4, tokens: 4 });

    await store.remove(['a']);
    const again = toy('a', 1);
    await store.add([{ ...again, record: { ...again.record, name: 'other.txt' } }], fingerprint);
    await store.compact();
    await resident.refresh();
    expect(resident.records.get('a')?.name).toBe('other.txt');
    expect([...resident.records.keys()].sort()).toEqual(['a', 'b', 'c']);
    expect(listed).not.toHaveBeenCalled();
    await store.add(
      Array.from({ length: 100 }, (_, i) => toy(`many ${i}`, 1)),
      fingerprint,
    );
    await resident.refresh();
    expect(listed).toHaveBeenCalledTimes(1);
    expect(resident.counts.documents).toBe(103);
  });

  test('lists a collection without loading it where it is larger than allowed', async () => {
    await store.add([toy('a', 2)], fingerprint); // 32 bytes
    await resident.refresh(32);
    expect(resident.scorer.residentBytes).toBeGreaterThan(0);
    await store.add([toy('b', 1)], fingerprint);
    await resident.refresh(32);
    expect(resident.counts).toEqual({ documents: 2, chunks: 3, tokens: 3 });
    expect(resident.runs.map(({ documentId }) => documentId)).toEqual(['a']);
    await resident.refresh();
    expect(resident.runs.map(({ documentId }) => documentId)).toEqual(['a', 'b']);
    await resident.refresh(32);
    expect(resident.runs).toHaveLength(2);
  });

  test('all that found no room is tried again, in however many steps it is read', async () => {
    // Blocks that seem large enough for a step each.
    const large = Object.create(store, {
      blocks: {
        value: async () => (await store.blocks()).map((info) => ({ ...info, byteLength: info.byteLength * 10_000 })),
      },
    }) as IndexStore;
    resident = new ResidentIndex(large, await createWasmScorer({ maxBytes: 10 * 65536 }), fingerprint);
    for (const document of [toy('a', 3000), toy('b', 2000), toy('c', 1999)]) await store.add([document], fingerprint);
    await resident.refresh();
    expect(resident.runs.map(({ encoded }) => encoded)).toEqual([true, false, false]);
    await store.remove(['a']);
    await resident.refresh();
    expect(resident.runs.map(({ documentId, encoded }) => [documentId, encoded])).toEqual([
      ['b', true],
      ['c', true],
    ]);
    expect(resident.withoutRoom).toBeNull();
  });

  test('a selection takes whole documents', async () => {
    await store.add([toy('a', 2), toy('b', 1), toy('c', 2)], fingerprint);
    await resident.refresh();
    expect(resident.selection(null)).toBeUndefined();
    expect([...resident.selection((id) => id !== 'b')!]).toEqual([0, 1, 3, 4]);
    expect([...resident.selection(() => false)!]).toEqual([]);
  });

  test('another scorer takes over with everything', async () => {
    await store.add([toy('a', 2)], fingerprint);
    await resident.refresh();
    await resident.replaceScorer(createReferenceScorer());
    expect(resident.scorer.blocks.map(({ numChunks }) => numChunks)).toEqual([2]);
  });

  test('vectors of another model, written by another tab, are refused', async () => {
    await store.add([toy('a', 1)], { ...fingerprint, model: 'toy@1' });
    await expect(resident.refresh()).rejects.toMatchObject({ code: 'model-mismatch', details: { field: 'model' } });
  });

  test('a damaged block is left out, the rest is searched', async () => {
    await store.add([toy('a', 1)], fingerprint);
    await store.add([toy('b', 1)], fingerprint);
    const [broken] = await store.blocks();
    const damaged: IndexStore = Object.create(store, {
      block: {
        value: async (id: string) => {
          if (id !== broken!.id) return store.block(id);
          const { LateralError } = await import('../errors.ts');
          throw new LateralError('storage-corrupt', 'Does not fit its checksum.');
        },
      },
    }) as IndexStore;
    const partial = new ResidentIndex(damaged, createReferenceScorer(), fingerprint);
    await partial.refresh();
    expect(partial.damagedBlocks).toEqual([broken!.id]);
    expect(partial.runs.map(({ documentId }) => documentId)).toEqual(['b']);
  });
});
