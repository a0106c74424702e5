/** The shared suite over the scorers that run in Node; gpu.browser.test.ts runs it where WebGPU is. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReferenceScorer } from './reference.ts';
import { randomBlock, randomQuery, randomScorerBlock } from './testing/random-blocks.ts';
import type { Scorer } from './scorer.ts';
import { createSplitScorer } from './split.ts';
import { bytes, rows, scorerSuite } from './testing/scorer-suite.ts';
import { relaxedSimdValidates } from './wasm-kernels.ts';
import { createWasmScorer } from './wasm.ts';

scorerSuite('reference', () => Promise.resolve(createReferenceScorer()));
scorerSuite('wasm', () => createWasmScorer({ int8: 'plain' }));
if (relaxedSimdValidates()) scorerSuite('wasm, relaxed SIMD', () => createWasmScorer({ int8: 'relaxed' }));

/** Working memory takes 9 pages of 64 KiB: room for so many bytes of vectors. */
const smallScorer = (bytes: number) => createWasmScorer({ maxBytes: 9 * 65536 + bytes });
const split = async (): Promise<Scorer> => createSplitScorer(await smallScorer(65536), () => createWasmScorer());

scorerSuite('split, the second empty', async () =>
  createSplitScorer(await createWasmScorer(), () => createWasmScorer()),
);
scorerSuite('split', split);

describe('createSplitScorer', () => {
  it.each([
    ['int8', 250],
    ['int4', 600],
  ] as const)(
    'fills the first, then the second, and the first again when it has room: %s',
    async (precision, longest) => {
      const made: Scorer[] = [];
      const [first, reference] = [await smallScorer(65536), createReferenceScorer()];
      const scorer = createSplitScorer(first, async () => {
        made.push(await createWasmScorer());
        return made[0]!;
      });
      // 44,800 bytes each
      const blocks = ['a', 'b', 'c'].map((id, i) => randomScorerBlock(precision, i, 128, [100, 0, longest], { id }));
      for (const block of blocks.slice(0, 2)) {
        await scorer.load(block);
        await reference.load(block);
      }
      expect([first.blocks.length, made[0]!.blocks.length]).toEqual([1, 1]);
      for (const each of [scorer, reference]) {
        await each.unload('a');
        await each.load(blocks[2]!);
      }
      expect([first, made[0]!].map(({ blocks }) => blocks.map(({ id }) => id))).toEqual([['c'], ['b']]);
      expect(scorer.blocks).toEqual(reference.blocks);
      const query = randomQuery(4, 32, 128);
      const queries = [query, randomQuery(5, 3, 128)];
      for (const selection of [undefined, Uint32Array.of(0, 2, 3, 5), Uint32Array.of(4)]) {
        expect(await scorer.score(query, selection)).toEqual(await reference.score(query, selection));
        expect(await scorer.scoreBatch(queries, selection)).toEqual(await reference.scoreBatch(queries, selection));
      }
      for (const chunk of [0, 2, 3, 5]) {
        expect(await scorer.explain(query, chunk)).toEqual(await reference.explain(query, chunk));
      }
    },
  );

  it('says when neither has room, and goes on with what it has', async () => {
    const scorer = createSplitScorer(await smallScorer(65536), () => smallScorer(65536));
    for (const id of ['a', 'b']) await scorer.load(randomBlock(1, 128, [400], { id }));
    await expect(scorer.load(randomBlock(2, 128, [400], { id: 'c' }))).rejects.toMatchObject({ code: 'out-of-memory' });
    expect(await scorer.score(randomQuery(3, 32, 128))).toHaveLength(2);
  });
});

