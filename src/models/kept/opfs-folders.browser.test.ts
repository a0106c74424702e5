/** The browser's private file system, from a page (streams) and from a worker (synchronous handles). */
import { afterAll, describe, expect, test } from 'vitest';
import { fromWireError } from '../../errors.ts';
import { mebibyte, steps, type StepName } from '../testing/opfs-steps.ts';
import type { StepAnswer, StepCall } from '../testing/opfs-worker.ts';

type Run = (step: StepName, root: string, stopAt?: number) => Promise<unknown>;

const inPage: Run = (step, root, stopAt) =>
  (steps[step] as (root: string, stopAt?: number) => Promise<unknown>)(root, stopAt);

/** Each step in a worker of its own, which ends after it: nothing stays in memory. */
const inWorker: Run = (step, root, stopAt) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('../testing/opfs-worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('error', (event) => reject(new Error(event.message)));
    worker.addEventListener('message', (event: MessageEvent<StepAnswer>) => {
      worker.terminate();
      if ('error' in event.data) reject(fromWireError(event.data.error));
      else resolve(event.data.value);
    });
    worker.postMessage({ step, root, stopAt } satisfies StepCall);
  });

/** SHA-256 of the graph and of the weights; src/models/quantize-stored.test.ts holds Node to the same. */
const quantizedInNode = [
  '1e3c807cac664c98aaefb59a56eee83a77cd6e9c291f809a30c1fd4e0103a7aa',
  'e232a50e37442ac75b20d13b680529b3771422192e29eb4ea25ad335cff7bbb5',
];

const roots: string[] = [];
function newRoot(): string {
  const root = `test-${String(Date.now())}-${String(roots.length)}`;
  roots.push(root);
  return root;
}
afterAll(async () => {
  const origin = await navigator.storage.getDirectory();
  for (const root of roots) await origin.removeEntry(root, { recursive: true }).catch(() => undefined);
});

describe.each([
  ['a page', inPage],
  ['a worker', inWorker],
])('files from %s', (where, run) => {
  test('are written, opened again at their end, read, and deleted', async () => {
    const root = newRoot();
    expect(await run('write', root)).toEqual([0, 3 * mebibyte, 2 * mebibyte]);
    expect(await run('goOn', root)).toBe(2 * mebibyte + 3);
    expect(await run('read', root)).toEqual({
      size: 2 * mebibyte + 4,
      end: [2, 7, 8, 9, 10],
      middle: [1, 2],
      listed: [{ name: 'weights', size: 2 * mebibyte + 4 }],
    });
    await expect(run('missing', root)).rejects.toMatchObject({ code: 'not-found' });
    expect(await run('remove', root)).toEqual([]);
  });

  test('of a model are downloaded, also in two goes', async () => {
    const root = newRoot();
    await expect(run('download', root, 100_000)).rejects.toMatchObject({ code: 'aborted' });
    expect(await run('states', root)).toEqual(['tokenizer_config.json: whole', 'onnx/model_q4.onnx: partial']);
    expect(await run('download', root)).toEqual({
      'tokenizer_config.json': await published('tokenizer_config.json'),
      'onnx/model_q4.onnx': await published('onnx/model_q4.onnx'),
    });
    expect(await run('states', root)).toEqual(['tokenizer_config.json: whole', 'onnx/model_q4.onnx: whole']);
  });

  if (where === 'a page') {
    test('cannot be written at any place', async () => {
      await expect(run('places', newRoot())).rejects.toMatchObject({ code: 'storage-unavailable' });
    });
  }

  if (where === 'a worker') {
    test('are written and read at any place', async () => {
      expect(await run('places', newRoot())).toEqual({ bytes: [0, 1, 0, 0, 4, 5], size: 3 });
    });

    test('are quantised: in the browser to the same bytes as in Node', async () => {
      const made = await run('quantize', newRoot());
      expect(made).toEqual(quantizedInNode);
    });

    test('have one writer at a time', async () => {
      const root = newRoot();
      await run('write', root);
      await expect(run('openTwice', root)).rejects.toMatchObject({ code: 'model-busy' });
      expect(await run('goOn', root)).toBe(2 * mebibyte + 3);
    });
  }
});

test('what a worker wrote, a page reads', async () => {
  const root = newRoot();
  await inWorker('write', root);
  expect(await inPage('read', root)).toMatchObject({ size: 2 * mebibyte + 3, end: [2, 2, 7, 8, 9] });
});

async function published(name: string): Promise<string> {
  const bytes = await (await fetch(`/models/lateral-mini/${name}`)).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
