import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createEncoder } from '../colbert/encoder.ts';
import type { Session } from '../colbert/session-api.ts';
import { embeddedTokenizer } from '../colbert/testing/embedded.ts';
import { openNodeEncoder } from '../engine/node.ts';
import { publishedSelfTest } from './reference-rows.ts';
import { modelEntry, modelName } from './registry.ts';
import { readSelfTest, runSelfTest, type SelfTestFile, textsOf } from './self-test.ts';

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

  test('tells of each text, and ends after the one in which it is cancelled', async () => {
    const cancel = new AbortController();
    let [runs, told] = [0, 0];
    const session: Session = {
      ...device(0),
      run: (...input) => {
        if (++runs === 5) cancel.abort();
        return device(0).run(...input);
      },
    };
    const several: SelfTestFile = {
      ...file,
      cases: [file.cases[0]!, file.cases[0]!],
      orderings: [{ query: 'river', documents: ['sea', 'bread', 'tower'], best: 0 }],
    };
    const started = runSelfTest(createEncoder(tokenizer, { ...config, dim: 2 }, session), several, {
      signal: cancel.signal,
      onText: () => told++,
    });
    await expect(started).rejects.toMatchObject({ code: 'aborted' });
    expect([runs, told, textsOf(several)]).toEqual([5, 5, 6]); // two rows, the question, two of its three answers
  });

  test('other token ids fail, whatever the rows', async () => {
    const other = { ...file, cases: [{ ...file.cases[0]!, inputIds: [1, 2, 3, 4] }] };
    expect(await run(0, other)).toMatchObject({ passed: false, minCosine: -1 });
  });
});

describe('where little is published', () => {
  const [example] = file.cases as [SelfTestFile['cases'][number]];

  test('rows that are not known are not compared, and known ones by their leading components', async () => {
    const some = { ...file, cases: [{ kind: 'document', text: 'river', rows: [[1, 0], null, null, null] }] } as const;
    expect(await run(0.1, some)).toMatchObject({ passed: true });
    expect(await run(0.2, some)).toMatchObject({ passed: false });
    const none = { ...file, cases: [{ ...example, rows: [null, null, null, null] }] };
    expect(await run(0.2, none)).toMatchObject({ passed: true, minCosine: 1 });
  });

  test('a sequence of another length fails', async () => {
    const longer = {
      ...file,
      cases: [{ kind: 'document', text: 'river', rows: [[1, 0], null, null, null, null] }],
    } as const;
    expect(await run(0, longer)).toMatchObject({ passed: false, minCosine: -1 });
  });

  /** One row a text: by its first token, at angles that make documents 0.9, 1 and 0.8 like the query. */
  const angles = new Map(
    [
      ['river', 0],
      ['sea', Math.acos(0.9)],
      ['bread', 0],
      ['tower', Math.acos(0.8)],
    ].map(([word, angle]) => [tokenizer.encode(word as string)[0]!, angle as number]),
  );
  const turning: Session = {
    ...device(0),
    run: (ids, _mask, batch, length) => {
      const angle = angles.get(Number(ids[2])) ?? 0;
      const rows = new Float32Array(batch * length * 2);
      for (let i = 0; i < rows.length; i += 2) rows.set([Math.cos(angle), Math.sin(angle)], i);
      return Promise.resolve({ rows, dim: 2 });
    },
  };
  const ordered = (best: number): SelfTestFile => ({
    ...{ model: 'toy@0', tolerance: { cosine: 0.98 }, cases: [] },
    orderings: [{ query: 'river', documents: ['sea', 'bread', 'tower'], best }],
  });
  const rank = (best: number) => runSelfTest(createEncoder(tokenizer, { ...config, dim: 2 }, turning), ordered(best));

  test('the answer must come first', async () => {
    expect(new Set(angles.keys()).size).toBe(4);
    expect(await rank(1)).toMatchObject({ passed: true });
    expect(await rank(0)).toMatchObject({ passed: false, message: 'The answer to "river" is not ranked first' });
  });

  test('scores that are no numbers do not pass for an order', async () => {
    expect(await run(Number.NaN, ordered(1))).toMatchObject({ passed: false });
  });
});

describe('published', () => {
  test('rows belong to the largest dimension, and the question to all', () => {
    expect(publishedSelfTest('jina-colbert-v2', 'jina-colbert-v2@1', true).cases).toHaveLength(2);
    expect(publishedSelfTest('jina-colbert-v2', 'jina-colbert-v2@1', false)).toMatchObject({
      cases: [],
      orderings: [{ best: 1 }],
    });
    expect(publishedSelfTest('somebody/else', 'somebody/else@1', true).cases).toEqual([]);
  });

  test('our own model puts the answer first', async () => {
    const encoder = await openNodeEncoder(
      'lateral-mini',
      fileURLToPath(new URL('../../public/models', import.meta.url)),
    );
    try {
      expect(
        await runSelfTest(encoder, publishedSelfTest('lateral-mini', modelName(modelEntry('lateral-mini')), true)),
      ).toMatchObject({
        passed: true,
      });
    } finally {
      await encoder.release();
    }
  }, 60_000);
});

test('a self-test of another model is refused', () => {
  expect(readSelfTest(file, 'toy@0')).toBe(file);
  expect(() => readSelfTest(file, 'toy@1')).toThrow('toy@0');
  expect(() => readSelfTest({}, 'toy@0')).toThrow('no cases');
});
