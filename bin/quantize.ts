/**
 * Makes a model small enough for a browser: `npm run -s quantize -- <folder or owner/name> --bits 4 --out <folder>`. The result's figures go
 * to standard output, progress to standard error. Exit 2 for a wrong command line, 1 for any failure.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { createLocalLocks } from '../src/engine/tab-locks.ts';
import { isDenseFile, settingsFiles } from '../src/colbert/settings.ts';
import { LateralError } from '../src/errors.ts';
import { denseLayers, readDenseHead } from '../src/models/dense-head.ts';
import { openDiskFile } from '../src/models/disk-file.ts';
import { findModelFiles, repositoryOf } from '../src/models/find-files.ts';
import { createModelStore, downloadModel, hubSource, listFiles, planDownload } from '../src/models/hub.ts';
import { createDiskFolders } from '../src/models/kept/disk-folders.ts';
import { storedSource } from '../src/models/quantize-stored.ts';
import { memoryFile, type ModelSource } from '../src/models/quantize/bytes.ts';
import { openDiskModel } from '../src/models/quantize/node-files.ts';
import { planQuantization, quantizeModel, type QuantizePlan } from '../src/models/quantize/quantize.ts';
import { readHead, type Head } from '../src/models/quantize/safetensors.ts';
import { readArguments, usage, type QuantizeArguments } from './quantize-arguments.ts';
import { runCommand } from './run-command.ts';

async function main(given: QuantizeArguments): Promise<void> {
  const folder = fromCaller(given.folder);
  const isFolder = existsSync(folder) && !existsSync(join(folder, '.download'));
  const out = given.out === given.folder && isFolder ? folder : resolve(process.env.INIT_CWD ?? '.', given.out);
  const input = isFolder ? await openFolder(folder, given.model) : await openRepository(given, out);
  const name = `${basename(input.graphPath, '.onnx')}_q${given.bits}.onnx`;
  const resultPath = join(out, 'onnx', name);
  try {
    const { bits, embeddingBits, projectionBits, blockSize, zeroPoints, minElements } = given;
    const settings = { bits, embeddingBits, projectionBits, blockSize, zeroPoints, minElements };
    const asked = { ...settings, dataName: `${name}_data`, ...(await headOf(given)) };
    const { hasProjection } = await planQuantization(input.source, asked); // before any file is made
    const head = hasProjection ? null : await denseHead(input);
    const options = head === null ? asked : { ...asked, head };
    const plan = await planQuantization(input.source, options);
    if (given.isPlan) {
      print(plan, given);
      return;
    }
    await mkdir(dirname(resultPath), { recursive: true });
    const target = {
      graph: await openDiskFile(resultPath, 'write'),
      data: await openDiskFile(`${resultPath}_data`, 'write'),
      journal: await openDiskFile(`${resultPath}.journal`, 'write'),
    };
    try {
      print(await quantizeModel(input.source, target, options, { onProgress: createProgressLine() }), given);
    } finally {
      for (const file of Object.values(target)) await file.close();
    }
    await rm(`${resultPath}.journal`);
    await input.finish(out);
  } finally {
    await input.close();
  }
}

/** Where the weights come from. */
interface Input {
  readonly source: ModelSource;
  readonly graphPath: string;
  /** Paths of all files, as far as they lie in the folder or directly below it. */
  readonly paths: readonly string[];
  /** Reads one of them, whole: a small one. */
  readonly read: (path: string) => Promise<Uint8Array>;
  /** Puts tokenizer, settings and the like beside the result, and takes away what only the making needed. */
  finish(out: string): Promise<void>;
  close(): Promise<void>;
}

async function openFolder(folder: string, model: string | undefined): Promise<Input> {
  const names = model === undefined ? ['onnx/model.onnx', 'model.onnx'] : [model];
  const graphPath = names.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (graphPath === undefined) throw new LateralError('not-found', `There is no ${names.join(' or ')} in ${folder}.`);
  const source = await openDiskModel(graphPath);
  return {
    source,
    graphPath,
    paths: await filesOf(folder),
    read: (path) => readFile(join(folder, path)),
    finish: async (out) => (out === folder ? undefined : copySmallFiles(folder, out)),
    close: () => source.close(),
  };
}

