/** The race itself, over a small sample: that all take part, agree and let go. How fast they are is for the page to say. */
import { describe, expect, test, vi } from 'vitest';
import { LateralError } from '../errors.ts';
import { createReferenceScorer } from '../maxsim/reference.ts';
import type { Scorer } from '../maxsim/scorer.ts';
import { relaxedSimdValidates } from '../maxsim/wasm-kernels.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { f32Fingerprint, int8Fingerprint, sampleDocument } from '../store/testing/sample-documents.ts';
import { asFloats, benchmarkSample, madeUpPassages, type BenchmarkSample } from './benchmark-sample.ts';
import { benchmarkLimits, oneThread, runBenchmark, type BenchmarkGpu } from './benchmark.ts';
import type { CallContext } from './engine-api.ts';

const sample: BenchmarkSample = { origin: 'made-up', int8: madeUpPassages(128, 2048) };
const limits = { rounds: 2, maxTokens: 2048 };
const context = (changes: Partial<CallContext> = {}): CallContext => ({
  signal: new AbortController().signal,
  onProgress: () => undefined,
  ...changes,
});

/** Stands for a graphics card: the specification, under another name. */
function toyGpu(changes: Partial<Scorer> = {}) {
  const scorer = createReferenceScorer();
  const destroy = vi.fn(() => scorer.destroy());
  const toy: Scorer = {
    ...{ kind: 'webgpu', threads: 0, blocks: [], residentBytes: 0 },
    load: (block) => scorer.load(block),
    unload: (id) => scorer.unload(id),
    score: (query, selection) => scorer.score(query, selection),
    scoreBatch: (queries, selection) => scorer.scoreBatch(queries, selection),
    explain: (query, chunk, among) => scorer.explain(query, chunk, among),
    destroy,
    ...changes,
  };
  const release = vi.fn();
  const gpu: BenchmarkGpu = { name: 'Toy', software: true, createScorer: () => Promise.resolve(toy), release };
  return { gpu, destroy, release };
}

