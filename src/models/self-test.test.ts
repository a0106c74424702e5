import { describe, expect, test } from 'vitest';
import { createEncoder } from '../colbert/encoder.ts';
import type { Session } from '../colbert/session-api.ts';
import { embeddedTokenizer } from '../colbert/testing/embedded.ts';
import { readSelfTest, runSelfTest, type SelfTestFile } from './self-test.ts';

const { tokenizer, config } = embeddedTokenizer();

/** A device whose every row is (1, 0), turned by an angle. */
function device(angle: number): Session {
  return {
    device: 'webgpu',
    threads: 1,
    run: (_ids, _mask, batch, length) => {
      const rows = new Float32Array(batch * length * 2);
      for (let i = 0; i < rows.length; i += 2) rows.set([Math.cos(angle), Math.sin(angle)], i);
      return Promise.resolve({ rows, dim: 2 });
    },
    release: () => Promise.resolve(),
  };
}

const file: SelfTestFile = {
  model: 'toy@0',
  tolerance: { cosine: 0.99 },
  cases: [
    {
      kind: 'document',
      text: 'river',
      inputIds: [config.prefixId, config.documentMarkerId, ...tokenizer.encode('river'), config.suffixId],
      rows: Array.from({ length: 4 }, () => [1, 0]),
    },
  ],
};
const run = (angle: number, selfTest = file) =>
  runSelfTest(createEncoder(tokenizer, { ...config, dim: 2 }, device(angle)), selfTest);

describe('runSelfTest', () => {
  test('right numbers pass', async () => {
    expect(await run(0)).toMatchObject({ passed: true, device: 'webgpu' });
    expect((await run(0.1)).minCosine).toBeCloseTo(Math.cos(0.1), 5); // 0.995
  });

  test('wrong numbers fail, with the figure', async () => {
    const report = await run(0.2); // cosine 0.980
    expect(report.passed).toBe(false);
    expect(report.message).toContain('0.9801');
  });

  test('no numbers fail', async () => expect((await run(Number.NaN)).passed).toBe(false));

  test('other token ids fail, whatever the rows', async () => {
    const other = { ...file, cases: [{ ...file.cases[0]!, inputIds: [1, 2, 3, 4] }] };
    expect(await run(0, other)).toMatchObject({ passed: false, minCosine: -1 });
  });
});

test('a self-test of another model is refused', () => {
  expect(readSelfTest(file, 'toy@0')).toBe(file);
  expect(() => readSelfTest(file, 'toy@1')).toThrow('toy@0');
  expect(() => readSelfTest({}, 'toy@0')).toThrow('no cases');
});
