/** Models on their way here, with a service in memory that does what a test says. */
import { beforeEach, describe, expect, test } from 'vitest';
import { LateralError } from '../../errors.ts';
import type { LateralModels, ModelInfo, Progress } from '../../index.ts';
import { unlisted } from './describe.ts';
import { Preparer } from './preparer.ts';

const model: ModelInfo = {
  ...unlisted({ model: 'maker/model', title: 'maker/model', kind: 'download' }),
  downloadBytes: 1000,
};
const downloading = (done: number): Progress => ({ phase: 'downloading', done, total: 1000, unit: 'bytes' });

/** One call of the service, for as long as the test lets it run. */
interface Call {
  readonly options: { readonly dim?: number; readonly consent?: boolean };
  readonly progress: (progress: Progress) => void;
  readonly end: (result: ModelInfo | LateralError) => void;
}

let list: readonly ModelInfo[];
let calls: Call[];
let kept: number;
let preparer: Preparer;

beforeEach(() => {
  list = [model];
  calls = [];
  kept = 0;
  preparer = new Preparer(
    () => service,
    () => kept++,
  );
});

const service: LateralModels = {
  list: () => Promise.resolve(list),
  plan: () => Promise.reject(new LateralError('internal', 'Not in this test.')),
  prepare: (_, { signal, onProgress = () => undefined, ...options } = {}) =>
    new Promise((resolve, reject) => {
      calls.push({
        options,
        progress: onProgress,
        end: (result) => (result instanceof LateralError ? reject(result) : resolve(result)),
      });
      signal?.addEventListener('abort', () => reject(new LateralError('aborted', 'Stopped on request.')));
    }),
  importFolder: (_, options) => service.prepare('', options),
  discardImport: (id) => {
    list = list.map((one) => (one.id === id ? { ...one, interrupted: null } : one));
    return Promise.resolve(300);
  },
  remove: (id) => {
    list = list.filter((one) => one.id !== id);
    return Promise.resolve(700);
  },
  close: () => undefined,
};

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
const shown = () => preparer.state().preparations.get(model.id) ?? null;

describe('a download', () => {
  test('shows how far it is, then is ready', async () => {
    const done = preparer.prepare(model, { consent: true });
    expect(shown()).toMatchObject({ title: model.title, progress: null, problem: null });
    expect(kept).toBe(1); // the browser is asked not to clear it

    calls[0]!.progress(downloading(250));
    expect(shown()!.progress).toEqual(downloading(250));

    list = [{ ...model, state: 'ready' }];
    calls[0]!.end(list[0]!);
    await done;
    expect(shown()).toBeNull();
    expect(preparer.state().list![0]!.state).toBe('ready'); // never a moment in which neither is shown
    expect(preparer.state().finished.has(model.id)).toBe(true);
  });

  test('is asked for once, however often a button is pressed', async () => {
    const done = preparer.prepare(model);
    void preparer.prepare(model);
    expect(calls).toHaveLength(1);
    calls[0]!.end(model);
    await done;
  });

  test('stopped by a person says nothing went wrong, and the list has what is kept', async () => {
    const done = preparer.prepare(model);
    calls[0]!.progress(downloading(400));
    list = [{ ...model, state: 'partial', presentBytes: 400 }];
    preparer.cancel(model.id);
    await done;
    expect(shown()).toBeNull();
    expect(preparer.state().list![0]).toMatchObject({ state: 'partial', presentBytes: 400 });
  });

  test('that fails says why until it is dismissed; going on repeats what was agreed to', async () => {
    const done = preparer.prepare(model, { dim: 64, consent: true });
    calls[0]!.end(new LateralError('storage-full', 'No room.', { details: { neededBytes: 5, freeBytes: 1 } }));
    await done;
    expect(shown()!.problem).toEqual({
      code: 'storage-full',
      message: 'No room.',
      details: { neededBytes: 5, freeBytes: 1 },
    });

    const again = preparer.prepare(model);
    expect(shown()!.problem).toBeNull();
    expect(calls[1]!.options).toEqual({ dim: 64, consent: true });
    calls[1]!.end(new LateralError('download-interrupted', 'Broken.'));
    await again;
    preparer.dismiss(model.id);
    expect(shown()).toBeNull();
  });

  test('that runs cannot be dismissed', async () => {
    const done = preparer.prepare(model);
    preparer.dismiss(model.id);
    expect(shown()).not.toBeNull();
    calls[0]!.end(model);
    await done;
  });

  test('progress that comes after a cancel is not shown', async () => {
    const done = preparer.prepare(model);
    preparer.cancel(model.id);
    calls[0]!.progress(downloading(900));
    expect(shown()).toMatchObject({ progress: null, stopping: true });
    await done;
  });
});

