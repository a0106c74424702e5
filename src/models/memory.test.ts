import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  fitsInTab,
  loadingMemory,
  modelShape,
  requireMemory,
  sessionMemory,
  weightBytes,
  type SessionSize,
} from './memory.ts';

const config = new URL('../../public/models/lateral-mini/config.json', import.meta.url);
const mini = modelShape(JSON.parse(readFileSync(config, 'utf8')));
const miniSize = { ...mini, weightsBytes: 19_957_834 };
/** Plain exports: six layers of 384, and two of 1,024 with a small vocabulary; nothing fused. */
const plain = { layers: 6, hidden: 384, heads: 12, intermediate: 1536, weightsBytes: 89_678_890 };
const wide = { layers: 2, hidden: 1024, heads: 16, intermediate: 4096, weightsBytes: 134_074_129 };

describe('sessionMemory', () => {
  // The heap of ONNX Runtime Web 1.30 in Node after a run, which never shrinks and grows in steps of up to a fifth.
  test.each<[string, Omit<SessionSize, 'length'>, readonly (readonly [length: number, megabytes: number])[]]>([
    ['full attention, 384 wide', plain, [[256, 252], [1024, 303], [2048, 639], [4096, 1847]]], // prettier-ignore
    ['full attention, 1,024 wide', wide, [[256, 366], [1024, 439], [2048, 982], [3072, 1670]]], // prettier-ignore
    ['a sliding window', miniSize, [[256, 61], [512, 74], [1024, 106], [2048, 183], [4096, 269], [8192, 587]]], // prettier-ignore
  ])('%s: as measured', (_, size, measured) => {
    for (const [length, megabytes] of measured) {
      const estimate = sessionMemory({ ...size, length }) / 1e6;
      expect(estimate / megabytes, `${length} tokens: ${estimate} MB of ${megabytes}`).toBeGreaterThan(0.8);
      expect(estimate / megabytes, `${length} tokens: ${estimate} MB of ${megabytes}`).toBeLessThan(1.25);
    }
  });

  test('attention grows with the square of the length, unless it is fused or sees a window', () => {
    const growth = (size: Partial<SessionSize>): number =>
      sessionMemory({ ...plain, ...size, length: 32_768 }) / sessionMemory({ ...plain, ...size, length: 16_384 });
    expect(growth({})).toBeGreaterThan(3.8);
    expect(growth({ fusedAttention: true })).toBeLessThan(2);
    expect(growth({ slidingWindow: 128 })).toBeLessThan(2);
  });

  test('a batch counts as often as it has sequences', () => {
    const one = sessionMemory({ ...plain, length: 2048 });
    const four = sessionMemory({ ...plain, length: 2048, batch: 4 });
    const rest = 16e6 + 2 * plain.weightsBytes;
    expect(four - rest).toBeCloseTo(4 * (one - rest), 0);
  });

  test('weights that are not given are those of the shape', () => {
    // 5 · (4 · 384² + 2 · 384 · 1536) + 56,000 · 384 values
    expect(weightBytes(mini)).toBe(4 * (5 * (4 * 384 ** 2 + 2 * 384 * 1536) + 56_000 * 384));
    // 4 bits and an f32 for 32 of them: 5 bits a value. The file has 20 MB.
    expect(weightBytes(mini, 4) / miniSize.weightsBytes).toBeCloseTo(0.97, 1);
    expect(sessionMemory({ ...mini, length: 64 })).toBeCloseTo(16e6 + 2.6 * weightBytes(mini), 0);
  });
});

describe('fitsInTab', () => {
  const jina = { layers: 24, hidden: 1024, heads: 16, intermediate: 4096, vocabulary: 250_004, weightsBytes: 446e6 };
  const fits = (size: Omit<SessionSize, 'length'>, length: number): boolean =>
    fitsInTab(sessionMemory({ ...size, length }), 'wasm').fits;

  test('the embedded model reads 8,192 tokens at once, a plain graph does not', () => {
    expect(fits(miniSize, 8192)).toBe(true);
    expect(fits(plain, 4096)).toBe(true);
    expect(fits(plain, 8192)).toBe(false);
    expect(fits(jina, 1024)).toBe(true);
    expect(fits(jina, 8192)).toBe(false);
  });

  test('says how much is needed, and of what', () => {
    expect(fitsInTab(450e6, 'wasm')).toEqual({
      fits: true,
      message: 'It needs about 450 MB of memory; a tab has 3.9 GB for a model.',
    });
    expect(fitsInTab(9.53e9, 'webgpu')).toEqual({
      fits: false,
      message: 'It would need about 9.5 GB of memory; a tab has 3.9 GB for a model.',
    });
    expect(fitsInTab(9.53e9, 'native').fits).toBe(true);
  });
});

describe('modelShape', () => {
  test('of the embedded model', () => {
    expect(mini).toEqual({
      ...{ layers: 5, hidden: 384, heads: 12, intermediate: 1536, vocabulary: 56_000, slidingWindow: 128 },
    });
  });

  test('a window that some layers do not keep to, or that is switched off, does not count', () => {
    const sizes = { num_hidden_layers: 22, hidden_size: 768, num_attention_heads: 12 };
    const shape = { layers: 22, hidden: 768, heads: 12 };
    expect(modelShape({ ...sizes, sliding_window: 128, global_attn_every_n_layers: 3 })).toEqual(shape);
    expect(modelShape({ ...sizes, sliding_window: 128, use_sliding_window: false })).toEqual(shape);
    expect(modelShape({ ...sizes, sliding_window: null })).toEqual(shape);
  });

  test('what lacks a size, or has one that is none, is refused', () => {
    const refused = { code: 'model-invalid' };
    expect(() => modelShape(null)).toThrow(expect.objectContaining(refused) as Error);
    expect(() => modelShape({ num_hidden_layers: 6, hidden_size: 384 })).toThrow('no num_attention_heads');
    expect(() => modelShape({ num_hidden_layers: 6, hidden_size: -1, num_attention_heads: 12 })).toThrow('hidden_size');
  });
});

test('a model that no tab could hold is refused, with figures', () => {
  expect(() => requireMemory(446e6, 'jina-colbert-v2')).not.toThrow();
  expect(loadingMemory(446e6)).toBeLessThan(1.2e9);
  const refused = (): void => requireMemory(1.6e9, 'maker/large');
  expect(refused).toThrow(expect.objectContaining({ code: 'out-of-memory' }) as Error);
  expect(refused).toThrow(/maker\/large is too large .* 4\.2 GB of memory; a tab has 3\.9 GB/);
});
