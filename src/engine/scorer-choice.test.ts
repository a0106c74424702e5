import { describe, expect, test, vi } from 'vitest';
import { createReferenceScorer } from '../maxsim/reference.ts';
import type { Scorer } from '../maxsim/scorer.ts';
import { toInt4Block } from '../maxsim/int4.ts';
import { randomBlock } from '../maxsim/testing/random-blocks.ts';
import { createWasmScorer } from '../maxsim/wasm.ts';
import type { VectorBlock } from '../maxsim/scorer.ts';
import type { BlockInfo, IndexStore } from '../store/index-store.ts';
import { calibrate, quickest, storedVectors, tokensWorthMeasuring } from './scorer-choice.ts';
import type { Memory, StoredVectors } from './scorer-choice.ts';

function createMemory(): Memory & { readonly kept: Map<string, unknown> } {
  const kept = new Map<string, unknown>();
  return {
    kept,
    recall: (key) => Promise.resolve(kept.get(key)),
    remember: (key, value) => Promise.resolve(void kept.set(key, value)),
  };
}

const block = randomBlock(1, 16, [900, 1, 600]);
const stored = (numTokens = tokensWorthMeasuring): StoredVectors => ({
  numTokens,
  sample: () => Promise.resolve(block),
});
const makers = { js: () => Promise.resolve(createReferenceScorer()), wasm: () => createWasmScorer() };

describe('calibrate', () => {
  test('finds the quicker one, on the vectors that are here, and leaves nothing behind', async () => {
    const made: Scorer[] = [];
    const make = async (): Promise<Scorer> => {
      const scorer = await createWasmScorer();
      made.push(scorer);
      return scorer;
    };
    const found = await calibrate('a', stored(), { ...makers, wasm: make }, createMemory());
    expect(found!.figures.map(({ kind }) => kind)).toEqual(['js', 'wasm']);
    expect(quickest(found!).kind).toBe('wasm'); // by a factor of twenty or more
    expect(made.map(({ residentBytes }) => residentBytes)).toEqual([0]);
  });

  test('measures once, again with ten times as much, and for each device', async () => {
    const memory = createMemory();
    const sample = vi.fn(() => Promise.resolve(block));
    const at = (numTokens: number): StoredVectors => ({ numTokens, sample });
    const first = await calibrate('a', at(30_000), makers, memory);
    expect(await calibrate('a', at(299_999), makers, memory)).toEqual(first);
    expect(await calibrate('a', at(0), makers, memory)).toEqual(first);
    expect(sample).toHaveBeenCalledTimes(1);
    expect((await calibrate('a', at(300_000), makers, memory))!.numTokens).toBe(300_000);
    await calibrate('b', at(30_000), makers, memory);
    expect(sample).toHaveBeenCalledTimes(3);
    expect([...memory.kept.keys()]).toEqual(['a', 'b']);
  });

  test('measures nothing where there is little, and nothing that cannot be read', async () => {
    const memory = createMemory();
    expect(await calibrate('a', stored(tokensWorthMeasuring - 1), makers, memory)).toBeNull();
    const unreadable = { numTokens: 1e6, sample: () => Promise.resolve(null) };
    expect(await calibrate('a', unreadable, makers, memory)).toBeNull();
    expect(memory.kept.size).toBe(0);
  });

  test('goes on without one that fails', async () => {
    const failing = { ...makers, webgpu: () => Promise.reject(new Error('no device')) };
    const found = await calibrate('a', stored(), failing, createMemory());
    expect(found!.figures.map(({ kind }) => kind)).toEqual(['js', 'wasm']);
    expect(await calibrate('b', stored(), { webgpu: failing.webgpu }, createMemory())).toBeNull();
  });

  test('takes no notice of what it does not understand', async () => {
    const memory = createMemory();
    for (const odd of [7, { numTokens: 'many', figures: [] }, { numTokens: 1e9, figures: [] }]) {
      memory.kept.set('a', odd);
      expect((await calibrate('a', stored(), makers, memory))!.figures).toHaveLength(2);
    }
  });
});

describe('storedVectors', () => {
  const storeOf = (blocks: readonly VectorBlock[]): Pick<IndexStore, 'blocks' | 'block'> => ({
    blocks: () => Promise.resolve(blocks.map(({ id, offsets }) => ({ id, numTokens: offsets.at(-1)! }) as BlockInfo)),
    block: (id) => Promise.resolve(blocks.find((block) => block.id === id)!),
  });
  const small = randomBlock(2, 16, [3]);

  test('gives the largest block as it is to be held', async () => {
    const asStored = await storedVectors(storeOf([small, block]), 'stored');
    expect(asStored.numTokens).toBe(1504);
    expect(await asStored.sample()).toEqual(block);
    const packed = await (await storedVectors(storeOf([small, block]), 'int4')).sample();
    expect(packed).toEqual(toInt4Block(block));
    const measured = await calibrate(
      'a',
      { numTokens: tokensWorthMeasuring, sample: () => Promise.resolve(packed) },
      makers,
      createMemory(),
    );
    expect(measured!.figures).toHaveLength(2);
  });

  test('gives none where there is none, or not one of int8 to make four bits of', async () => {
    expect(await (await storedVectors(storeOf([]), 'int4')).sample()).toBeNull();
    const floats = randomBlock(1, 16, [3], { precision: 'f32' });
    expect(await (await storedVectors(storeOf([floats]), 'int4')).sample()).toBeNull();
    expect(await (await storedVectors(storeOf([floats]), 'stored')).sample()).toEqual(floats);
  });
});
