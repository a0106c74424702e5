/** What the engine does where a model gives no numbers: a toy encoder over the whole engine, so that it can be told when to. */
import { expect, test } from 'vitest';
import { createEncoder, type Encoder } from '../colbert/encoder.ts';
import { embeddedTokenizer } from '../colbert/testing/embedded.ts';
import { createReferenceScorer } from '../maxsim/reference.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { CallContext, Engine } from './engine-api.ts';
import { createEngine } from './engine.ts';
import { createLocalExtraction } from './extraction.ts';

const dim = 128;
const { tokenizer, config } = embeddedTokenizer();
const [zebra] = tokenizer.encode('zebra') as [number];
const context: CallContext = { signal: new AbortController().signal, onProgress: () => undefined };

/** Equal rows for every token; where the word is read, infinities if it is told so. */
function toyEncoder(half: boolean, overflows: boolean): Encoder {
  return createEncoder(
    tokenizer,
    { ...config, dim },
    {
      ...{ device: 'webgpu', half, threads: 1 },
      run(ids, _mask, batch, length) {
        const value = overflows && ids.includes(BigInt(zebra)) ? Infinity : 0.05;
        return Promise.resolve({ rows: new Float32Array(batch * length * dim).fill(value), dim });
      },
      release: () => Promise.resolve(),
    },
    { quietMs: 0 },
  );
}

async function openEngine(first: Encoder): Promise<{ readonly engine: Engine; readonly replaced: string[] }> {
  const replaced: string[] = [];
  const choice = { kind: 'webgpu', forced: false } as const;
  const engine = createEngine({
    openStore: () => Promise.resolve({ store: createMemoryStore('toy'), warning: '' }),
    chooseEncoder: () =>
      Promise.resolve({ encoder: first, choice: { ...choice, half: first.half, reason: '' }, selfTests: [] }),
    chooseScorer: () =>
      Promise.resolve({ scorer: createReferenceScorer(), choice: { kind: 'js', reason: '', forced: false } }),
    replaceEncoder({ code }) {
      replaced.push(code);
      const encoder = toyEncoder(false, false);
      return Promise.resolve({ encoder, choice: { ...choice, half: false, reason: 'overflow' }, selfTests: [] });
    },
    replaceScorer: () => Promise.resolve(null),
    extraction: createLocalExtraction(),
    gpu: () => null,
    runtimeFiles: () => [],
    estimate: () => Promise.resolve({ usageBytes: null, appBytes: null, quotaBytes: null, persisted: null }),
  });
  await engine.open({}, context);
  return { engine, replaced };
}

const files = [
  { name: 'horse.txt', content: 'A horse.' },
  { name: 'zebra.txt', content: 'A zebra.' },
];

test('a text that overflows half precision is read at full precision, and so is all that comes after', async () => {
  const { engine, replaced } = await openEngine(toyEncoder(true, true));
  expect((await engine.status(undefined, context)).encoder).toMatchObject({ half: true });
  const { added, failed } = await engine.add(files, context);
  expect([added.map(({ name }) => name), failed]).toEqual([['horse.txt', 'zebra.txt'], []]);
  expect(replaced).toEqual(['not-finite']);
  expect((await engine.status(undefined, context)).encoder).toMatchObject({ half: false, reason: 'overflow' });
});

const ways: readonly (readonly [string, (engine: Engine) => Promise<number>])[] = [
  [
    'a question',
    async (engine) => {
      await engine.add([files[0]!], context);
      return (await engine.search({ query: 'zebra', options: { match: 'meaning' } }, context)).hits.length;
    },
  ],
  [
    'a text that is embedded',
    async (engine) => (await engine.embed({ texts: ['A zebra.'], options: { inputType: 'document' } }, context)).length,
  ],
  [
    'a document that is ranked',
    async (engine) => (await engine.rerank({ query: 'horse', documents: ['A zebra.'] }, context)).length,
  ],
];

test.each(ways)('so is %s', async (_, use) => {
  const { engine, replaced } = await openEngine(toyEncoder(true, true));
  expect(await use(engine)).toBe(1);
  expect(replaced).toEqual(['not-finite']);
});

test('at full precision nothing is left to change over to: the file fails, and no row of it is stored', async () => {
  const { engine, replaced } = await openEngine(toyEncoder(false, true));
  const { added, failed } = await engine.add(files, context);
  expect(added.map(({ name }) => name)).toEqual(['horse.txt']);
  expect(failed).toMatchObject([{ name: 'zebra.txt', code: 'not-finite' }]);
  expect(replaced).toEqual([]);
  expect((await engine.documents(undefined, context)).map(({ name }) => name)).toEqual(['horse.txt']);
});