/** Downloads what is missing of it first. @throws 'invalid-argument' for neither a folder nor owner/name; as downloads do */
async function openRepository(given: QuantizeArguments, out: string): Promise<Input> {
  const { folder: text, model, revision, endpoint, acceptLicence, isPlan } = given;
  if (isPlan) throw new LateralError('invalid-argument', `--plan reads a folder; there is none at ${text}.`);
  const source = hubSource(repositoryOf(text), revision, endpoint);
  const downloads = join(out, '.download');
  const store = createModelStore(createDiskFolders(downloads), createLocalLocks());
  const { onnx, data, tokenizer, settings, heads } = findModelFiles(await listFiles(source, { store }), model);
  const small = [...tokenizer, ...settings, ...heads];
  const optional = ['config.json', 'README.md', 'LICENSE'].map((path) => ({ path, optional: true }));
  const plan = await planDownload(source, { store, files: [onnx, ...data, ...small, ...optional] });
  process.stderr.write(`${text} at ${plan.source.kind === 'hub' ? plan.source.revision : ''}\n`);
  if (plan.licence !== null) process.stderr.write(`licence: ${plan.licence.id} (${plan.licence.url})\n`);
  const line = createProgressLine();
  const { key, files } = await downloadModel(plan, {
    ...{ store, consent: acceptLicence },
    onProgress: ({ phase, done, total }) => phase === 'downloading' && line(done, total),
  });
  const opened = await storedSource(store, key, onnx);
  const readStored = async (path: string): Promise<Uint8Array> => {
    const file = await store.open(key, path);
    return file.read(0, file.size);
  };
  return {
    source: opened.source,
    graphPath: onnx,
    paths: files.map(({ path }) => path),
    read: readStored,
    async finish(to) {
      for (const { path } of files.filter((file) => !opened.names.has(file.path) && !data.includes(file.path))) {
        await mkdir(dirname(join(to, path)), { recursive: true });
        await writeFile(join(to, path), await readStored(path));
      }
      await rm(downloads, { recursive: true });
    },
    close: () => Promise.resolve(),
  };
}

async function headOf({ head }: QuantizeArguments) {
  if (head === undefined) return {};
  const file = await openDiskFile(fromCaller(head), 'read');
  try {
    return { head: await readHead(file) };
  } finally {
    await file.close();
  }
}

/** PyLate's linear layers beside a graph that lacks them; null where there are none. */
async function denseHead({ paths, read }: Input): Promise<Head | null> {
  const configs = new Map<string, unknown>();
  for (const path of paths) {
    if (path !== settingsFiles.modules && !isDenseFile(path, 'config.json')) continue;
    configs.set(path, JSON.parse(new TextDecoder().decode(await read(path))));
  }
  const folders = denseLayers(configs, paths);
  if (folders.length === 0) return null;
  process.stderr.write(`The graph lacks the projection; it is taken from ${folders.join(' and ')}.\n`);
  return readDenseHead(folders, configs, async (path) => memoryFile(await read(path)));
}

/** Tokenizer, settings, self-test: what a model's folder has beside its weights. */
async function copySmallFiles(from: string, to: string): Promise<void> {
  for (const path of await filesOf(from)) {
    const isSmall = path.includes('/')
      ? isDenseFile(path, 'config.json')
      : /\.(json|txt|md|metadata)$|^LICENSE/.test(path);
    if (!isSmall) continue;
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(join(from, path), join(to, path));
  }
}

/** Files in a folder and directly below it, as paths with `/`. */
async function filesOf(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile()) names.push(entry.name);
    if (!entry.isDirectory()) continue;
    const inner = await readdir(join(folder, entry.name), { withFileTypes: true });
    names.push(...inner.flatMap((one) => (one.isFile() ? `${entry.name}/${one.name}` : [])));
  }
  return names;
}

/** npm runs scripts in the package's folder; a path is meant from where the person stands. */
function fromCaller(path: string): string {
  const meant = resolve(process.env.INIT_CWD ?? '.', path);
  return existsSync(meant) ? meant : resolve(path);
}

/** One line that is written over, on a terminal; a line per tenth elsewhere. */
function createProgressLine(): (done: number, total: number) => void {
  let last = -1;
  return (done, total) => {
    const line = `${(done / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB`;
    const tenth = Math.floor((10 * done) / total);
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}${done === total ? '\n' : ''}`);
    else if (tenth !== last) process.stderr.write(`${line}\n`);
    last = tenth;
  };
}

function print(plan: QuantizePlan, { json }: QuantizeArguments): void {
  process.stdout.write(json ? `${JSON.stringify(plan)}\n` : table(plan));
  if (!plan.hasProjection) {
    process.stderr.write(
      'This model has no last layer of its own: its rows are not those of a ColBERT model. See --head.\n',
    );
  }
}

function table({ graphBytes, dataBytes, sourceBytes, dim, quantized, left }: QuantizePlan): string {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const groups = new Map<string, { count: number; bytes: number }>();
  const add = (name: string, bytes: number) => {
    const group = groups.get(name) ?? { count: 0, bytes: 0 };
    groups.set(name, { count: group.count + 1, bytes: group.bytes + bytes });
  };
  for (const { kind, bits, bytes } of quantized) add(`${kind}, ${bits} bits`, bytes);
  for (const { reason, bytes } of left) add(`left: ${reason}`, bytes);
  const lines = [...groups].map(([name, { count, bytes }]) => `  ${name}: ${count}, ${megabytes(bytes)}`);
  const rows = dim === null ? '' : `, rows of ${dim}`;
  return `${megabytes(sourceBytes)} → ${megabytes(dataBytes + graphBytes)}${rows}\n${lines.join('\n')}\n`;
}

await runCommand(usage, () => main(readArguments(process.argv.slice(2))));
