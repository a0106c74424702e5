/** Four bits a component and exact scores of the best, against an index held in int8: made-up vectors over a store in memory. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { LateralError } from '../errors.ts';
import { randomBlock, randomQuery } from '../maxsim/testing/random-blocks.ts';
import { createReferenceScorer } from '../maxsim/reference.ts';
import type { Scorer } from '../maxsim/scorer.ts';
import { createWasmScorer } from '../maxsim/wasm.ts';
import { topK } from '../ranking/top-k.ts';
import type { IndexStore } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { Fingerprint } from '../types.ts';
import { createExactRanking, createRescorer, passagesToRescore, UnreadableRows, type Rescorer } from './rescoring.ts';
import { ResidentIndex } from './resident.ts';

const dim = 64;
const fingerprint: Fingerprint = {
  ...{ model: 'toy@0', dim, precision: 'int8', scale: 1 / 127 },
  ...{ poolFactor: 1, longDocument: 'truncate', chunker: 1 },
};

describe('createExactRanking', () => {
  const asked: number[][] = [];
  const exactly = (scores: readonly number[]) => (positions: readonly number[]) => {
    asked.push([...positions]);
    return Promise.resolve(Float32Array.from(positions, (position) => scores[position]!));
  };
  beforeEach(() => void (asked.length = 0));

  test('the best by coarse scores are ordered by exact ones, equal scores by position', async () => {
    // coarse order: 2, 0, 3, 1; exact scores 5, 9, 5, 7
    const rank = createExactRanking(Float32Array.of(3, 1, 4, 2), (i) => i, exactly([5, 9, 5, 7]), 1);
    expect(await rank(3)).toEqual([
      { position: 3, score: 7 },
      { position: 0, score: 5 },
      { position: 2, score: 5 },
    ]);
    expect(asked).toEqual([[2, 0, 3]]);
    // Deeper, only what is new is scored.
    expect((await rank(4)).map(({ position }) => position)).toEqual([1, 3, 0, 2]);
    expect(asked[1]).toEqual([1]);
  });

  test('a selection is ranked by its own positions', async () => {
    const selection = [10, 20, 30];
    const exact = Object.assign<number[], Record<number, number>>([], { 10: 1, 20: 3, 30: 2 });
    const rank = createExactRanking(Float32Array.of(1, 2, 3), (i) => selection[i]!, exactly(exact), 10);
    expect((await rank(10)).map(({ position }) => position)).toEqual([20, 30, 10]);
  });

  test('what is not scored exactly stays below, and is said to be no better', async () => {
    const coarse = Float32Array.from({ length: 5000 }, (_, i) => 5000 - i);
    const rank = createExactRanking(coarse, (i) => i, exactly(Array.from(coarse, (score) => score / 2)), 1);
    const ranked = await rank(5000);
    expect(asked[0]).toHaveLength(4000);
    expect(ranked.map(({ position }) => position)).toEqual(Array.from(coarse, (_, i) => i));
    expect(ranked[3999]!.score).toBe(500.5);
    expect(ranked.slice(4000).map(({ score }) => score)).toEqual(
      Array.from({ length: 1000 }, (_, i) => Math.min(500.5, 1000 - i)),
    );
  });

  test('the k best are those of exact scores wherever these are among the best coarse ones', async () => {
    const scores = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: -3, max: 3 })), {
      minLength: 1,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(
        scores,
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 30 }),
        async (given, k, depth) => {
          const exact = Float32Array.from(given, ([score]) => score);
          const coarse = Float32Array.from(given, ([score, error]) => score + error);
          const rank = createExactRanking(coarse, (i) => i, exactly([...exact]), k);
          const best = topK(exact, Math.min(k, depth));
          const rescored = new Set(topK(coarse, passagesToRescore(depth, k)));
          const ranked = await rank(depth);
          expect(ranked).toHaveLength(Math.min(depth, given.length));
          if (best.every((position) => rescored.has(position))) {
            expect(ranked.slice(0, best.length)).toEqual(
              best.map((position) => ({ position, score: exact[position] })),
            );
          }
        },
      ),
      { seed: 7 },
    );
  });
});

describe('createRescorer', () => {
  const lengths = [5, 1, 90, 0, 33];
  let store: IndexStore;
  let resident: ResidentIndex;
  let exact: Scorer;
  let rescorer: Rescorer;

  /** Twenty documents of five passages in blocks of four; positions are the same in both indexes. */
  beforeEach(async () => {
    store = createMemoryStore('toy');
    for (let block = 0; block < 5; block++) {
      await store.add(
        Array.from({ length: 4 }, (_, i) => documentOf(`${block}.${i}`, block * 4 + i, lengths)),
        fingerprint,
      );
    }
    exact = createReferenceScorer();
    const whole = new ResidentIndex(store, exact, fingerprint);
    resident = new ResidentIndex(store, await createWasmScorer(), fingerprint, undefined, 'int4');
    await Promise.all([whole.refresh(), resident.refresh()]);
    rescorer = createRescorer(store, resident, fingerprint);
  });

  test('scores and explanations are those of an index held in int8, to the bit', async () => {
    const query = randomQuery(1, 32, dim);
    const expected = await exact.score(query);
    const positions = [99, 0, 3, 42, 41, 57, 8];
    expect(await rescorer.score(query, positions)).toEqual(Float32Array.from(positions, (at) => expected[at]!));
    const rows = await rescorer.read([42, 3]);
    expect(await rescorer.explain(query, rows.get(42)!)).toEqual(await exact.explain(query, 42));
    expect(await rescorer.explain(query, rows.get(3)!)).toEqual(await exact.explain(query, 3)); // without tokens
    const among = Uint8Array.from({ length: 90 }, (_, i) => i % 2);
    expect(await rescorer.explain(query, rows.get(42)!, among)).toEqual(await exact.explain(query, 42, among));
    rescorer.destroy();
  });

  test('rows are read once, a block at a time, and kept', async () => {
    const read = vi.spyOn(store, 'rows');
    const query = randomQuery(2, 8, dim);
    await rescorer.score(query, [0, 1, 2, 21, 22]);
    expect(read.mock.calls.map(([, ranges]) => ranges.length)).toEqual([3, 2]);
    await rescorer.score(query, [2, 1, 23]);
    expect(read.mock.calls.slice(2).map(([, ranges]) => ranges)).toEqual([[{ first: 96, end: 96 }]]);
    expect(rescorer.heldBytes).toBeGreaterThan(96 * dim);
  });

  test('rows of four blocks are read at a time, and of one that is read whole', async () => {
    let reading = 0;
    const most = async (): Promise<number> => {
      let highest = 0;
      const read = store.rows.bind(store);
      const slow = vi.spyOn(store, 'rows').mockImplementation(async (...parameters) => {
        highest = Math.max(highest, ++reading);
        await new Promise((resolve) => setTimeout(resolve, 2));
        reading--;
        return read(...parameters);
      });
      rescorer = createRescorer(store, resident, fingerprint); // which has kept nothing
      await rescorer.score(randomQuery(4, 8, dim), [0, 20, 40, 60, 80]);
      expect(slow).toHaveBeenCalledTimes(5);
      slow.mockRestore();
      return highest;
    };
    expect(await most()).toBe(4);
    const place = resident.storedPlace.bind(resident);
    vi.spyOn(resident, 'storedPlace').mockImplementation((at) => ({ ...place(at), wholeOnly: true }));
    expect(await most()).toBe(1);
  });

  test('where WebAssembly has no memory for the best, JavaScript has', async () => {
    const query = randomQuery(5, 8, dim);
    const expected = await exact.score(query);
    const full: Scorer = await createWasmScorer();
    vi.spyOn(full, 'load').mockRejectedValue(new LateralError('out-of-memory', 'no'));
    rescorer = createRescorer(store, resident, fingerprint, () => Promise.resolve(full));
    expect(await rescorer.score(query, [7, 42])).toEqual(Float32Array.of(expected[7]!, expected[42]!));
    const rows = await rescorer.read([42]);
    expect(await rescorer.explain(query, rows.get(42)!)).toEqual(await exact.explain(query, 42));
  });

  test('rows that moved, or are damaged, or of another shape, are named by their block', async () => {
    const { blockId } = resident.storedPlace(0);
    const query = randomQuery(3, 8, dim);
    const fails = async (): Promise<UnreadableRows> => {
      const error: unknown = await rescorer.score(query, [0, 30]).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UnreadableRows);
      return error as UnreadableRows;
    };
    const broken = vi.spyOn(store, 'rows').mockRejectedValue(new LateralError('storage-corrupt', 'no'));
    expect(await fails()).toMatchObject({ damaged: true });
    broken.mockRestore();
    await store.remove(['0.1']);
    await store.compact(); // another block takes its place
    expect(await fails()).toMatchObject({ blockId, damaged: false });
    await resident.refresh();
    expect(await rescorer.score(query, [0])).toHaveLength(1);
    await store.narrow({ ...fingerprint, dim: 32 });
    rescorer = createRescorer(store, resident, fingerprint); // which has kept nothing
    expect(await fails()).toMatchObject({ damaged: false });
  });
});

/** A document with made-up vectors, of as many tokens in each passage. */
function documentOf(id: string, seed: number, lengths: readonly number[]) {
  const { vectors, offsets } = randomBlock(seed, dim, lengths);
  const [chunkCount, tokenCount] = [lengths.length, offsets.at(-1)!];
  return {
    record: {
      ...{ id, name: `${id}.txt`, path: '', title: '', mediaType: 'text/plain', language: '', tags: [], addedAt: 1 },
      ...{ byteLength: chunkCount, textLength: chunkCount, contentHash: id, chunkCount, tokenCount },
      ...{ truncatedChunks: 0, notes: [] },
    },
    text: { text: 'x'.repeat(chunkCount), sections: [], blocks: [], mediaType: 'text/plain', notes: [] },
    chunks: lengths.map((_, i) => ({ ordinal: i, start: i, end: i + 1, section: -1 })),
    ...{ source: null, vectors, offsets, tokenRows: null },
  };
}
