import { describe, expect, test, vi } from 'vitest';
import { createReferenceScorer } from '../maxsim/reference.ts';
import type { Scorer } from '../maxsim/scorer.ts';
import { randomBlock } from '../maxsim/testing/random-blocks.ts';
import { createWasmScorer } from '../maxsim/wasm.ts';
import { calibrate, quickest, tokensWorthMeasuring, type Memory, type StoredVectors } from './scorer-choice.ts';

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
