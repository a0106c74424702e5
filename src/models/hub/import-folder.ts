/** A model that a person has on disk, dropped as a folder: copied into the same store as a download would be. */
import { isDenseFile } from '../../colbert/settings.ts';
import { LateralError, throwIfAborted } from '../../errors.ts';
import { blobSource, piecesOf } from '../byte-source.ts';
import { createDigest } from '../digest.ts';
import type { StoredModel } from '../kept/describe.ts';
import type { FileRecord, Licence, Wanted } from '../kept/manifest.ts';
import type { ModelStore, ModelWriter } from '../kept/model-store.ts';
import { modelKey } from '../kept/names.ts';
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
  /** What the model is called here. A model of the same name is replaced. */
  readonly name: string;
  readonly licence?: Licence;
  readonly derivedBytes?: number;
  /** What is to be made of the files. Remembered with the model. */
  readonly wanted?: Wanted;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
  readonly estimate?: EstimateStorage;
  readonly now?: () => number;
}

/** Of which none would be read: version control, and weights in other formats; but PyLate's linear layers are, which are small. */
const isRead = (path: string): boolean => !leftOut.test(path) || isDenseFile(path, 'model.safetensors');
const leftOut = /(^|\/)\.|\.(safetensors|bin|pt|pth|h5|msgpack|ot|tflite|gguf|mlmodel)$|(^|\/)(openvino|coreml)\//i;

/**
 * Resolves once all is copied and flushed. An import that ends early leaves nothing.
 * @throws 'model-unavailable' naming what the folder lacks; 'model-invalid' naming a file that is not what its name says;
 *   'storage-full', 'model-busy', 'aborted', 'storage-unavailable'
 */
export async function importFolder(files: readonly FolderFile[], options: ImportFolderOptions): Promise<StoredModel> {
  const { store, signal } = options;
  throwIfAborted(signal);
  const chosen = belowTheModel(files).filter(({ path }) => isRead(path));
  requireModel(chosen.map(({ path }) => path));
  for (const { path, blob } of chosen) {
    checkPath(path);
    await requireContent(path, blob);
  }
  const total = chosen.reduce((sum, { blob }) => sum + blob.size, 0);
  const free = await freeBytes(options.estimate);
  const needed = total + (options.derivedBytes ?? 0);
  if (free !== null && needed > free) {
    throw new LateralError('storage-full', `The folder needs ${needed} bytes; this browser gives ${free}.`, {
      details: { neededBytes: needed, freeBytes: free },
    });
  }
  const key = modelKey({ kind: 'folder', name: options.name });
  return store.work(key, (writer) => copyAll(writer, key, chosen, total, options), { signal });
}

async function copyAll(
  writer: ModelWriter,
  key: string,
  files: readonly FolderFile[],
  total: number,
  { name, licence, wanted = {}, signal, onProgress, now = Date.now }: ImportFolderOptions,
): Promise<StoredModel> {
  const records: FileRecord[] = [];
  const at = now();
  const save = (list: FileRecord[]): Promise<void> =>
    writer.save({
      format: 1,
      sequence: 0, // set when it is written
      key,
      source: { kind: 'folder', name },
      requested: '',
      licence: licence ?? null,
      consentedAt: null,
      addedAt: at,
      lastUsedAt: at,
      files: list,
      derived: [],
      wanted,
    });
  try {
    await save([]);
    for (const { name: kept } of await writer.folder.list())
      if (kept.startsWith('f-')) await writer.folder.remove(kept);
    let done = 0;
    for (const { path, blob } of files) {
      const digest = await createDigest('sha256');
      const sink = await writer.folder.sink(writer.nameOf(path));
      try {
        for await (const piece of piecesOf(blobSource(blob))) {
          throwIfAborted(signal);
          await sink.append(piece);
          digest.update(piece);
          onProgress?.((done += piece.length), total);
        }
        await sink.flush();
      } finally {
        await sink.close();
      }
      records.push({ path, size: blob.size, published: null, validator: '', sha256: digest.hex() });
    }
    await save(records);
    return await writer.describe();
  } catch (error) {
    for (const { name: kept } of await writer.folder.list()) await writer.folder.remove(kept).catch(() => undefined);
    throw error instanceof DOMException && error.name === 'NotReadableError'
      ? new LateralError('model-unavailable', 'A file of the folder changed or went away. Drop the folder again.', {
          cause: error,
        })
      : error;
  }
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
