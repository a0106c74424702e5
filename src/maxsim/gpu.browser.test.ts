/** The shared suite on WebGPU and on relaxed SIMD, in a real browser. WebGPU missing is a failure here, never a skip. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeGpu, lossOf, onLost, requestGpu, type Gpu } from '../gpu/device.ts';
import { compilePipeline } from '../gpu/pipeline.ts';
import { inErrorScopes } from '../gpu/scope.ts';
import { createGpuScorer } from './gpu.ts';
import { createReferenceScorer } from './reference.ts';
import { randomBlock, randomQuery } from './testing/random-blocks.ts';
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
scorerSuite('webgpu', () => createGpuScorer(gpu.device), { int4: false });
scorerSuite(
  'webgpu, small shards and dispatches',
  () => createGpuScorer(gpu.device, { maxShardBytes: longestTestChunk, maxWorkgroups: 16 }),
  { int4: false },
);
scorerSuite('wasm, relaxed SIMD', () => createWasmScorer({ int8: 'relaxed' }));

describe('createGpuScorer', () => {
  it('spreads blocks over shards, dispatches over limits, and still agrees', async () => {
    const scorer = await createGpuScorer(gpu.device, { maxShardBytes: 4096, maxWorkgroups: 16 });
    const reference = createReferenceScorer();
    // 16 bytes per token: four tiles of 64 tokens fill a shard. Chunks end before, at and after tile and shard borders.
    for (const lengths of [
      [63, 1, 1, 64, 127, 256],
      Array.from({ length: 70 }, (_, i) => i % 9),
      [255, 2, 254, 1, 1],
    ]) {
      const block = randomBlock(lengths.length, 16, lengths);
      await scorer.load(block);
      await reference.load(block);
    }
    const query = randomQuery(1, 33, 16);
    expect(await scorer.score(query)).toEqual(await reference.score(query));
    await scorer.unload('block-70');
    await reference.unload('block-70');
    const selection = Uint32Array.of(0, 4, 5, 6, 8, 10);
    expect(await scorer.score(query, selection)).toEqual(await reference.score(query, selection));
    scorer.destroy();
  });

  it.each(['native', 'portable'] as const)('multiplies bytes alike: %s', async (packedDot) => {
    const scorer = await createGpuScorer(gpu.device, { packedDot });
    const reference = createReferenceScorer();
    const block = randomBlock(3, 128, [65, 1]);
    await scorer.load(block);
    await reference.load(block);
    const query = randomQuery(4, 32, 128);
    expect(await scorer.score(query)).toEqual(await reference.score(query));
    scorer.destroy();
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
