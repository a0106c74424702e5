/** The shared suite on WebGPU and on relaxed SIMD, in a real browser. WebGPU missing is a failure here, never a skip. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeGpu, lossOf, onLost, requestGpu, type Gpu } from '../gpu/device.ts';
import { compilePipeline } from '../gpu/pipeline.ts';
import { inErrorScopes } from '../gpu/scope.ts';
import { createGpuScorer } from './gpu.ts';
import { kernelFor } from './gpu-kernel.ts';
import { GpuVectors, type PlacedRun } from './gpu-vectors.ts';
import { buildWork } from './gpu-work.ts';
import { createReferenceScorer } from './reference.ts';
import { ResidentBlocks } from './resident.ts';
import { createSplitScorer } from './split.ts';
import { randomBlock, randomQuery, randomScorerBlock } from './testing/random-blocks.ts';
import { scorerSuite } from './testing/scorer-suite.ts';
import { createWasmScorer } from './wasm.ts';

let gpu: Gpu;
const uncaptured: string[] = [];

beforeAll(async () => {
  gpu = await requestGpu();
  gpu.device.addEventListener('uncapturederror', ({ error }) => uncaptured.push(error.message));
});
afterAll(() => {
  gpu.device.destroy();
  expect(uncaptured).toEqual([]);
});

// The smallest shards that the suite's longest chunk fits into.
const longestTestChunk = 8192 * 16 * 4;
scorerSuite('webgpu', () => createGpuScorer(gpu.device));
scorerSuite('webgpu, small shards, dispatches and batches, without subgroups', () =>
  createGpuScorer(gpu.device, {
    ...{ maxShardBytes: longestTestChunk, maxWorkgroups: 16, maxResultBytes: 1000, reduction: 'shared' },
  }),
);
scorerSuite('wasm, relaxed SIMD', () => createWasmScorer({ int8: 'relaxed' }));

describe('createGpuScorer', () => {
  it.each([
    ['int8', 16],
    ['int4', 8],
  ] as const)(
    'spreads blocks over shards, dispatches over limits, and still agrees: %s',
    async (precision, rowBytes) => {
      const scorer = await createGpuScorer(gpu.device, { maxShardBytes: 256 * rowBytes, maxWorkgroups: 16 });
      const reference = createReferenceScorer();
      // Four tiles of 64 tokens fill a shard. Chunks end before, at and after tile and shard borders.
      for (const lengths of [
        [63, 1, 1, 64, 127, 256],
        Array.from({ length: 70 }, (_, i) => i % 9),
        [255, 2, 254, 1, 1],
      ]) {
        const block = randomScorerBlock(precision, lengths.length, 16, lengths);
        await scorer.load(block);
        await reference.load(block);
      }
      const query = randomQuery(1, 33, 16);
      expect(await scorer.score(query)).toEqual(await reference.score(query));
      await scorer.unload('block-70');
      await reference.unload('block-70');
      const selection = Uint32Array.of(0, 4, 5, 6, 8, 10);
      expect(await scorer.score(query, selection)).toEqual(await reference.score(query, selection));
      for (let chunk = 0; chunk < 11; chunk++) {
        expect(await scorer.explain(query, chunk)).toEqual(await reference.explain(query, chunk));
      }
      scorer.destroy();
    },
  );

  it.each([128, 48, 20])('holds four bits a component in half of the bytes: %i', async (dim) => {
    const bytes: number[] = [];
    for (const precision of ['int8', 'int4'] as const) {
      const scorer = await createGpuScorer(gpu.device);
      await scorer.load(randomScorerBlock(precision, 1, dim, [100, 50]));
      bytes.push(scorer.residentBytes);
      scorer.destroy();
    }
    expect(bytes[1]).toBe(bytes[0]! / 2);
  });

  it.each(['int8', 'int4'] as const)(
    'counts what is multiplied, so that dispatches stay as short: %s',
    async (precision) => {
      const block = randomScorerBlock(precision, 1, 48, [10, 0, 5]);
      const kernel = await kernelFor(gpu.device, block, { packedDot: 'auto', subgroups: false });
      const vectors = new GpuVectors(gpu.device);
      const resident = new ResidentBlocks<readonly PlacedRun[]>();
      resident.append(block, await vectors.place(block));
      const work = buildWork(gpu.device, kernel, resident, 32, undefined);
      expect(work.shards.map(({ numItems, bytes }) => [numItems, bytes])).toEqual([[2, 15 * 48]]);
      work.destroy();
      vectors.destroy();
    },
  );

  it('shares four bits a component with the processor where the card is full', async () => {
    const card = await createGpuScorer(gpu.device);
    const scorer = createSplitScorer(card, () => createWasmScorer());
    const reference = createReferenceScorer();
    const blocks = [1, 2, 3].map((seed) => randomScorerBlock('int4', seed, 48, [3, 0, 65, 1]));
    await scorer.load(blocks[0]!);
    const full = vi.spyOn(gpu.device, 'popErrorScope').mockImplementation(async () => {
      await GPUDevice.prototype.popErrorScope.call(gpu.device);
      return new GPUOutOfMemoryError('none left');
    });
    await scorer.load(blocks[1]!);
    full.mockRestore();
    await scorer.unload('block-1');
    await scorer.load(blocks[2]!);
    for (const block of blocks.slice(1)) await reference.load(block);
    expect(card.blocks.map(({ id }) => id)).toEqual(['block-3']);
    expect(scorer.blocks).toEqual(reference.blocks);
    const queries = [1, 40].map((numRows) => randomQuery(numRows, numRows, 48));
    for (const selection of [undefined, Uint32Array.of(0, 2, 5, 6)]) {
      expect(await scorer.scoreBatch(queries, selection)).toEqual(await reference.scoreBatch(queries, selection));
    }
    for (const chunk of [2, 6]) {
      expect(await scorer.explain(queries[1]!, chunk)).toEqual(await reference.explain(queries[1]!, chunk));
    }
    scorer.destroy();
  });

  it.each([
    ['native', 'int8'],
    ['portable', 'int8'],
    ['native', 'int4'],
    ['portable', 'int4'],
  ] as const)('multiplies bytes alike: %s, %s', async (packedDot, precision) => {
    const scorer = await createGpuScorer(gpu.device, { packedDot });
    const reference = createReferenceScorer();
    const block = randomScorerBlock(precision, 3, 128, [65, 1]);
    await scorer.load(block);
    await reference.load(block);
    const query = randomQuery(4, 32, 128);
    expect(await scorer.score(query)).toEqual(await reference.score(query));
    scorer.destroy();
  });

  describe('subgroups', () => {
    it.each(['int8', 'int4', 'f32'] as const)('are used where the device has them right: %s', async (precision) => {
      expect(gpu.info.features).toContain('subgroups'); // SwiftShader's have four lanes
      const scorer = await createGpuScorer(gpu.device);
      await scorer.load(randomScorerBlock(precision, 3, 32, [65, 1]));
      expect(scorer.subgroups).toBe(true);
      scorer.destroy();
    });

    /** A device whose shaders are changed before they are compiled. */
    async function changing(change: (code: string) => string): Promise<Gpu> {
      const own = await requestGpu();
      vi.spyOn(own.device, 'createShaderModule').mockImplementation(({ code, ...rest }) =>
        GPUDevice.prototype.createShaderModule.call(own.device, { ...rest, code: change(code) }),
      );
      return own;
    }

    // SwiftShader has one size. The others are played in shared memory: lanes in a row, or every so manieth, as a driver likes.
    it.each([
      [1, 'lane'],
      [8, 'lane / 8u'],
      [8, 'lane % 4u'],
      [16, 'lane / 16u'],
      [16, 'lane % 2u'],
      [32, '0u'], // as with 64 and 128, of which a workgroup fills the first 32
    ])('of %i lanes are right, too: the subgroup of a lane is %s', async (_size, subgroup) => {
      const played = `
        var<workgroup> given: array<Values, lanes>;
        fn subgroupOf(lane: u32) -> u32 { return ${subgroup}; }
        fn playedMax(lane: u32, best: Values) -> Values {
          given[lane] = best;
          workgroupBarrier();
          var top = best;
          for (var other = 0u; other < lanes; other++) {
            if (subgroupOf(other) == subgroupOf(lane)) { top = max(top, given[other]); }
          }
          workgroupBarrier();
          return top;
        }
        fn playedElect(lane: u32) -> bool {
          for (var other = 0u; other < lane; other++) {
            if (subgroupOf(other) == subgroupOf(lane)) { return false; }
          }
          return true;
        }`;
      let changed = 0;
      const own = await changing((code) => {
        if (!code.includes('subgroupMax')) return code;
        changed++;
        const calls = code.replace('subgroupMax(best)', 'playedMax(lane, best)');
        return calls.replace('subgroupElect()', 'playedElect(lane)') + played;
      });
      for (const precision of ['int8', 'int4', 'f32'] as const) {
        const scorer = await createGpuScorer(own.device, { reduction: 'subgroups' });
        const reference = createReferenceScorer();
        const block = randomScorerBlock(precision, 3, 16, [1, 31, 32, 33, 65, 130]);
        await scorer.load(block);
        await reference.load(block);
        const queries = [1, 32, 40].map((numRows) => randomQuery(numRows, numRows, 16));
        const [batch, expected] = [await scorer.scoreBatch(queries), await reference.scoreBatch(queries)];
        if (precision !== 'f32') expect(batch).toEqual(expected);
        else batch.forEach((scores, i) => scores.forEach((score, j) => expect(score).toBeCloseTo(expected[i]![j]!, 4)));
        scorer.destroy();
      }
      expect(changed).toBeGreaterThanOrEqual(3);
      own.device.destroy();
    });

    it('are not used where they find something else', async () => {
      // As from a driver that takes each lane for a subgroup of its own, but elects one of all.
      const own = await changing((code) => code.replace('subgroupMax(best)', 'best'));
      for (const precision of ['int8', 'int4', 'f32'] as const) {
        const scorer = await createGpuScorer(own.device);
        const reference = createReferenceScorer();
        const block = randomScorerBlock(precision, 3, 32, [65, 1]);
        await scorer.load(block);
        await reference.load(block);
        expect(scorer.subgroups).toBe(false);
        const query = randomQuery(4, 32, 32);
        const [scores, expected] = [await scorer.score(query), await reference.score(query)];
        scores.forEach((score, i) => expect(score).toBeCloseTo(expected[i]!, precision === 'f32' ? 4 : 10));
        scorer.destroy();
      }
      own.device.destroy();
    });

    it('are not used where the device has none', async () => {
      const own = await requestGpu({ features: [] });
      const scorer = await createGpuScorer(own.device);
      await scorer.load(randomBlock(3, 128, [65, 1]));
      expect(scorer.subgroups).toBe(false);
      await expect(createGpuScorer(own.device, { reduction: 'subgroups' })).rejects.toMatchObject({
        code: 'gpu-unavailable',
      });
      scorer.destroy();
      own.device.destroy();
    });

    it('find the largest numbers, the smallest, and both zeros', async () => {
      // One component: the scores are the tokens' own values, times 1.
      const values = [-3e38, -1, -1e-38, -0, 0, 1e-38, 1, 3e38];
      const scores = async (reduction: 'shared' | 'subgroups'): Promise<Float32Array> => {
        const scorer = await createGpuScorer(gpu.device, { reduction });
        for (const [i, value] of values.entries()) {
          const tokens = Float32Array.from({ length: 40 }, (_, token) => (token === (7 * i) % 40 ? value : -3.3e38));
          const offsets = Uint32Array.of(0, 40);
          await scorer.load({ id: String(i), dim: 1, precision: 'f32', scale: 1, vectors: tokens, offsets });
        }
        const found = await scorer.score({ rows: Float32Array.of(1), dim: 1 });
        scorer.destroy();
        return found;
      };
      expect(await scores('subgroups')).toEqual(await scores('shared'));
    });
  });

  // Query blocks in a uniform buffer (four at a time, three, one), and where none fits there, in a storage buffer.
  it.each([
    ['int8', 128],
    ['f32', 128],
    ['int8', 1024],
    ['int8', 2048],
    ['int4', 128],
    ['int4', 2048],
    ['f32', 520],
  ] as const)('scores a batch whatever the size of its rows: %s of %i', async (precision, dim) => {
    const scorer = await createGpuScorer(gpu.device);
    const reference = createReferenceScorer();
    const block = randomScorerBlock(precision, 3, dim, [3, 0, 65, 1]);
    await scorer.load(block);
    await reference.load(block);
    const queries = [1, 32, 40, 2, 33].map((numRows, i) => randomQuery(i, numRows, dim));
    const [batch, expected] = [await scorer.scoreBatch(queries), await reference.scoreBatch(queries)];
    for (const [i, query] of queries.entries()) {
      expect(batch[i]).toEqual(await scorer.score(query));
      batch[i]!.forEach((score, chunk) =>
        expect(score).toBeCloseTo(expected[i]![chunk]!, precision === 'f32' ? 3 : 10),
      );
    }
    scorer.destroy();
  });

  it('scores a batch in one submit, or in several where the results would take too much room', async () => {
    const submit = vi.spyOn(gpu.device.queue, 'submit');
    const block = randomBlock(
      5,
      16,
      Array.from({ length: 100 }, (_, i) => i % 7),
    );
    const queries = [1, 33, 70, 2, 32, 5, 64].map((numRows, i) => randomQuery(i, numRows, 16));
    const reference = createReferenceScorer();
    await reference.load(block);
    const expected = await reference.scoreBatch(queries);
    for (const [maxResultBytes, submits] of [
      [undefined, 1],
      [3 * 400, 3], // 100 chunks × 4 bytes for each of three queries
      [1, 7],
    ] as const) {
      const scorer = await createGpuScorer(gpu.device, maxResultBytes === undefined ? {} : { maxResultBytes });
      await scorer.load(block);
      submit.mockClear();
      // What is loaded and dropped meanwhile comes before or after the batch as a whole.
      const batch = scorer.scoreBatch(queries);
      const changes = [scorer.load(randomBlock(6, 16, [3])), scorer.unload('block-5')];
      expect(await batch).toEqual(expected);
      expect(submit).toHaveBeenCalledTimes(submits);
      await Promise.all(changes);
      expect(scorer.blocks.map(({ id }) => id)).toEqual(['block-6']);
      scorer.destroy();
    }
    {
      // Where all is dropped before its turn comes, each query has no scores.
      const scorer = await createGpuScorer(gpu.device, { maxResultBytes: 1 });
      await scorer.load(block);
      const dropping = scorer.unload('block-5');
      expect(await scorer.scoreBatch(queries)).toEqual(queries.map(() => new Float32Array(0)));
      await dropping;
      scorer.destroy();
    }
    submit.mockRestore();
  });

  it('refuses a chunk that no buffer can hold, and keeps nothing of its block', async () => {
    const scorer = await createGpuScorer(gpu.device, { maxShardBytes: 4096 });
    await expect(scorer.load(randomBlock(7, 16, [3, 257]))).rejects.toMatchObject({ code: 'out-of-memory' });
    expect(scorer.residentBytes).toBe(0);
    scorer.destroy();
  });

  it('says when the device has no memory', async () => {
    const scorer = await createGpuScorer(gpu.device);
    await scorer.load(randomBlock(8, 16, [3]));
    const refuse = vi.spyOn(gpu.device, 'popErrorScope');
    refuse.mockImplementationOnce(() => {
      void GPUDevice.prototype.popErrorScope.call(gpu.device);
      return Promise.resolve(new GPUOutOfMemoryError('none left'));
    });
    await expect(scorer.score(randomQuery(9, 1, 16))).rejects.toMatchObject({ code: 'out-of-memory' });
    refuse.mockRestore();
    expect(await scorer.score(randomQuery(9, 1, 16))).toHaveLength(1);
    scorer.destroy();
  });

  it('destroys every buffer it made', async () => {
    const alive = new Set<GPUBuffer>();
    const create = vi.spyOn(gpu.device, 'createBuffer').mockImplementation((descriptor) => {
      const buffer = GPUDevice.prototype.createBuffer.call(gpu.device, descriptor);
      alive.add(buffer);
      buffer.destroy = () => {
        alive.delete(buffer);
        GPUBuffer.prototype.destroy.call(buffer);
      };
      return buffer;
    });
    const scorer = await createGpuScorer(gpu.device, { maxShardBytes: 4096 });
    await scorer.load(randomBlock(10, 16, [200, 100]));
    await scorer.load(randomBlock(11, 16, [5]));
    await scorer.score(randomQuery(12, 1, 16));
    await scorer.score(randomQuery(12, 1, 16), Uint32Array.of(1));
    await scorer.scoreBatch([1, 40, 3, 4, 5].map((numRows) => randomQuery(12, numRows, 16)));
    await scorer.explain(randomQuery(12, 1, 16), 1);
    expect([...alive].map(({ label }) => label).sort()).toEqual(['maxsim chunk list', 'maxsim shard', 'maxsim shard']);
    await scorer.unload('block-10');
    expect([...alive].map(({ label }) => label)).toEqual(['maxsim shard']);
    scorer.destroy();
    expect(alive.size).toBe(0);
    create.mockRestore();
  });

  it("says 'gpu-lost' when the device goes away, before, during and after a search", async () => {
    const own = await requestGpu();
    const heard: string[] = [];
    onLost(own.device, ({ code }) => heard.push(code));
    const scorer = await createGpuScorer(own.device);
    await scorer.load(randomBlock(13, 128, [3]));
    const query = randomQuery(14, 1, 128);
    const during = scorer.score(query);
    own.device.destroy();
    await expect(during).rejects.toMatchObject({ code: 'gpu-lost' });
    await expect(scorer.score(query)).rejects.toMatchObject({ code: 'gpu-lost' });
    await expect(scorer.explain(query, 0)).rejects.toMatchObject({ code: 'gpu-lost' });
    await expect(scorer.load(randomBlock(15, 128, [3]))).rejects.toMatchObject({ code: 'gpu-lost' });
    await expect(createGpuScorer(own.device)).rejects.toMatchObject({ code: 'gpu-lost' });
    expect(heard).toEqual(['gpu-lost']);
    expect(lossOf(own.device).error?.details).toEqual({ reason: 'destroyed' });
    scorer.destroy();
  });
});

describe('gpu', () => {
  it('knows the software adapter of the tests', () => {
    expect(gpu.info).toEqual(describeGpu(gpu.device.adapterInfo, gpu.device));
    expect(gpu.info.software).toBe(true);
    expect(gpu.info.limits.maxBufferSize).toBeGreaterThanOrEqual(2 ** 28);
  });

  it('shows where a shader is wrong', async () => {
    const code = '@compute @workgroup_size(1)\nfn main() {\n  let x: u32 = 1.5;\n}\n';
    const building = compilePipeline(gpu.device, { label: 'broken', code, entryPoint: 'main', bindGroupLayouts: [] });
    await expect(building).rejects.toMatchObject({ code: 'gpu-unavailable' });
    await expect(building).rejects.toThrow(/The shader broken does not compile[^]*3 \| {3}let x: u32 = 1\.5;\n.*\^/);
  });

  it('turns validation errors into errors of the call', async () => {
    const refused = inErrorScopes(gpu.device, 'a buffer', () => gpu.device.createBuffer({ size: 4, usage: 0 }));
    await expect(refused).rejects.toMatchObject({ code: 'internal' });
  });
});
