/**
 * The models that are kept here: which files of each, whether they are whole, and how much room they take. A file counts as
 * whole once its bytes were compared with what is published of them, flushed, and its length read back; only such files
 * can be read.
 */
import { LateralError, throwIfAborted } from '../../errors.ts';
import { piecesOf, type ByteFile, type ByteSink, type ByteSource } from '../byte-source.ts';
import { createDigest } from '../digest.ts';
import { checkPath } from '../hub/source.ts';
import type { ByteFolder, ByteFolders, OpenFile } from './byte-folders.ts';
import { describeModel, isWhole, type StoredModel } from './describe.ts';
import { createModelHold, type HoldModelOptions, type ModelLocks } from './locks.ts';
import { type DerivedRecord, type Manifest, namesListed, readManifest, writeManifest } from './manifest.ts';
import { folderName, nameOf } from './names.ts';

export interface ModelStore {
  /** Those that were used last first. */
  list(): Promise<readonly StoredModel[]>;
  get(key: string): Promise<StoredModel | null>;
  /** A whole file, downloaded or derived. @throws 'model-unavailable' where it is not here, or not whole */
  open(key: string, path: string): Promise<ByteSource>;
  /** Remembers that the model was used now; nothing where others are at work on it. */
  touch(key: string): Promise<void>;
  /**
   * Writes a file made from others, and lists it once it is flushed and read back.
   * @throws 'model-busy', 'storage-full', 'aborted', and what `write` throws; nothing is left behind then
   */
  writeDerived(key: string, file: DerivedFile, write: (sink: ByteSink) => Promise<void>): Promise<StoredModel>;
  /**
   * Makes files of others in a way that can be gone on with: they stay as they are where it ends early, and are opened as they
   * are the next time. Listed, as above, once all are there.
   * @param scratch paths of files that only the making needs: deleted at its end
   * @throws 'model-busy', 'storage-full', 'storage-unavailable', and what `make` throws
   */
  makeDerived(
    key: string,
    files: readonly DerivedFile[],
    scratch: readonly string[],
    make: (open: (path: string) => Promise<ByteFile>) => Promise<void>,
    options?: HoldModelOptions,
  ): Promise<StoredModel>;
  /** Reads every file again. Those that are not what they were count as missing from then on. @returns their paths */
  verify(key: string, options?: VerifyOptions): Promise<readonly string[]>;
  /** Deletes a model. @throws 'model-busy' */
  remove(key: string): Promise<void>;
  /** Deletes what derived files replace. @throws 'model-busy'; 'invalid-argument' where there are none */
  removeReplaced(key: string): Promise<StoredModel>;
  /** Deletes derived files but these: earlier ones, of other options. @throws 'model-busy' */
  keepOnly(key: string, paths: readonly string[]): Promise<StoredModel>;
  /** Deletes files that no manifest lists: what a crash left. Not partial downloads, which can go on. @returns bytes freed */
  cleanUp(): Promise<number>;
  /** The whole way of a model, of which each step takes its files by `work`: by one tab at a time. @throws as `work` */
  alone<T>(key: string, work: () => Promise<T>, options?: HoldModelOptions): Promise<T>;
  /** The model's files for downloads and imports, by one at a time. @throws 'model-busy', 'aborted' while waiting */
  work<T>(key: string, work: (writer: ModelWriter) => Promise<T>, options?: HoldModelOptions): Promise<T>;
}

export interface DerivedFile {
  readonly path: string;
  /** What made it: 'q4-onnx', … */
  readonly kind: string;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** Paths of downloads that are not needed any more once this is there. */
  readonly replaces: readonly string[];
}

export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ModelWriter {
  readonly folder: ByteFolder;
  /** As it was last saved; null for a model that is new. */
  manifest(): Manifest | null;
  /** Resolves once it would survive a crash. */
  save(manifest: Manifest): Promise<void>;
  /** Name in `folder` of the file at `path`. */
  nameOf(path: string): string;
  describe(): Promise<StoredModel>;
}

