/** A model that a person has on disk, dropped as a folder: copied into the same store as a download would be. */
import { isDenseFile } from '../../colbert/settings.ts';
import { LateralError, throwIfAborted } from '../../errors.ts';
import { blobSource, piecesOf } from '../byte-source.ts';
import { createDigest } from '../digest.ts';
import type { StoredModel } from '../kept/describe.ts';
import { namesListed, type FileRecord, type Licence, type Manifest, type Wanted } from '../kept/manifest.ts';
import type { ModelStore, ModelWriter } from '../kept/model-store.ts';
import { modelKey } from '../kept/names.ts';
import type { ListedFile } from '../find-files.ts';
import { freeBytes, type EstimateStorage } from './plan.ts';
import { looksLikeWebPage } from './request.ts';
import { checkPath } from './source.ts';

export interface FolderFile {
  /** As dropped: with or without the folder's own name in front. */
  readonly path: string;
  readonly blob: Blob;
}

export interface ImportFolderOptions {
  readonly store: ModelStore;
  /** What the model is called here. Others of the name stay: each import has a key of its own. */
  readonly name: string;
  /** Key of an import that ended early: its files that are whole, and the same in the folder, are not copied again. */
  readonly goOnWith?: string | undefined;
  readonly licence?: Licence;
  /** Bytes that will be made of these files. */
  readonly derivedBytes?: (files: readonly ListedFile[]) => number;
  /** What is to be made of the files. Remembered with the model. */
  readonly wanted?: Wanted;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the folder that were read. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly estimate?: EstimateStorage;
  readonly now?: () => number;
}

/** Of which none would be read: version control, and weights in other formats; but PyLate's linear layers are, which are small. */
const isRead = (path: string): boolean => !leftOut.test(path) || isDenseFile(path, 'model.safetensors');
const leftOut = /(^|\/)\.|\.(safetensors|bin|pt|pth|h5|msgpack|ot|tflite|gguf|mlmodel)$|(^|\/)(openvino|coreml)\//i;

/**
 * Resolves once all is copied and flushed. Files that are whole by then stay where it ends early; where there are none, nothing does.
 * @throws 'model-unavailable' naming what the folder lacks; 'model-invalid' naming a file that is not what its name says;
 *   'storage-full', 'model-busy', 'aborted', 'storage-unavailable'
 */
export async function importFolder(files: readonly FolderFile[], options: ImportFolderOptions): Promise<StoredModel> {
  const { store, name, goOnWith, signal, derivedBytes, now = Date.now } = options;
  throwIfAborted(signal);
  const chosen = belowTheModel(files)
    .filter(({ path }) => isRead(path))
    .sort((a, b) => a.blob.size - b.blob.size); // so that what is stopped has something to go on with
  requireModel(chosen.map(({ path }) => path));
  for (const { path, blob } of chosen) {
    checkPath(path);
    await requireContent(path, blob);
  }
  const listed = chosen.map(({ path, blob }) => ({ path, size: blob.size }));
  const others = (await store.list()).filter(({ source }) => source.kind === 'folder' && source.name === name);
  const begun = others.find(({ key }) => key === goOnWith);
  const total = listed.reduce((sum, { size }) => sum + size, 0);
  const needed = Math.max(0, total + (derivedBytes?.(listed) ?? 0) - (begun?.bytes ?? 0));
  const free = await freeBytes(options.estimate);
  if (free !== null && needed > free) {
    throw new LateralError('storage-full', `The folder needs ${needed} bytes; this browser gives ${free}.`, {
      details: { neededBytes: needed, freeBytes: free },
    });
  }
  // Later than any other of the name, whatever the clock says: the later one counts.
  const addedAt = begun?.addedAt ?? Math.max(now(), ...others.map((other) => other.addedAt + 1));
  const key = begun?.key ?? modelKey({ kind: 'folder', name }, addedAt);
  return store.work(key, (writer) => copyAll(writer, key, addedAt, chosen, options), { signal });
}