describe('a batch', () => {
  it.each([
    ['wasm', () => createWasmScorer()],
    ['split', split],
  ] as const)('gives what single searches give, whatever queries and passages: %s', async (_name, create) => {
    const lengths = fc.array(fc.oneof(fc.nat(4), fc.nat(70)), { minLength: 1, maxLength: 8 });
    const rowCounts = fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 17 });
    const property = fc.asyncProperty(
      ...([fc.array(lengths, { minLength: 1, maxLength: 4 }), rowCounts, fc.array(fc.boolean()), fc.nat(99)] as const),
      async (blocks, rowCounts, selected, seed) => {
        const [scorer, reference] = [await create(), createReferenceScorer()];
        const made = blocks.map((lengths, i) => randomBlock(seed + i, 48, lengths));
        for (const block of made) for (const each of [scorer, reference]) await each.load(block);
        const queries = rowCounts.map((numRows, i) => randomQuery(seed * i, numRows, 48));
        const all = [...blocks.flat().keys()];
        const selection = Uint32Array.from(all.filter((chunk) => selected[chunk] ?? false));
        for (const chosen of [undefined, selection]) {
          expect(await scorer.scoreBatch(queries, chosen)).toEqual(await reference.scoreBatch(queries, chosen));
        }
        scorer.destroy();
      },
    );
    await fc.assert(property, { seed: 5, numRuns: 30 });
  });
});

describe('createWasmScorer', () => {
  it('takes the relaxed kernel only where the engine knows it', async () => {
    const relaxed = createWasmScorer({ int8: 'relaxed' });
    if (relaxedSimdValidates()) expect((await relaxed).int8Kernel).toBe('int8-relaxed');
    else await expect(relaxed).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('chooses by measurement and agrees with the reference', async () => {
    const scorer = await createWasmScorer();
    const reference = createReferenceScorer();
    const block = randomBlock(1, 128, [7, 300]);
    await scorer.load(block);
    await reference.load(block);
    const query = randomQuery(2, 32, 128);
    expect(await scorer.score(query)).toEqual(await reference.score(query));
  });

  it('says when memory is full, and goes on with what it has', async () => {
    const scorer = await createWasmScorer({ maxBytes: 1 << 20 });
    await scorer.load(bytes('small', 2, [127, 0], [0, 1]));
    const large = randomBlock(1, 2, [40_000]); // 16 bytes each once filled up to 16 components
    await expect(scorer.load(large)).rejects.toMatchObject({
      code: 'out-of-memory',
      details: { neededBytes: 640_000, residentBytes: 16 },
    });
    expect(await scorer.score(rows(2, [1, 0]))).toEqual(Float32Array.of(1));
  });

  it('uses the room of unloaded blocks again', async () => {
    const scorer = await createWasmScorer({ maxBytes: 1 << 20 }); // room for 7 pages of vectors
    for (let round = 0; round < 20; round++) {
      await scorer.load(randomBlock(round, 16, [20_000], { id: 'same' }));
      await scorer.unload('same');
    }
    expect(scorer.residentBytes).toBe(0);
  });

  it('takes batches in pieces: of 512 rows, and of as many sums as there is room for', async () => {
    const reference = createReferenceScorer();
    for (const maxResultBytes of [undefined, 1, 5 * 3 * 8]) {
      for (const precision of ['int8', 'f32'] as const) {
        const scorer = await createWasmScorer(maxResultBytes === undefined ? {} : { maxResultBytes });
        const block = randomBlock(3, 128, [3, 1, 0, 9, 50], { id: precision, precision });
        await scorer.load(block);
        await reference.load(block);
        const queries = [500, 30, 600, 1, 512, 16, 1100].map((numRows, i) => randomQuery(i, numRows, 128));
        const batch = await scorer.scoreBatch(queries);
        for (const [i, query] of queries.entries()) expect(batch[i]).toEqual(await scorer.score(query));
        if (precision === 'int8') expect(batch).toEqual(await reference.scoreBatch(queries));
        await reference.unload(block.id);
      }
    }
  });

  it('takes very long queries in pieces', async () => {
    const scorer = await createWasmScorer();
    const reference = createReferenceScorer();
    const block = randomBlock(3, 128, [3, 1]);
    await scorer.load(block);
    await reference.load(block);
    const query = randomQuery(4, 8192, 128);
    expect(await scorer.score(query)).toEqual(await reference.score(query));
  });
});