export function createModelStore(folders: ByteFolders, locks: ModelLocks, now: () => number = Date.now): ModelStore {
  const hold = createModelHold(locks);

  async function find(key: string): Promise<{ folder: ByteFolder; manifest: Manifest } | null> {
    const folder = await folders.find(await folderName(key));
    const manifest = folder === null ? null : await readManifest(folder);
    return folder === null || manifest?.key !== key ? null : { folder, manifest };
  }

  const store: ModelStore = {
    async list() {
      const models: StoredModel[] = [];
      for (const name of await folders.list()) {
        const folder = await folders.find(name);
        const manifest = folder === null ? null : await readManifest(folder);
        if (folder !== null && manifest !== null) models.push(await describeModel(folder, manifest));
      }
      return models.sort((a, b) => b.lastUsedAt - a.lastUsedAt);
    },

    async get(key) {
      const found = await find(key);
      return found === null ? null : describeModel(found.folder, found.manifest);
    },

    async open(key, path) {
      const found = await find(key);
      const record = found === null ? undefined : recordOf(found.manifest, path);
      const source =
        found === null || record === undefined || !isWhole(record, await found.folder.size(nameOf(path)))
          ? null
          : await found.folder.source(nameOf(path));
      if (source === null || source.size !== record?.size) {
        throw new LateralError('model-unavailable', `${path} of ${key} is not here, or not whole. Download it again.`, {
          details: { model: key, file: path },
        });
      }
      return source;
    },

    async touch(key) {
      const touching = store.work(key, async (writer) => {
        const manifest = writer.manifest();
        if (manifest !== null) await writer.save({ ...manifest, lastUsedAt: now() });
      });
      await touching.catch((error: unknown) => {
        if (!(error instanceof LateralError && error.code === 'model-busy')) throw error;
      });
    },

    writeDerived: (key, file, write) =>
      store.work(key, async (writer) => {
        const before = requireManifest(writer.manifest(), key);
        requireFree(before, file.path);
        const others = before.derived.filter(({ path }) => path !== file.path);
        if (others.length < before.derived.length) await writer.save({ ...before, derived: others });
        const record = await writeAndRead(writer, file, write, now());
        await writer.save({ ...before, derived: [...others, record] });
        return writer.describe();
      }),

    makeDerived: (key, made, scratch, make, options) =>
      store.work(
        key,
        async (writer) => {
          const before = requireManifest(writer.manifest(), key);
          const paths = [...made.map(({ path }) => path), ...scratch];
          for (const path of paths) requireFree(before, path);
          const others = before.derived.filter(({ path }) => !paths.includes(path));
          await writer.save({ ...before, derived: others, making: paths });
          await makeAll(writer, paths, make);
          const records: DerivedRecord[] = [];
          for (const file of made) records.push(await readBack(writer, file, now()));
          await writer.save({ ...before, derived: [...others, ...records], making: [] });
          for (const path of scratch) await writer.folder.remove(nameOf(path));
          return writer.describe();
        },
        options,
      ),

    verify: (key, { signal, onProgress } = {}) =>
      store.work(key, async (writer) => {
        const manifest = requireManifest(writer.manifest(), key);
        const model = await writer.describe();
        const whole = [...model.files, ...model.derived].filter(({ state }) => state === 'whole');
        const total = whole.reduce((sum, file) => sum + file.bytes, 0);
        const damaged: string[] = [];
        let done = 0;
        for (const { path } of whole) {
          const digest = await createDigest('sha256');
          for await (const piece of piecesOf(await writer.folder.source(nameOf(path)))) {
            throwIfAborted(signal);
            digest.update(piece);
            onProgress?.((done += piece.length), total);
          }
          if (digest.hex() !== recordOf(manifest, path)?.sha256) damaged.push(path);
        }
        if (damaged.length > 0) {
          const files = manifest.files.map((file) => (damaged.includes(file.path) ? { ...file, sha256: null } : file));
          await writer.save({ ...manifest, files, derived: manifest.derived.filter((f) => !damaged.includes(f.path)) });
          for (const path of damaged) await writer.folder.remove(nameOf(path));
        }
        return damaged;
      }),

    alone: async (key, work, options) => hold(`alone:${await folderName(key)}`, work, options),

    remove: async (key) => hold(await folderName(key), async () => folders.remove(await folderName(key))),

    removeReplaced: (key) =>
      store.work(key, async (writer) => {
        const manifest = requireManifest(writer.manifest(), key);
        const model = await writer.describe();
        const ready = model.derived.filter(({ state }) => state === 'whole').map(({ path }) => path);
        const replaced = manifest.derived.flatMap(({ path, replaces }) => (ready.includes(path) ? replaces : []));
        if (replaced.length === 0) {
          throw new LateralError('invalid-argument', `Nothing was made yet of the files of ${key}: all are needed.`);
        }
        const files = manifest.files.map((file) =>
          replaced.includes(file.path) ? { ...file, sha256: null, validator: '' } : file,
        );
        for (const path of replaced) await writer.folder.remove(nameOf(path)); // first: a file that is gone counts as replaced
        await writer.save({ ...manifest, files });
        return writer.describe();
      }),

    keepOnly: (key, paths) =>
      store.work(key, async (writer) => {
        const manifest = requireManifest(writer.manifest(), key);
        const gone = manifest.derived.filter(({ path }) => !paths.includes(path));
        if (gone.length === 0) return writer.describe();
        await writer.save({ ...manifest, derived: manifest.derived.filter((file) => !gone.includes(file)) });
        for (const { path } of gone) await writer.folder.remove(nameOf(path));
        return writer.describe();
      }),

    async cleanUp() {
      let freed = 0;
      for (const name of await folders.list()) {
        const cleaning = hold(name, async () => {
          const folder = await folders.find(name);
          if (folder !== null) freed += await cleanFolder(folders, name, folder);
        });
        await cleaning.catch((error: unknown) => {
          if (!(error instanceof LateralError && error.code === 'model-busy')) throw error;
        });
      }
      return freed;
    },

    work: async (key, work, options) => {
      const name = await folderName(key);
      return hold(
        name,
        async () => {
          const found = await find(key);
          let { manifest } = found ?? { manifest: null };
          let folder = found?.folder ?? (await folders.find(name));
          // Made by the first write, so that looking at a model that is not here leaves nothing.
          const lazily = lazyFolder(
            () => folder,
            async () => (folder ??= await folders.open(name)),
          );
          const writer: ModelWriter = {
            folder: lazily,
            manifest: () => manifest,
            async save(next) {
              manifest = await writeManifest(lazily, next);
            },
            nameOf,
            describe: () => describeModel(lazily, requireManifest(manifest, key)),
          };
          return work(writer);
        },
        options,
      );
    },
  };
  return store;
}