test('several go on side by side', async () => {
  const other = { ...model, id: 'maker/other', title: 'maker/other' };
  const both = [preparer.prepare(model), preparer.prepare(other)];
  preparer.cancel(other.id);
  await both[1];
  expect([...preparer.state().preparations.keys()]).toEqual([model.id]);
  calls[0]!.end(model);
  await both[0];
});

test('a check that stopped is done again, not taken for done', async () => {
  const done = preparer.prepare(model, { recheck: true });
  calls[0]!.end(new LateralError('out-of-memory', 'No room.'));
  await done;
  expect(shown()).toMatchObject({ kind: 'check', problem: { code: 'out-of-memory' } });
  const again = preparer.goOn(model);
  expect(calls[1]!.options).toMatchObject({ recheck: true });
  calls[1]!.end(model);
  await again;
  void preparer.goOn(model);
  expect(calls[2]!.options).not.toHaveProperty('recheck');
});

test('a folder goes by its own name', async () => {
  const done = preparer.importFolder({ name: 'mine', files: [] });
  expect(preparer.state().preparations.get('folder:mine')).toMatchObject({ kind: 'folder', title: 'mine' });
  calls[0]!.end(model);
  await done;
});

test('a folder that would take another’s place is asked about first', async () => {
  list = [{ ...model, id: 'folder:mine', state: 'ready' }];
  await preparer.refresh();
  const request = { name: 'mine', files: [] };
  preparer.offerFolder(request);
  expect(preparer.state().dropped).toBe(request);
  expect(calls).toHaveLength(0);
  preparer.forgetFolder();
  preparer.offerFolder({ name: 'another', files: [] });
  expect(preparer.state().dropped).toBeNull();
  expect(calls).toHaveLength(1);
});

test('a folder goes on with an import of its name that was interrupted, without a question', async () => {
  const interrupted = { presentBytes: 400, totalBytes: 1000, complete: false };
  list = [{ ...model, id: 'folder:mine', state: 'partial', presentBytes: 400, interrupted }];
  await preparer.refresh();
  preparer.offerFolder({ name: 'mine', files: [] });
  expect(preparer.state().dropped).toBeNull();
  expect(calls).toHaveLength(1);
  preparer.cancel('folder:mine');
  expect(await preparer.discardImport('folder:mine')).toBe(300);
  expect(preparer.state().list![0]!.interrupted).toBeNull();
});

test('what was deleted is gone from the list', async () => {
  await preparer.refresh();
  expect(await preparer.remove(model.id)).toBe(700);
  expect(preparer.state().list).toEqual([]);
});

test('a list that cannot be read keeps what was known, and says why', async () => {
  await preparer.refresh();
  const broken = () => Promise.reject(new LateralError('storage-unavailable', 'A private window.'));
  const failing = new Preparer(
    () => ({ ...service, list: broken }),
    () => undefined,
  );
  await failing.refresh();
  expect(failing.state()).toMatchObject({ list: null, listProblem: { code: 'storage-unavailable' } });
  await settled();
  expect(preparer.state().list).toEqual([model]);
});