async function copyAll(
  writer: ModelWriter,
  key: string,
  addedAt: number,
  files: readonly FolderFile[],
  { name, licence, wanted, signal, onProgress }: ImportFolderOptions,
): Promise<StoredModel> {
  const { folder } = writer;
  const before = writer.manifest();
  const recordOf = ({ path, blob: { size } }: FolderFile): FileRecord =>
    before?.files.find((file) => file.path === path && file.size === size) ?? {
      ...{ path, size, published: null, validator: '', sha256: null },
    };
  const total = files.reduce((sum, { blob }) => sum + blob.size, 0);
  let done = 0;
  const read: OnPiece = (bytes) => {
    onProgress?.((done += bytes), total);
    throwIfAborted(signal);
  };
  let manifest: Manifest = {
    ...{ format: 1, sequence: 0, key, source: { kind: 'folder', name }, requested: '' },
    ...{ licence: licence ?? before?.licence ?? null, consentedAt: null, addedAt, lastUsedAt: addedAt },
    files: files.map(recordOf),
    ...{ derived: before?.derived ?? [], making: before?.making ?? [] },
    wanted: { ...before?.wanted, ...wanted },
  };
  const save = async (change: Partial<Manifest> = {}): Promise<void> => {
    manifest = { ...manifest, ...change };
    await writer.save(manifest);
  };
  /** What was made of these files was made of all of them, so that it is of no use once one is another. */
  const forget = async (path: string | null): Promise<void> => {
    await save({ files: withDigest(manifest, path, null), derived: [], making: [] });
    const listed = namesListed(manifest);
    for (const { name: kept } of await folder.list()) if (!listed.has(kept)) await folder.remove(kept);
  };
  try {
    if (before?.files.length === files.length) await save();
    else await forget(null);
    for (const file of files) {
      const { path, blob } = file;
      const { sha256 } = manifest.files.find((one) => one.path === path)!;
      const isHere = sha256 !== null && (await folder.size(writer.nameOf(path))) === blob.size;
      const from = done;
      if (isHere && (await digestOf(blob, read)) === sha256) continue;
      done = from;
      await forget(path);
      await save({ files: withDigest(manifest, path, await copy(writer, file, read)) });
    }
    return await writer.describe();
  } catch (error) {
    if (manifest.files.every(({ sha256 }) => sha256 === null)) {
      for (const { name: kept } of await folder.list()) await folder.remove(kept).catch(() => undefined);
    }
    throw error instanceof DOMException && error.name === 'NotReadableError'
      ? new LateralError('model-unavailable', 'A file of the folder changed or went away. Drop the folder again.', {
          cause: error,
        })
      : error;
  }
}

type OnPiece = (bytes: number) => void;

function withDigest({ files }: Manifest, path: string | null, sha256: string | null): FileRecord[] {
  return files.map((file) => (file.path === path ? { ...file, sha256 } : file));
}

/** @returns SHA-256 */
async function digestOf(blob: Blob, onPiece: OnPiece): Promise<string> {
  const digest = await createDigest('sha256');
  for await (const piece of piecesOf(blobSource(blob))) {
    digest.update(piece);
    onPiece(piece.length);
  }
  return digest.hex();
}

/** Resolves once it would survive a crash. @returns SHA-256 */
async function copy(writer: ModelWriter, { path, blob }: FolderFile, onPiece: OnPiece): Promise<string> {
  const digest = await createDigest('sha256');
  const sink = await writer.folder.sink(writer.nameOf(path));
  try {
    await sink.truncate(0);
    for await (const piece of piecesOf(blobSource(blob))) {
      await sink.append(piece);
      digest.update(piece);
      onPiece(piece.length);
    }
    await sink.flush();
  } finally {
    await sink.close();
  }
  return digest.hex();
}

/** Without what stands in front of the folder that has tokenizer.json. */
function belowTheModel(files: readonly FolderFile[]): readonly FolderFile[] {
  const paths = files.map(({ path }) => path.replace(/^\.?\/+/, ''));
  const tokenizers = paths.filter((path) => /(^|\/)tokenizer\.json$/.test(path));
  const nearest = tokenizers.sort((a, b) => a.split('/').length - b.split('/').length)[0] ?? '';
  const base = nearest.slice(0, nearest.lastIndexOf('/') + 1);
  return files.flatMap(({ blob }, i) =>
    paths[i]!.startsWith(base) ? [{ path: paths[i]!.slice(base.length), blob }] : [],
  );
}

function requireModel(paths: readonly string[]): void {
  const missing = ['tokenizer.json'].filter((name) => !paths.includes(name));
  if (!paths.some((path) => path.endsWith('.onnx'))) missing.push('an .onnx file');
  if (missing.length === 0) return;
  throw new LateralError(
    'model-unavailable',
    `This folder lacks ${missing.join(', ')}. Drop the whole folder of a model with an ONNX export, as downloaded from a hub.`,
    { details: { missing: missing.join(', ') } },
  );
}

async function requireContent(path: string, blob: Blob): Promise<void> {
  const start = new Uint8Array(await blob.slice(0, 1024).arrayBuffer());
  const text = new TextDecoder().decode(start);
  const invalid = (what: string): LateralError =>
    new LateralError('model-invalid', `${path} ${what}`, { details: { file: path } });
  if (text.startsWith('version https://git-lfs.github.com/spec/')) {
    throw invalid(
      'is only a pointer that Git LFS left. Fetch the file itself (git lfs pull), then drop the folder again.',
    );
  }
  if (looksLikeWebPage(start) && !/\.html?$/i.test(path)) {
    throw invalid('is a web page. Download the file itself, then drop the folder again.');
  }
  if (path.endsWith('.onnx') && blob.size < 16) throw invalid(`has ${blob.size} bytes and is no ONNX file.`);
  if (path === 'config.json' || path === 'tokenizer.json') {
    try {
      JSON.parse(await blob.text());
    } catch {
      throw invalid('is not valid JSON. It may be cut short: download it again.');
    }
  }
}