function recordOf(manifest: Manifest, path: string): { size: number | null; sha256: string | null } | undefined {
  return [...manifest.derived, ...manifest.files].find((file) => file.path === path);
}

async function writeAndRead(
  writer: ModelWriter,
  file: DerivedFile,
  write: (sink: ByteSink) => Promise<void>,
  madeAt: number,
): Promise<DerivedRecord> {
  const name = nameOf(file.path);
  try {
    const sink = await writer.folder.sink(name);
    try {
      await sink.truncate(0);
      await write(sink);
      await sink.flush();
    } finally {
      await sink.close();
    }
    return await readBack(writer, file, madeAt);
  } catch (error) {
    await writer.folder.remove(name).catch(() => undefined); // `cleanUp` will
    throw error;
  }
}

/** Opens files as `make` asks for them, and closes them all. */
async function makeAll(
  writer: ModelWriter,
  paths: readonly string[],
  make: (open: (path: string) => Promise<ByteFile>) => Promise<void>,
): Promise<void> {
  const opened: OpenFile[] = [];
  try {
    await make(async (path) => {
      if (!paths.includes(path)) throw new LateralError('internal', `${path} was not said to be made.`);
      const file = await writer.folder.file(nameOf(path));
      opened.push(file);
      return file;
    });
    for (const file of opened) await file.flush();
  } finally {
    for (const file of opened) await file.close();
  }
}

async function readBack(writer: ModelWriter, file: DerivedFile, madeAt: number): Promise<DerivedRecord> {
  const source = await writer.folder.source(nameOf(file.path));
  const digest = await createDigest('sha256');
  for await (const piece of piecesOf(source)) digest.update(piece);
  const { path, kind, options, replaces } = file;
  return { path, kind, options, replaces: [...replaces], size: source.size, sha256: digest.hex(), madeAt };
}

/** @throws 'invalid-argument' where a downloaded file has this path */
function requireFree({ key, files }: Manifest, path: string): void {
  checkPath(path);
  if (!files.some((file) => file.path === path)) return;
  throw new LateralError('invalid-argument', `${path} is one of the downloaded files of ${key}.`);
}

/** @returns bytes freed */
async function cleanFolder(folders: ByteFolders, name: string, folder: ByteFolder): Promise<number> {
  const files = await folder.list();
  const manifest = await readManifest(folder);
  if (manifest === null) {
    await folders.remove(name);
    return files.reduce((sum, file) => sum + file.size, 0);
  }
  const listed = namesListed(manifest);
  let freed = 0;
  for (const file of files) {
    if (listed.has(file.name)) continue;
    await folder.remove(file.name);
    freed += file.size;
  }
  return freed;
}

function requireManifest(manifest: Manifest | null, key: string): Manifest {
  if (manifest !== null) return manifest;
  throw new LateralError('model-unavailable', `The model ${key} is not here. Download it first.`, {
    details: { model: key },
  });
}

function lazyFolder(now: () => ByteFolder | null, open: () => Promise<ByteFolder>): ByteFolder {
  return {
    list: async () => now()?.list() ?? [],
    size: async (name) => now()?.size(name) ?? null,
    source: async (name) => (await open()).source(name),
    sink: async (name) => (await open()).sink(name),
    file: async (name) => (await open()).file(name),
    remove: async (name) => now()?.remove(name),
  };
}
