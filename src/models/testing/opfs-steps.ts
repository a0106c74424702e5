/** What the browser tests do with the private file system: the same steps in a page and in a worker. Plain values in and out. */
import { createWebLocks } from '../../engine/tab-locks.ts';
import { piecesOf } from '../byte-source.ts';
import { createDigest } from '../digest.ts';
import { downloadModel, planDownload, pathSource, createModelStore, type ModelStore } from '../hub.ts';
import type { ByteFolder } from '../kept/byte-folders.ts';
import { createOpfsFolders } from '../kept/opfs-folders.ts';

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
    const plan = await planDownload(source, { store, files: ['tokenizer.json', 'tokenizer_config.json'] });
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
