/** The command line of `npm run evaluate`: words in, settings out, or a message that says which word is wrong. */
import { parseArgs } from 'node:util';
import { LateralError } from '../src/errors.ts';
import type { EvaluatedPrecision } from '../src/evaluation/run.ts';
import type { LongDocument, PoolFactor } from '../src/types.ts';
import { poolFactors } from '../src/vectors/pool.ts';

export const usage = `Usage: npm run -s evaluate -- <BEIR folder> [options]

  --model ID           the model to evaluate (default: lateral-mini)
  --models FOLDER      where models are (default: public/models)
  --dims 128,96,64     stored dimensions (default: the model's own); "none": only the baselines
  --precision int8,f32 how vectors are kept (default: int8); int4: kept in int8, held in four bits, the best with exact scores;
                       int4-coarse: by the four bits alone
  --pool 1,2,3,4       tokens per stored vector (default: 1)
  --long-document HOW  passage (default): each passage by itself; window, whole: in windows of 1,024 or 8,192 tokens
  --baseline bm25      keyword search beside it, and both fused as the page does it
  --split NAME         judgements from qrels/NAME.tsv (default: test, or qrels.tsv beside the corpus)
  --limit-queries N    only the first N queries
  --json               one JSON object instead of a table

The folder has corpus.jsonl, queries.jsonl and qrels/test.tsv or qrels.tsv; each may be a .gz.`;

const longDocuments: readonly LongDocument[] = ['passage', 'window', 'whole'];
const precisions = ['int8', 'f32', 'int4', 'int4-coarse'] as const;

export interface EvaluateArguments {
  readonly folder: string;
  readonly model: string;
  readonly models: string | undefined;
  /** Empty: only the baselines. Undefined: the model's own. */
  readonly dims: readonly number[] | undefined;
  readonly precisions: readonly EvaluatedPrecision[];
  readonly poolFactors: readonly PoolFactor[];
  readonly longDocument: LongDocument;
  readonly baselines: readonly 'bm25'[];
  readonly split: string | undefined;
  readonly limitQueries: number | undefined;
  readonly json: boolean;
}

/** @throws 'invalid-argument' */
export function readArguments(words: readonly string[]): EvaluateArguments {
  const { values, positionals } = parse(words);
  const [folder, ...more] = positionals;
  if (folder === undefined) throw wrong('Which BEIR folder?');
  if (more.length > 0) throw wrong(`One folder at a time: ${more.join(' ')} is too much.`);
  const baselines = (values.baseline ?? []).flatMap(list).map((name) => oneOf('--baseline', name, ['bm25'] as const));
  const dims = values.dims === undefined ? undefined : values.dims === 'none' ? [] : list(values.dims).map(dimension);
  if (dims?.length === 0 && baselines.length === 0)
    throw wrong('--dims none leaves nothing to do without --baseline bm25.');
  return {
    folder,
    model: values.model ?? 'lateral-mini',
    models: values.models,
    dims,
    precisions: list(values.precision ?? 'int8').map((name) => oneOf('--precision', name, precisions)),
    poolFactors: list(values.pool ?? '1').map(poolFactor),
    longDocument: oneOf('--long-document', values['long-document'] ?? 'passage', longDocuments),
    baselines,
    split: values.split,
    limitQueries: values['limit-queries'] === undefined ? undefined : count(values['limit-queries']),
    json: values.json ?? false,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        model: { type: 'string' },
        models: { type: 'string' },
        dims: { type: 'string' },
        precision: { type: 'string' },
        pool: { type: 'string' },
        'long-document': { type: 'string' },
        baseline: { type: 'string', multiple: true },
        split: { type: 'string' },
        'limit-queries': { type: 'string' },
        json: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw wrong(cause instanceof Error ? cause.message : String(cause));
  }
}

function list(words: string): string[] {
  return words.split(',').map((word) => word.trim());
}

function oneOf<const T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((name) => name === value);
  if (found === undefined) throw wrong(`${option} is ${known.join(' or ')}, not "${value}".`);
  return found;
}

function dimension(word: string): number {
  if (!/^[1-9]\d{0,4}$/.test(word)) throw wrong(`--dims is a list of whole numbers or "none", not "${word}".`);
  return Number(word);
}

function poolFactor(word: string): PoolFactor {
  const found = poolFactors.find((factor) => String(factor) === word);
  if (found === undefined) throw wrong(`--pool is a list of ${poolFactors.join(', ')}, not "${word}".`);
  return found;
}

function count(word: string): number {
  if (!/^[1-9]\d{0,8}$/.test(word)) throw wrong(`--limit-queries is a whole number from 1, not "${word}".`);
  return Number(word);
}

function wrong(message: string): LateralError {
  return new LateralError('invalid-argument', message);
}