describe('the race', () => {
  test('measures JavaScript and WebAssembly, which is quicker, and their scores agree', async () => {
    const progress: (readonly [number, number])[] = [];
    const onProgress: CallContext['onProgress'] = ({ done, total }) => progress.push([done, total]);
    const result = await runBenchmark(sample, oneThread, limits, context({ onProgress }));
    expect(result).toMatchObject({ origin: 'made-up', dim: 128, queryRows: 32, rounds: 2, gpu: null, failed: [] });
    expect(result.sameScores).toBe(true);
    expect(result.figures.map(({ kind, precision, kernel, threads }) => [kind, precision, kernel, threads])).toEqual([
      ['js', 'int8', 'loops', 1],
      ['wasm', 'f32', 'simd', 1],
      ['wasm', 'int8', 'simd', 1],
      ...(relaxedSimdValidates() ? [['wasm', 'int8', 'relaxed-simd', 1]] : []),
      ['wasm', 'int4', relaxedSimdValidates() ? 'relaxed-simd' : 'simd', 1],
    ]);
    const [js, ...wasm] = result.figures.map(({ tokensPerSecond }) => tokensPerSecond) as [number, ...number[]];
    for (const figure of wasm) expect(figure).toBeGreaterThan(js);
    for (const { tokens, bestMs, tokensPerSecond } of result.figures) {
      expect(tokensPerSecond).toBeCloseTo((tokens / bestMs) * 1000, 6);
    }
    const turns = result.figures.length * 3;
    expect(progress.at(-1)).toEqual([turns, turns]);
    expect(progress.every(([done, total], i) => total === turns && done >= (progress[i - 1]?.[0] ?? 0))).toBe(true);
  });

  test('names a graphics adapter, and lets go of it', async () => {
    const { gpu, destroy, release } = toyGpu();
    const result = await runBenchmark(sample, { ...oneThread, gpu }, limits, context());
    expect(result.gpu).toEqual({ name: 'Toy', software: true });
    expect(result.figures.at(-1)).toMatchObject({ kind: 'webgpu', kernel: 'wgsl', threads: 0 });
    expect([destroy, release].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  });

  test('goes on without a way that fails, and says why', async () => {
    const failures: Partial<Scorer>[] = [
      { load: () => Promise.reject(new LateralError('out-of-memory', 'No room.')) },
      { score: vi.fn().mockResolvedValueOnce(new Float32Array(99)).mockRejectedValue(new Error('No room.')) },
    ];
    for (const failure of failures) {
      const { gpu, destroy, release } = toyGpu(failure);
      const result = await runBenchmark(sample, { ...oneThread, gpu }, limits, context());
      expect(result.failed).toMatchObject([
        { way: { kind: 'webgpu' }, message: expect.stringContaining('No room.') as string },
      ]);
      expect(result.figures.map(({ kind }) => kind)).not.toContain('webgpu');
      expect([destroy, release].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
    }
  });

  test('tells where scores differ', async () => {
    const { gpu } = toyGpu({ score: () => Promise.resolve(new Float32Array(99).fill(1)) });
    expect((await runBenchmark(sample, { ...oneThread, gpu }, limits, context())).sameScores).toBe(false);
  });

  test('stops between two turns, and lets go of everything', async () => {
    const controller = new AbortController();
    const { gpu, destroy, release } = toyGpu();
    const onProgress: CallContext['onProgress'] = ({ done }) => {
      if (done === 6) controller.abort();
    };
    const long = { ...limits, rounds: 50 };
    const stopped = context({ signal: controller.signal, onProgress });
    const running = runBenchmark(sample, { ...oneThread, gpu }, long, stopped);
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect([destroy, release].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  });

  test.each([{ rounds: 0 }, { rounds: 1.5 }, { maxTokens: 65_537 }, { maxTokens: NaN }])('refuses %j', (options) => {
    expect(() => benchmarkLimits(options)).toThrow(expect.objectContaining({ code: 'invalid-argument' }) as Error);
  });
});

describe('the sample', () => {
  const many = Array.from({ length: 105 }, () => 200); // 21,000 tokens

  test('is what is stored, where there is enough of it', async () => {
    const store = createMemoryStore('stored');
    await store.add([sampleDocument('a', { tokens: many.slice(50) })], int8Fingerprint);
    await store.add([sampleDocument('b', { tokens: many.slice(55) })], int8Fingerprint);
    const { origin, int8 } = await benchmarkSample(store, 4, 65_536);
    expect([origin, int8.vectors.length / 4, int8.offsets.at(-1)]).toEqual(['stored', 21_000, 21_000]);
    expect(int8.offsets.length).toBe(many.length + 1);
    const some = await benchmarkSample(store, 4, 1_000);
    expect([some.origin, some.int8.vectors.length / 4]).toEqual(['stored', 1_000]);
    expect(some.int8.vectors).toEqual(int8.vectors.slice(0, 4_000)); // the same passages, fewer of them
  });

  test('is quantised where floats are stored', async () => {
    const store = createMemoryStore('floats');
    await store.add([sampleDocument('a', { tokens: many, fingerprint: f32Fingerprint })], f32Fingerprint);
    const { origin, int8 } = await benchmarkSample(store, 4, 65_536);
    expect([origin, int8.precision, int8.vectors.constructor]).toEqual(['stored', 'int8', Int8Array]);
    const floats = asFloats(int8).vectors;
    const [stored] = await Promise.all((await store.blocks()).map(({ id }) => store.block(id)));
    expect(Math.max(...floats.slice(0, 400).map((value, i) => Math.abs(value - stored!.vectors[i]!)))).toBeLessThan(
      1 / 254 + 1e-6,
    );
  });

  test('is made up where too little is stored, or cannot be read', async () => {
    const store = createMemoryStore('few');
    expect((await benchmarkSample(store, 4, 512)).origin).toBe('made-up');
    await store.add([sampleDocument('a', { tokens: many })], int8Fingerprint);
    const unreadable = { ...store, blocks: () => store.blocks(), block: () => Promise.reject(new Error('no')) };
    const { origin, int8 } = await benchmarkSample(unreadable, 96, 512);
    expect([origin, int8.dim, int8.vectors.length]).toEqual(['made-up', 96, 512 * 96]);
  });

  test.each([128, 96, 64, 1])('made up of %i numbers has rows of about unit length', (dim) => {
    const { vectors, scale, offsets } = madeUpPassages(dim, 1_000);
    let squares = 0;
    for (const value of vectors) squares += (value * scale) ** 2;
    expect(Math.sqrt(squares / 1_000)).toBeGreaterThan(0.5);
    expect(Math.sqrt(squares / 1_000)).toBeLessThan(1.2);
    expect(offsets.at(-1)).toBe(1_000);
  });
});
