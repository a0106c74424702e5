/** The command line of `npm run quantize`: words in, settings out, or a message that says which word is wrong. */
import { parseArgs } from 'node:util';
import { LateralError } from '../src/errors.ts';

export const usage = `Usage: npm run -s quantize -- <model folder, or owner/name on the hub> --bits 4 --out <folder> [options]

  --bits 4|8             of the products' matrices (default: 4)
  --embedding-bits 4|8   of the token embeddings (default: as --bits)
  --projection-bits 4|8|32  of the last layer (default: 8)
  --block-size 16|32|64|128  values that share a scale (default: 32)
  --zero-points          a zero point for each block
  --min-elements N       matrices of fewer values are left as they are (default: 8192)
  --head FILE            a .safetensors with linear.weight, in place of the model's last layer, or for a model without one
  --model FILE           the graph in the folder or repository (default: onnx/model.onnx, or model.onnx)
  --revision NAME        of the repository: a branch, a tag or a commit (default: main)
  --endpoint URL         a mirror of the hub (default: https://huggingface.co)
  --accept-licence       you have read the licence of a repository whose licence has conditions, and agree
  --plan                 only says what would be written
  --json                 one JSON object instead of a table

The result is <out>/onnx/model_q4.onnx (or _q8) with its weights beside it, and the model's other small files. Interrupted, the
same command goes on where it was; what it downloads lies in <out>/.download until it is done.`;

export interface QuantizeArguments {
  /** A folder, or owner/name where there is no such folder. */
  readonly folder: string;
  readonly out: string;
  readonly model: string | undefined;
  readonly head: string | undefined;
  readonly revision: string | undefined;
  readonly endpoint: string | undefined;
  readonly acceptLicence: boolean;
  readonly bits: 4 | 8;
  readonly embeddingBits: 4 | 8;
  readonly projectionBits: 4 | 8 | 32;
  readonly blockSize: 16 | 32 | 64 | 128;
  readonly zeroPoints: boolean;
  readonly minElements: number;
  readonly isPlan: boolean;
  readonly json: boolean;
}

/** @throws 'invalid-argument' */
export function readArguments(words: readonly string[]): QuantizeArguments {
  const { values, positionals } = parse(words);
  const [folder, ...more] = positionals;
  if (folder === undefined) throw wrong('Which model folder?');
  if (more.length > 0) throw wrong(`One folder at a time: ${more.join(' ')} is too much.`);
  if (values.out === undefined && values.plan !== true) throw wrong('Where to? Give --out.');
  const bits = oneOf('--bits', values.bits ?? '4', [4, 8] as const);
  return {
    folder,
    out: values.out ?? folder,
    model: values.model,
    head: values.head,
    revision: values.revision,
    endpoint: values.endpoint,
    acceptLicence: values['accept-licence'] ?? false,
    bits,
    embeddingBits: oneOf('--embedding-bits', values['embedding-bits'] ?? String(bits), [4, 8] as const),
    projectionBits: oneOf('--projection-bits', values['projection-bits'] ?? '8', [4, 8, 32] as const),
    blockSize: oneOf('--block-size', values['block-size'] ?? '32', [16, 32, 64, 128] as const),
    zeroPoints: values['zero-points'] ?? false,
    minElements: countOf('--min-elements', values['min-elements'] ?? '8192'),
    isPlan: values.plan ?? false,
    json: values.json ?? false,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        out: { type: 'string' },
        model: { type: 'string' },
        head: { type: 'string' },
        revision: { type: 'string' },
        endpoint: { type: 'string' },
        'accept-licence': { type: 'boolean' },
        bits: { type: 'string' },
        'embedding-bits': { type: 'string' },
        'projection-bits': { type: 'string' },
        'block-size': { type: 'string' },
        'zero-points': { type: 'boolean' },
        'min-elements': { type: 'string' },
        plan: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw wrong(cause instanceof Error ? cause.message : String(cause));
  }
}

function oneOf<const T extends number>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((number) => String(number) === value);
  if (found === undefined) throw wrong(`${option} is ${known.join(' or ')}, not "${value}".`);
  return found;
}

function countOf(option: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw wrong(`${option} is a number of values, not "${value}".`);
  return Number(value);
}

function wrong(message: string): LateralError {
  return new LateralError('invalid-argument', message);
}
