/** The shared suite on several threads, and what happens when one of them does not live. */
import { describe, expect, it, vi } from 'vitest';
import { toInt4Block } from './int4.ts';
import { createReferenceScorer } from './reference.ts';
import { randomBlock, randomQuery } from './testing/random-blocks.ts';
import { scorerSuite } from './testing/scorer-suite.ts';
import type { ThreadWorker } from './threads.ts';
import { createWasmScorer } from './wasm.ts';

const createThread = (): Worker =>
  new Worker(new URL('../../workers/maxsim.worker.ts', import.meta.url), { type: 'module' });

scorerSuite('wasm, three threads', () => createWasmScorer({ threads: 3, createThread, calibrate: false }));
scorerSuite('wasm, two threads, plain SIMD', () =>
  createWasmScorer({ int8: 'plain', threads: 2, createThread, calibrate: false }),
);

describe('threads', () => {
  /** Enough tokens to be shared: 60,000 in chunks of 1 to 299. */
  const block = randomBlock(
    5,
    32,
    Array.from({ length: 400 }, (_, i) => 1 + ((i * 149) % 299)),
  );

  async function expected(rows: number): Promise<Float32Array> {
    const reference = createReferenceScorer();
    await reference.load(block);
    return reference.score(randomQuery(6, rows, 32));
  }

  /** 2,300 rows, so two passes: as packed rows of 32 components 2,048 fit. */
  const batch = [32, 32, 1, 700, 700, 800, 35].map((numRows, i) => randomQuery(i, numRows, 32));

  async function expectedBatch(): Promise<Float32Array[]> {
    const scorer = await createWasmScorer({ int8: 'plain' });
    await scorer.load(block);
    return Promise.all(batch.map((query) => scorer.score(query)));
  }

  it('share a search, and its sums are those of one', async () => {
    const posted = vi.fn();
    const scorer = await createWasmScorer({
      ...{ threads: 2, calibrate: false },
      createThread: () => watched(createThread(), posted),
    });
    await scorer.load(randomBlock(7, 32, [40], { id: 'few' }));
    expect([scorer.threads, posted.mock.calls.length]).toEqual([1, 0]); // not worth a thread
    await scorer.unload('few');
    await scorer.load(block);
    expect(scorer.threads).toBe(2);
    const query = randomQuery(6, 32, 32);
    const scores = await expected(32);
    for (let round = 0; round < 20; round++) expect(await scorer.score(query)).toEqual(scores);
    expect(posted.mock.calls.map(([message]) => (message as { type: string }).type)).toEqual([
      'start',
      ...Array.from({ length: 20 }, () => 'work'),
    ]);
    const selection = Uint32Array.from({ length: 380 }, (_, i) => i + 7);
    expect(await scorer.score(query, selection)).toEqual(scores.slice(7, 387));
    scorer.destroy();
  });

  it.each(['plain', 'relaxed'] as const)('unpack four bits a component each for itself: %s', async (int8) => {
    const scorer = await createWasmScorer({ int8, threads: 2, createThread, calibrate: false });
    const reference = createReferenceScorer();
    for (const each of [scorer, reference]) await each.load(toInt4Block(block));
    expect(scorer.threads).toBe(2);
    const query = randomQuery(6, 32, 32);
    expect(await scorer.score(query)).toEqual(await reference.score(query));
    scorer.destroy();
  });

  it('take one search after another, and blocks come and go between', async () => {
    const scorer = await createWasmScorer({ threads: 3, createThread, calibrate: false });
    await scorer.load({ ...block, id: 'first' });
    const query = randomQuery(6, 32, 32);
    const scores = await expected(32);
    const [one, , two, , three] = await Promise.all([
      scorer.score(query),
      scorer.load({ ...block, id: 'second' }),
      scorer.score(query),
      scorer.unload('first'),
      scorer.score(query),
    ]);
    expect(one).toEqual(scores);
    expect(two).toEqual(Float32Array.from([...scores, ...scores]));
    expect(three).toEqual(scores);
    scorer.destroy();
  });

  it('are as many as are quickest, and say by which figures', async () => {
    const scorer = await createWasmScorer({ threads: 3, createThread });
    expect(scorer.threadFigures).toEqual([]);
    await scorer.load(block);
    expect(scorer.threadFigures.map(({ threads }) => threads)).toEqual([1, 2, 3]);
    const quickest = Math.max(...scorer.threadFigures.map(({ tokensPerSecond }) => tokensPerSecond));
    const own = scorer.threadFigures.find(({ threads }) => threads === scorer.threads)!.tokensPerSecond;
    expect(own).toBeGreaterThanOrEqual(quickest * 0.85); // fewer, where more bring next to nothing
    expect(await scorer.score(randomQuery(6, 32, 32))).toEqual(await expected(32));
    scorer.destroy();
  });

  it('that do not start are done without', async () => {
    const broken = (): Worker => new Worker(URL.createObjectURL(new Blob(['throw new Error("no")'])));
    const scorer = await createWasmScorer({ threads: 2, createThread: broken });
    await scorer.load(block);
    expect(scorer.threads).toBe(1);
    expect(await scorer.score(randomQuery(6, 32, 32))).toEqual(await expected(32));
    scorer.destroy();
  });

  it('are done without where their memory cannot be set aside', async () => {
    const Memory = WebAssembly.Memory;
    vi.spyOn(WebAssembly, 'Memory').mockImplementation(function (descriptor) {
      if (descriptor.shared === true) throw new RangeError('could not allocate memory');
      return new Memory(descriptor);
    });
    const scorer = await createWasmScorer({ threads: 2, createThread });
    vi.restoreAllMocks();
    await scorer.load(block);
    expect(scorer.threads).toBe(1);
    expect(await scorer.score(randomQuery(6, 32, 32))).toEqual(await expected(32));
    scorer.destroy();
  });

  it('share a batch, pass by pass of 2,048 rows', async () => {
    const posted = vi.fn();
    const scorer = await createWasmScorer({
      ...{ threads: 2, calibrate: false },
      createThread: () => watched(createThread(), posted),
    });
    await scorer.load(block);
    posted.mockClear();
    expect(await scorer.scoreBatch(batch)).toEqual(await expectedBatch());
    expect(posted).toHaveBeenCalledTimes(2);
    // Each too little for two threads, but not together.
    const selection = Uint32Array.of(...Array(40).keys());
    const few = Array.from({ length: 8 }, (_, i) => randomQuery(i, 32, 32));
    posted.mockClear();
    const scores = await scorer.scoreBatch(few, selection);
    expect(posted).toHaveBeenCalledTimes(1);
    for (const [i, query] of few.entries()) expect(await scorer.score(query, selection)).toEqual(scores[i]);
    expect(posted).toHaveBeenCalledTimes(1);
    scorer.destroy();
  });

  it.each([
    ['a search', 1],
    ['the first pass of a batch', 1],
    ['the second pass of a batch', 2],
  ])('that die in the middle of %s leave the rest to the others, and nothing is wrong', async (what, dieAt) => {
    let worked = 0;
    let kill = (): void => undefined;
    const dying = (): ThreadWorker => {
      const worker = createThread();
      const listeners: (() => void)[] = [];
      kill = () => {
        worker.terminate();
        for (const listener of listeners) listener();
      };
      return {
        postMessage(message) {
          if (message.type === 'work' && ++worked === dieAt) kill();
          else worker.postMessage(message);
        },
        addEventListener(type: string, listener: (event: { readonly data: unknown }) => void) {
          if (type === 'error') listeners.push(() => listener({ data: undefined }));
          worker.addEventListener(type as 'message', listener);
        },
        terminate: () => worker.terminate(),
      };
    };
    const scorer = await createWasmScorer({ threads: 2, createThread: dying, calibrate: false });
    await scorer.load(block);
    expect(scorer.threads).toBe(2);
    const search = async (): Promise<void> => {
      if (what === 'a search') expect(await scorer.score(randomQuery(6, 32, 32))).toEqual(await expected(32));
      else expect(await scorer.scoreBatch(batch)).toEqual(await expectedBatch());
    };
    await search();
    expect(scorer.threads).toBe(1);
    await search();
    scorer.destroy();
  });
});

/** Tells of each message that the worker is sent. */
function watched(worker: Worker, posted: (message: unknown) => void): Worker {
  const post = worker.postMessage.bind(worker);
  worker.postMessage = (message: unknown) => {
    posted(message);
    post(message);
  };
  return worker;
}
