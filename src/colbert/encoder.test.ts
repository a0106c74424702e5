import { describe, expect, test } from 'vitest';
import { createEncoder } from './encoder.ts';
import type { Session } from './session-api.ts';
import { embeddedTokenizer } from './testing/embedded.ts';

const { tokenizer, config } = embeddedTokenizer();
const small = { ...config, dim: 2 };

/** A session whose row for a token is (id + 1, position), so that rows can be told apart; notes the shapes it was given. */
function recordingSession(overrides: Partial<Session> = {}) {
  const shapes: [batch: number, length: number][] = [];
  const session: Session = {
    device: 'wasm',
    threads: 1,
    run(inputIds, _mask, batch, length) {
      shapes.push([batch, length]);
      const rows = new Float32Array(batch * length * 2);
      inputIds.forEach((id, i) => rows.set([Number(id) + 1, i % length], i * 2));
      return Promise.resolve({ rows, dim: 2 });
    },
    release: () => Promise.resolve(),
    ...overrides,
  };
  return { session, shapes };
}

describe('batches', () => {
  test('hold only texts of one padded length, so that no text is padded for another', async () => {
    const { session, shapes } = recordingSession();
    const encoder = createEncoder(tokenizer, small, session, { batchTokens: 64 });
    const results = await encoder.encodeDocuments(['river', 'the river '.repeat(20), 'water', 'city', 'sea']);
    //                       4 tokens padded to 16; 43 tokens padded to 48
    expect(shapes).toEqual([
      [1, 48],
      [4, 16],
    ]);
    expect(results.map(({ numTokens }) => numTokens)).toEqual([4, 43, 4, 4, 4]);
  });

  test('results come in the order given, without padding, as unit rows', async () => {
    const { session } = recordingSession();
    const encoder = createEncoder(tokenizer, small, session);
    const texts = ['river', 'the old harbour', 'a'];
    const results = await encoder.encodeDocuments(texts);
    results.forEach(({ rows, sequence }, i) => {
      expect(sequence.inputIds.slice(2, -1)).toEqual(tokenizer.encode(texts[i]!));
      const [x, y] = [sequence.inputIds[2]! + 1, 2];
      expect(rows[4]).toBeCloseTo(x / Math.hypot(x, y), 6);
      for (let row = 0; row < rows.length; row += 2) expect(Math.hypot(rows[row]!, rows[row + 1]!)).toBeCloseTo(1, 6);
    });
  });

  test('rows of punctuation are dropped from documents', async () => {
    const encoder = createEncoder(tokenizer, small, recordingSession().session);
    const [plain, marked] = await encoder.encodeDocuments(['old harbour', 'old, harbour!']);
    expect(marked!.numTokens).toBe(plain!.numTokens);
  });
});

test('a query goes before waiting documents', async () => {
  const order: string[] = [];
  const { session } = recordingSession({
    run: (_ids, _mask, batch, length) => {
      order.push(length === 32 ? 'query' : 'documents');
      return Promise.resolve({ rows: new Float32Array(batch * length * 2).fill(1), dim: 2 });
    },
  });
  const encoder = createEncoder(tokenizer, small, session, { batchTokens: 16, quietMs: 0 });
  const documents = encoder.encodeDocuments(['a', 'b']);
  const query = encoder.encodeQuery('harbour');
  await Promise.all([documents, query]);
  expect(order).toEqual(['query', 'documents', 'documents']);
});

test('a query that comes while a batch holds the thread goes before the next batch', async () => {
  const order: string[] = [];
  let query: Promise<unknown> | undefined;
  const { session } = recordingSession({
    run: (_ids, _mask, batch, length) => {
      order.push(length === 32 ? 'query' : 'documents');
      // Like a message that the page sends meanwhile: it waits in the thread's queue until the run is over.
      if (query === undefined) setTimeout(() => void (query = encoder.encodeQuery('harbour')), 0);
      return Promise.resolve({ rows: new Float32Array(batch * length * 2).fill(1), dim: 2 });
    },
  });
  const encoder = createEncoder(tokenizer, small, session, { batchTokens: 16, quietMs: 0 });
  await encoder.encodeDocuments(['a', 'b', 'c']);
  await query;
  expect(order).toEqual(['documents', 'query', 'documents', 'documents']);
});

test('documents wait while queries keep coming, but not for ever', async () => {
  const order: string[] = [];
  const { session } = recordingSession({
    run: (_ids, _mask, batch, length) => {
      order.push(length === 32 ? 'query' : 'documents');
      return Promise.resolve({ rows: new Float32Array(batch * length * 2).fill(1), dim: 2 });
    },
  });
  const encoder = createEncoder(tokenizer, small, session, { batchTokens: 16, quietMs: 60_000, longestWaitMs: 50 });
  await encoder.encodeQuery('harbour');
  const documents = encoder.encodeDocuments(['a']);
  while (!order.includes('documents')) await encoder.encodeQuery('harbour'); // ends because documents get their turn
  await documents;
  expect(order.slice(0, 3)).toEqual(['query', 'query', 'query']);
  expect(order.filter((kind) => kind === 'documents')).toHaveLength(1);
});

test('a failed run does not stop the next', async () => {
  let runs = 0;
  const { session } = recordingSession({
    run: (_ids, _mask, batch, length) =>
      ++runs === 1
        ? Promise.reject(new Error('once'))
        : Promise.resolve({ rows: new Float32Array(batch * length * 2).fill(1), dim: 2 }),
  });
  const encoder = createEncoder(tokenizer, small, session);
  await expect(encoder.encodeQuery('a')).rejects.toThrow('once');
  await expect(encoder.encodeQuery('a')).resolves.toMatchObject({ numTokens: 32 });
});

test('it is let go of behind the run that is under way, and before what waits', async () => {
  const order: string[] = [];
  let release: Promise<void> | undefined;
  const { session } = recordingSession({
    async run(_ids, _mask, batch, length) {
      order.push('begun');
      release ??= encoder.release();
      await new Promise((resolve) => setTimeout(resolve, 20));
      order.push('done');
      return { rows: new Float32Array(batch * length * 2).fill(1), dim: 2 };
    },
    release: () => Promise.resolve(void order.push('released')),
  });
  const encoder = createEncoder(tokenizer, small, session, { batchTokens: 16, quietMs: 0 });
  await encoder.encodeDocuments(['a', 'b']);
  await release;
  expect(order).toEqual(['begun', 'done', 'released', 'begun', 'done']);
});

test('an abort stops between batches', async () => {
  const { session, shapes } = recordingSession();
  const controller = new AbortController();
  const encoder = createEncoder(tokenizer, small, session, { batchTokens: 16 });
  const work = encoder.encodeDocuments(['a', 'b', 'c'], {
    signal: controller.signal,
    onBatch: () => controller.abort(),
  });
  await expect(work).rejects.toMatchObject({ code: 'aborted' });
  expect(shapes).toHaveLength(1);
});

test('a graph without the projection is refused by its output dimension', async () => {
  const encoder = createEncoder(tokenizer, { ...config, dim: 128 }, recordingSession().session);
  await expect(encoder.encodeQuery('a')).rejects.toMatchObject({ code: 'model-invalid' });
});
