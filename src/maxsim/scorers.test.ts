/** The shared suite over the scorers that run in Node; gpu.browser.test.ts runs it where WebGPU is. */
import { describe, expect, it } from 'vitest';
import { createReferenceScorer } from './reference.ts';
import { randomBlock, randomQuery } from './testing/random-blocks.ts';
import { bytes, rows, scorerSuite } from './testing/scorer-suite.ts';
import { relaxedSimdValidates } from './wasm-kernels.ts';
import { createWasmScorer } from './wasm.ts';

scorerSuite('reference', () => Promise.resolve(createReferenceScorer()));
scorerSuite('wasm', () => createWasmScorer({ int8: 'plain' }));

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
