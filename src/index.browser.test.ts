/** The public API in a real browser: worker, model, IndexedDB and scorer, nothing stood in for. */
import { afterEach, describe, expect, test } from 'vitest';
import { openIndex, type LateralIndex, type OpenOptions } from './index.ts';

const opened: LateralIndex[] = [];
async function open(options: OpenOptions): Promise<LateralIndex> {
  const index = await openIndex({ baseUrl: `${location.origin}/`, ...options });
  opened.push(index);
  return index;
}
afterEach(async () => {
  for (const index of opened.splice(0)) await index.close().catch(() => undefined);
});

const documents = [
  { name: 'trade.txt', content: 'When the river silted up, the merchants moved their warehouses to the coast.' },
  { name: 'bread.txt', content: 'Mix flour, water and salt, let the dough rise overnight and bake it in a hot oven.' },
  { name: 'mars.txt', content: 'Mars looks red because of rust in its soil.' },
];

describe('openIndex', () => {
  test('three lines, from documents to hits', async () => {
    const index = await open({ name: 'three-lines', scorer: 'wasm' });
    await index.clear();
    const { added, failed } = await index.add(documents);
    expect(failed).toEqual([]);
    expect(added).toHaveLength(3);
    const hits = await index.search('why did traders leave the port', { k: 2 });
    expect(hits.map(({ documentName }) => documentName)[0]).toBe('trade.txt');
    expect(index.status()).toMatchObject({ state: 'ready', documents: 3, storage: 'indexeddb' });
    expect(index.status().encoder).toMatchObject({ kind: 'wasm' });
  });

  test('the processor, JavaScript and the graphics card give the same scores', async () => {
    const scores: Record<string, number[]> = {};
    for (const scorer of ['js', 'wasm', 'webgpu'] as const) {
      const index = await open({ name: 'three-lines', scorer });
      expect(index.status().scorer).toMatchObject({ kind: scorer, forced: true });
      scores[scorer] = (await index.search('a red world', { k: 3 })).map(({ score }) => score);
      await index.close();
    }
    expect(scores.js).toHaveLength(3);
    expect(scores.wasm).toEqual(scores.js);
    expect(scores.webgpu).toEqual(scores.js);
  });

  test('a software adapter is never chosen unasked', async () => {
    const index = await open({ name: 'auto' });
    expect(index.status().scorer?.kind).toBe('wasm');
    expect(index.status().scorer?.reason).toMatch(/software/);
  });

  test('the model runs on WebGPU and agrees with the processor', async () => {
    const text = 'rust in its soil';
    const onCpu = await open({ name: 'cpu', encoder: 'wasm', storage: 'memory' });
    const onGpu = await open({ name: 'gpu', encoder: 'webgpu', scorer: 'webgpu', storage: 'memory' });
    expect(onGpu.status().encoder).toMatchObject({ kind: 'webgpu', forced: true });
    expect(onGpu.status().selfTests).toMatchObject([{ device: 'webgpu', passed: true }]);
    // One device serves model and scorer: what the one made, the other finds.
    await onGpu.add([{ name: 'mars.txt', content: text }]);
    expect((await onGpu.search('red soil', { k: 1 })).map(({ documentName }) => documentName)).toEqual(['mars.txt']);
    expect(onGpu.status()).toMatchObject({ encoder: { kind: 'webgpu' }, scorer: { kind: 'webgpu' }, error: null });
    const [[cpu], [gpu]] = await Promise.all([onCpu.embed([text]), onGpu.embed([text])]);
    expect(gpu!.rows.length).toBe(cpu!.rows.length);
    for (let row = 0; row < cpu!.rows.length; row += cpu!.dim) {
      let cosine = 0;
      for (let i = row; i < row + cpu!.dim; i++) cosine += cpu!.rows[i]! * gpu!.rows[i]!;
      expect(cosine).toBeGreaterThan(0.999);
    }
  });

  test('another dimension than the index was built with is refused, and nothing is harmed', async () => {
    await expect(open({ name: 'three-lines', dim: 64 })).rejects.toMatchObject({ code: 'model-mismatch' });
    const index = await open({ name: 'three-lines' });
    expect(await index.documents()).toHaveLength(3);
  });

  test('a model that is not there is said so', async () => {
    await expect(open({ name: 'lost', baseUrl: `${location.origin}/nowhere/` })).rejects.toMatchObject({
      code: 'model-unavailable',
    });
  });
});
