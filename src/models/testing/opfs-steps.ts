/** What the browser tests do with the private file system: the same steps in a page and in a worker. Plain values in and out. */
import { createWebLocks } from '../../engine/tab-locks.ts';
import { piecesOf } from '../byte-source.ts';
import { createDigest } from '../digest.ts';
import { downloadModel, importFolder, planDownload, pathSource, createModelStore, type ModelStore } from '../hub.ts';
import type { ByteFolder } from '../kept/byte-folders.ts';
import { createOpfsFolders } from '../kept/opfs-folders.ts';
import { quantizeStored } from '../quantize-stored.ts';

export const mebibyte = 2 ** 20;

export const steps = {
  /** Writes 2 MiB and a bit, and cuts the bit off. @returns the sizes meanwhile */
  async write(root: string): Promise<readonly number[]> {
    const sink = await (await folder(root)).sink('weights');
    const sizes = [sink.size];
    for (const fill of [1, 2, 3]) await sink.append(new Uint8Array(mebibyte).fill(fill));
    sizes.push(sink.size);
    await sink.truncate(2 * mebibyte);
    await sink.flush();
    sizes.push(sink.size);
    await sink.append(Uint8Array.of(7, 8, 9));
    await sink.close();
    await sink.close();
    return sizes;
  },

  /** Opens the file again, at its end. @returns where that was */
  async goOn(root: string): Promise<number> {
    const sink = await (await folder(root)).sink('weights');
    const { size } = sink;
    await sink.append(Uint8Array.of(10));
    await sink.flush();
    await sink.close();
    return size;
  },

  async read(root: string): Promise<{ size: number; end: number[]; middle: number[]; listed: unknown }> {
    const opened = await folder(root);
    const source = await opened.source('weights');
    return {
      size: source.size,
      end: [...(await source.read(source.size - 5, 5))],
      middle: [...(await source.read(mebibyte - 1, 2))],
      listed: await opened.list(),
    };
  },

  /** Opens a file that is open. */
  async openTwice(root: string): Promise<void> {
    const opened = await folder(root);
    const first = await opened.sink('weights');
    try {
      await (await opened.sink('weights')).close();
    } finally {
      await first.close();
    }
  },

  /** Writes at places of a file, beyond its end too, and reads them. @returns its bytes, and its size once it was cut */
  async places(root: string): Promise<{ bytes: number[]; size: number }> {
    const file = await (await folder(root)).file('places');
    try {
      await file.write(4, Uint8Array.of(4, 5));
      await file.write(1, Uint8Array.of(1));
      const bytes = [...(await file.read(0, file.size))];
      await file.truncate(3);
      await file.flush();
      return { bytes, size: file.size };
    } finally {
      await file.close();
      await file.close();
    }
  },

  /** Quantises a model of the fixtures that was dropped as a folder. @returns SHA-256 of what was made */
  async quantize(root: string): Promise<readonly string[]> {
    const store = storeIn(root);
    const onnx = 'onnx/xlmr-rotary-script-17.onnx';
    const fetched = async (path: string) => ({
      path: `mine/onnx/${path}`,
      blob: await (await fetch(`/fixtures/quantize/${path}`)).blob(),
    });
    const rest = ['config.json', 'tokenizer.json'].map((path) => ({
      path: `mine/${path}`,
      blob: new Blob(['{"model":{}}']),
    }));
    const weights = [await fetched('xlmr-rotary-script-17.onnx'), await fetched('xlmr-rotary-script-17.onnx_data')];
    const { key } = await importFolder([...rest, ...weights], { store, name: 'mine' });
    const { derived } = await quantizeStored(store, key, { onnx, minElements: 256 });
    return derived.map(({ sha256 }) => sha256);
  },

  async missing(root: string): Promise<void> {
    await (await folder(root)).source('nothing');
  },

  async remove(root: string): Promise<readonly string[]> {
    const folders = createOpfsFolders({ root });
    await (await folder(root)).remove('weights');
    await (await folder(root)).remove('weights');
    await folders.remove('model');
    await folders.remove('model');
    return folders.list();
  },

  /** The model that comes with Lateral, over HTTP. Stops at `stopAt` bytes, if it is given. @returns the files' SHA-256 as kept */
  async download(root: string, stopAt?: number): Promise<Record<string, string>> {
    const store = storeIn(root);
    const source = pathSource('/models/lateral-mini', location.origin);
    const plan = await planDownload(source, { store, files: ['onnx/model_q4.onnx', 'tokenizer_config.json'] });
    const cancel = new AbortController();
    const model = await downloadModel(plan, {
      store,
      signal: cancel.signal,
      reportEveryMs: 0,
      onProgress: ({ done }) => stopAt !== undefined && done >= stopAt && cancel.abort(),
    });
    const digests: Record<string, string> = {};
    for (const { path } of model.files) {
      const digest = await createDigest('sha256');
      for await (const piece of piecesOf(await store.open(model.key, path))) digest.update(piece);
      digests[path] = digest.hex();
    }
    return digests;
  },

  async states(root: string): Promise<readonly string[]> {
    const [model] = await storeIn(root).list();
    return model?.files.map(({ path, state }) => `${path}: ${state}`) ?? [];
  },
};

export type StepName = keyof typeof steps;

function folder(root: string): Promise<ByteFolder> {
  return createOpfsFolders({ root }).open('model');
}

function storeIn(root: string): ModelStore {
  return createModelStore(createOpfsFolders({ root }), createWebLocks(navigator.locks));
}
