/**
 * Makes a model small enough for a browser: `npm run -s quantize -- <folder> --bits 4 --out <folder>`. The result's figures go
 * to standard output, progress to standard error. Exit 2 for a wrong command line, 1 for any failure.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LateralError } from '../src/errors.ts';
import { openDiskFile } from '../src/models/disk-file.ts';
import { openDiskModel } from '../src/models/quantize/node-files.ts';
import { planQuantization, quantizeModel, type QuantizePlan } from '../src/models/quantize/quantize.ts';
import { readHead } from '../src/models/quantize/safetensors.ts';
import { readArguments, usage, type QuantizeArguments } from './quantize-arguments.ts';
import { runCommand } from './run-command.ts';

async function main(given: QuantizeArguments): Promise<void> {
  const folder = fromCaller(given.folder);
  const out = given.out === given.folder ? folder : resolve(process.env.INIT_CWD ?? '.', given.out);
  const graphPath = findGraph(folder, given.model);
  const name = `${basename(graphPath, '.onnx')}_q${given.bits}.onnx`;
  const resultPath = join(out, 'onnx', name);
  const source = await openDiskModel(graphPath);
  try {
    const { bits, embeddingBits, projectionBits, blockSize, zeroPoints } = given;
    const settings = { bits, embeddingBits, projectionBits, blockSize, zeroPoints };
    const options = { ...settings, dataName: `${name}_data`, ...(await headOf(given)) };
    const plan = await planQuantization(source, options); // before any file is made
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
      print(await quantizeModel(source, target, options, { onProgress: createProgressLine() }), given);
    } finally {
      for (const file of Object.values(target)) await file.close();
    }
    await rm(`${resultPath}.journal`);
  } finally {
    await source.close();
  }
  if (out !== folder) await copySmallFiles(folder, out);
}

function findGraph(folder: string, model: string | undefined): string {
  const names = model === undefined ? ['onnx/model.onnx', 'model.onnx'] : [model];
  const found = names.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new LateralError('not-found', `There is no ${names.join(' or ')} in ${folder}.`);
  return found;
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

/** Tokenizer, settings, self-test: what a model's folder has beside its weights. */
async function copySmallFiles(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    const isSmall = /\.(json|txt|md|metadata)$|^LICENSE/.test(name) && (await stat(join(from, name))).isFile();
    if (isSmall) await copyFile(join(from, name), join(to, name));
  }
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
