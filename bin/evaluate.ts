/**
 * How well a model searches a BEIR set, beside BM25: `npm run -s evaluate -- <folder> --baseline bm25 --json`.
 * The result goes to standard output, progress to standard error. Exit 2 for a wrong command line, 1 for any failure.
 */
import { createReadStream, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Encoder } from '../src/colbert/encoder.ts';
import { encodeInWindows, longDocumentMethods, windowSize } from '../src/colbert/windows.ts';
import { LateralError } from '../src/errors.ts';
import { readArguments, usage, type EvaluateArguments } from './evaluate-arguments.ts';
import { runCommand } from './run-command.ts';
import { evaluate, type Evaluation, type EvaluationBaseline, type EvaluationProgress } from '../src/evaluation/run.ts';
import { readBeir, type OpenFile } from '../src/interop/beir.ts';
import { createWasmScorer } from '../src/maxsim/wasm.ts';
import { modelEntry, modelName } from '../src/models/registry.ts';
import type { LongDocument } from '../src/types.ts';

async function main(given: EvaluateArguments): Promise<void> {
  const folder = fromCaller(given.folder);
  if (!existsSync(folder)) throw new LateralError('not-found', `There is no folder ${folder}.`);
  const set = await readBeir(filesIn(folder), { split: given.split });
  for (const note of set.notes) process.stderr.write(`${note}\n`);

  const model = given.dims?.length === 0 ? undefined : await openModel(given);
  try {
    const evaluation = await evaluate({
      dataset: basename(folder),
      set,
      model: model && {
        id: modelName(modelEntry(given.model)),
        encoder: model,
        createScorer: () => createWasmScorer(),
        dims: given.dims,
        precisions: given.precisions,
        poolFactors: given.poolFactors,
        encodePassages: inWindows(model, given.longDocument),
        scale: modelEntry(given.model).scale,
      },
      baselines: given.baselines,
      limitQueries: given.limitQueries,
      onProgress: createProgressLine(),
    });
    process.stdout.write(given.json ? `${JSON.stringify(evaluation)}\n` : table(evaluation));
  } finally {
    await model?.release();
  }
}

async function openModel(given: EvaluateArguments) {
  const models = given.models === undefined ? join(import.meta.dirname, '../public/models') : fromCaller(given.models);
  // Only here: the runtime takes seconds to load, and BM25 needs none of it.
  const { openNodeEncoder } = await import('../src/engine/node.ts');
  return openNodeEncoder(given.model, models);
}

/** As an index with this setting reads its documents; undefined where each passage is read by itself. */
function inWindows(encoder: Encoder, longDocument: LongDocument) {
  const size = windowSize(longDocumentMethods[longDocument], encoder.config);
  if (size === null) return undefined;
  return (documents: readonly (readonly string[])[], signal?: AbortSignal) => {
    const ids = documents.map((passages) => passages.map((passage) => encoder.tokenizer.encode(passage)));
    return encodeInWindows(encoder, ids, size, (windows) => encoder.encodeIds(windows, { signal }));
  };
}

/** npm runs scripts in the package's folder; a path is meant from where the person stands. */
function fromCaller(path: string): string {
  const meant = resolve(process.env.INIT_CWD ?? '.', path);
  return existsSync(meant) ? meant : resolve(path);
}

function filesIn(folder: string): OpenFile {
  return async (path) => {
    const file = join(folder, path);
    try {
      await (await open(file)).close();
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return null;
      throw error;
    }
    return Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>;
  };
}

/** One line that is written over, on a terminal; a line per tenth elsewhere. */
function createProgressLine(): (progress: EvaluationProgress) => void {
  let last = '';
  return ({ phase, done, total }) => {
    const line = `${phase}: ${done} of ${total}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}${done === total ? '\n' : ''}`);
    else {
      const tenth = `${phase} ${Math.floor((10 * done) / Math.max(1, total))}`;
      if (tenth !== last) process.stderr.write(`${line}\n`);
      last = tenth;
    }
  };
}

function cells({ ndcg10, recall100, mrr10 }: Pick<EvaluationBaseline, 'ndcg10' | 'recall100' | 'mrr10'>): string[] {
  return [ndcg10, recall100, mrr10].map((value) => value.toFixed(4));
}

function table({ dataset, model, documents, chunks, queries, results, baselines }: Evaluation): string {
  const isCompared = results.some(({ top10OfInt8 }) => top10OfInt8 !== undefined);
  const rows = [
    ['', 'nDCG@10', 'Recall@100', 'MRR@10', 'MB', 'ms/query', ...(isCompared ? ['int8 top 10', 'deepest'] : [])],
    ...results.flatMap(({ dim, precision, poolFactor, indexBytes, msPerQuery, both, top10OfInt8, ...meaning }) => {
      const name = `${model} ${dim} ${precision}${poolFactor === 1 ? '' : `, pooled by ${poolFactor}`}`;
      const compared = top10OfInt8 && [top10OfInt8.overlap.toFixed(4), String(top10OfInt8.deepestRank)];
      const row = [name, ...cells(meaning), (indexBytes / 1e6).toFixed(1), msPerQuery.toFixed(1), ...(compared ?? [])];
      return both === undefined ? [row] : [row, [`${name} + bm25`, ...cells(both)]];
    }),
    ...baselines.map(({ name, ...figures }) => [name, ...cells(figures)]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
  const passages = chunks > 0 ? ` in ${chunks} passages` : '';
  return `${dataset}: ${documents} documents${passages}, ${queries} queries\n${lines.join('\n')}\n`;
}

await runCommand(usage, () => main(readArguments(process.argv.slice(2))));
