/**
 * Which of a repository's files, or of a folder's, make a model: for those that the registry does not know. Paths have `/`.
 */
import { isDenseFile, settingsFiles } from '../colbert/settings.ts';
import { LateralError } from '../errors.ts';

export interface ListedFile {
  readonly path: string;
  /** bytes */
  readonly size: number;
}

export interface FoundFiles {
  readonly onnx: string;
  /** What may hold its weights; the graph says which of them do. */
  readonly data: readonly string[];
  readonly tokenizer: readonly string[];
  readonly settings: readonly string[];
  /** PyLate's linear layers, for graphs that lack them. */
  readonly heads: readonly string[];
}

/** In this order: the exports that have all of the model first. Quantised ones last, since we quantise better ourselves. */
const onnxNames = [
  /^(onnx\/)?vespa_colbert\.onnx$/,
  /^(onnx\/)?model\.onnx$/,
  /^(?!.*(int8|uint8|quantized|q4|q8|bnb4|fp16|f16|O[1-4]))[^/]*(\/[^/]*)?\.onnx$/,
  /^(onnx\/)?model_fp16\.onnx$/,
  /^(onnx\/)?model_(int8|quantized|q4)\.onnx$/,
  /\.onnx$/,
];

/**
 * @param wanted an ONNX that was asked for by its path
 * @throws 'model-invalid' that says what is missing and what would work
 */
export function findModelFiles(files: readonly ListedFile[], wanted?: string): FoundFiles {
  const paths = new Set(files.map(({ path }) => path));
  const onnx = wanted ?? chooseOnnx([...paths]);
  if (onnx === null) {
    const safetensors = [...paths].some((path) => path.endsWith('.safetensors') || path.endsWith('.bin'));
    throw missing(
      'an ONNX file',
      safetensors
        ? 'It has weights for PyTorch only, which a browser cannot run: export it to ONNX with its projection first (PyLate’s export does so).'
        : 'Give the folder or repository of a ColBERT model.',
    );
  }
  if (!paths.has(onnx)) throw missing(onnx, 'Its name may have changed: see which ONNX files the repository lists.');
  const folder = onnx.slice(0, onnx.lastIndexOf('/') + 1);
  const beside = [...paths].filter(
    (path) =>
      path !== onnx &&
      path.startsWith(folder) &&
      /^[^/]*(\.onnx[._]data(_\d+)?|\.data|\.bin)$/.test(path.slice(folder.length)) &&
      !/(^|\/)(pytorch_model[^/]*|training_args|optimizer|scheduler|rng_state[^/]*)\.bin$/.test(path),
  );
  // Exporters name a graph's data after it; other graphs' lie beside.
  const named = beside.filter((path) => path.startsWith(`${onnx}.`) || path.startsWith(`${onnx}_`));
  const ofOthers = (path: string): boolean =>
    [...paths].some(
      (other) =>
        other !== onnx && other.endsWith('.onnx') && (path.startsWith(`${other}_`) || path.startsWith(`${other}.`)),
    );
  const data = named.length > 0 ? named : beside.filter((path) => !ofOthers(path));
  if (!paths.has('tokenizer.json')) {
    throw missing('tokenizer.json', 'Save the tokenizer with tokenizers or transformers ("fast" tokenizer) beside it.');
  }
  const tokenizer = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'].filter((path) =>
    paths.has(path),
  );
  const known: readonly string[] = Object.values(settingsFiles);
  const settings = [
    ...known.filter((path) => paths.has(path)),
    ...[...paths].filter((path) => isDenseFile(path, 'config.json') && !known.includes(path)),
  ];
  const heads = [...paths].filter((path) => isDenseFile(path, 'model.safetensors'));
  const { onnx: own, artifact, pylate } = settingsFiles;
  if (![own, artifact, pylate].some((path) => paths.has(path))) {
    throw missing(
      `${own}, ${artifact} or ${pylate}`,
      'Without one of them nothing says how the model marks queries and documents. It may be a model of one vector per text, which Lateral cannot use.',
    );
  }
  return { onnx, data, tokenizer, settings, heads };
}

function chooseOnnx(paths: readonly string[]): string | null {
  for (const name of onnxNames) {
    const found = paths.filter((path) => name.test(path)).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    if (found.length > 0) return found[0]!;
  }
  return null;
}

function missing(what: string, advice: string): LateralError {
  return new LateralError('model-invalid', `The model has no ${what.replace(/^an? /, '')}. ${advice}`, {
    details: { file: what },
  });
}

/** owner/name, as the hub writes it. @throws 'invalid-argument' */
export function repositoryOf(text: string): string {
  const plain = text
    .trim()
    .replace(/^https?:\/\/[^/]+\//, '')
    .replace(/\/(tree|resolve|blob)\/.*$/, '')
    .replace(/\/$/, '');
  if (/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(plain) && !plain.includes('..')) return plain;
  throw new LateralError(
    'invalid-argument',
    `"${text}" is not a repository: write owner/name, as in jinaai/jina-colbert-v2.`,
  );
}
