/**
 * How a ColBERT model is to be asked, read from whichever file it ships with:
 *
 *   onnx_config.json                    beside an ONNX that was exported from PyLate (LightOn's models)
 *   artifact.metadata                   Stanford ColBERT and what follows it (Jina, Answer.AI)
 *   config_sentence_transformers.json   PyLate; its dimension stands in the config of the last linear layer (1_Dense, 2_Dense).
 *                                       pylate-onnx-export 0.1 writes what onnx_config.json has under this name
 */
import * as v from 'valibot';
import { LateralError } from '../errors.ts';
import { asciiPunctuation, type ColbertSettings } from './config.ts';

/** Files that `readSettings` looks at, those first that say most about the ONNX itself. All but one of the first three may be missing. */
export const settingsFiles = {
  onnx: 'onnx_config.json',
  artifact: 'artifact.metadata',
  pylate: 'config_sentence_transformers.json',
  sentenceBert: 'sentence_bert_config.json',
  modules: 'modules.json',
  dense: '1_Dense/config.json',
  secondDense: '2_Dense/config.json',
} as const;

const denseFolder = /^(\d+)_Dense$/;

/**
 * @param files parsed JSON by name; what is not there is left out
 * @throws 'model-invalid' where none says how the model is asked, or one says it wrongly
 */
export function readSettings(files: ReadonlyMap<string, unknown>): ColbertSettings {
  if (files.has(settingsFiles.onnx)) return readOnnxConfig(files.get(settingsFiles.onnx));
  if (files.has(settingsFiles.artifact)) return readArtifactMetadata(files.get(settingsFiles.artifact));
  if (files.has(settingsFiles.pylate)) {
    const { pylate, sentenceBert } = settingsFiles;
    const config = files.get(pylate);
    if (typeof config === 'object' && config !== null && 'embedding_dim' in config)
      return readOnnxConfig(config, pylate);
    const dense = `${denseFolders(files).at(-1) ?? '1_Dense'}/config.json`;
    return readPyLateConfig(config, files.get(dense), files.get(sentenceBert) ?? {}, dense);
  }
  throw new LateralError(
    'model-invalid',
    `Nothing says how this model is asked: it has none of ${settingsFiles.onnx}, ${settingsFiles.artifact} and ` +
      `${settingsFiles.pylate}. It may be a model of one vector per text, which Lateral cannot use.`,
  );
}

const modulesJson = v.array(v.object({ path: v.string(), type: v.string() }), 'must be a list of modules');

/**
 * Folders of the linear layers that PyLate runs after the transformer, in their order: those of modules.json, or without one,
 * those that there are. All but these and the transformer are dropped by PyLate too.
 * @param files parsed JSON by path
 */
export function denseFolders(files: ReadonlyMap<string, unknown>): readonly string[] {
  const { modules } = settingsFiles;
  if (files.has(modules)) {
    return parse(modulesJson, files.get(modules), modules).flatMap(({ path, type }) =>
      type.split('.').includes('Dense') ? path : [],
    );
  }
  const numberOf = (folder: string): number => Number(denseFolder.exec(folder)![1]);
  return [...files.keys()]
    .flatMap((path) => (isDenseFile(path, 'config.json') ? path.slice(0, path.indexOf('/')) : []))
    .sort((a, b) => numberOf(a) - numberOf(b));
}

/** Whether a path is this file of one of PyLate's linear layers. */
export function isDenseFile(path: string, name: 'config.json' | 'model.safetensors'): boolean {
  const [folder = '', file, ...rest] = path.split('/');
  return denseFolder.test(folder) && file === name && rest.length === 0;
}

const positive = v.pipe(
  v.number('must be a positive integer'),
  v.check((n) => Number.isInteger(n) && n > 0, 'must be a positive integer'),
);
const id = v.pipe(
  v.number('must be an id'),
  v.check((n) => Number.isInteger(n) && n >= 0, 'must be an id'),
);
const flag = v.boolean('must be true or false');
const token = v.pipe(v.string('must be a token'), v.nonEmpty('must be a token'));
const words = v.array(v.string('must be a list of words'), 'must be a list of words');

const artifactMetadata = v.object({
  query_maxlen: positive,
  doc_maxlen: positive,
  query_token_id: token,
  doc_token_id: token,
  attend_to_mask_tokens: flag,
  mask_punctuation: flag,
  dim: positive,
});

/** As Stanford ColBERT and Jina write it. @throws 'model-invalid' for a field that is missing or of another type */
export function readArtifactMetadata(json: unknown): ColbertSettings {
  const fields = parse(artifactMetadata, json, settingsFiles.artifact);
  return {
    queryLength: fields.query_maxlen,
    documentLength: fields.doc_maxlen,
    queryMarker: fields.query_token_id,
    documentMarker: fields.doc_token_id,
    doQueryExpansion: true, // Stanford's format has no way to turn it off
    attendToExpansionTokens: fields.attend_to_mask_tokens,
    skiplistWords: fields.mask_punctuation ? Array.from(asciiPunctuation) : [],
    skiplistBy: 'first-token',
    lowerCase: false,
    dim: fields.dim,
    statedIds: {},
  };
}

const pylateConfig = v.object({
  query_prefix: token,
  document_prefix: token,
  query_length: positive,
  document_length: positive,
  attend_to_expansion_tokens: v.optional(flag, false),
  // PyLate fills queries up unless it is told not to.
  do_query_expansion: v.optional(flag, true),
  skiplist_words: v.optional(words, Array.from(asciiPunctuation)),
  // Sentence Transformers puts the default prompt before every text.
  prompts: v.optional(v.record(v.string(), v.string()), {}),
  default_prompt_name: v.nullish(v.string()),
});

const denseConfig = v.object({ out_features: positive });
const sentenceBertConfig = v.object({ do_lower_case: v.optional(flag, false) });

/**
 * @param dense of the last linear layer, for the dimension
 * @param sentenceBert {} where there is none
 * @throws 'model-invalid'
 */
export function readPyLateConfig(
  config: unknown,
  dense: unknown,
  sentenceBert: unknown,
  denseFile: string = settingsFiles.dense,
): ColbertSettings {
  const fields = parse(pylateConfig, config, settingsFiles.pylate);
  return {
    ...fromPyLate(fields),
    lowerCase: parse(sentenceBertConfig, sentenceBert, settingsFiles.sentenceBert).do_lower_case,
    dim: parse(denseConfig, dense, denseFile).out_features,
    statedIds: {},
  };
}

const onnxConfig = v.object({
  ...pylateConfig.entries,
  // Who exports a model writes down what it was asked with; PyLate's own default is no longer of use here.
  skiplist_words: v.optional(words, []),
  embedding_dim: positive,
  do_lower_case: v.optional(flag, false),
  query_prefix_id: v.nullish(id),
  document_prefix_id: v.nullish(id),
  mask_token_id: v.nullish(id),
  pad_token_id: v.nullish(id),
});

/** As LightOn's export writes it. @throws 'model-invalid' */
export function readOnnxConfig(json: unknown, file: string = settingsFiles.onnx): ColbertSettings {
  const fields = parse(onnxConfig, json, file);
  const ids = {
    queryMarkerId: fields.query_prefix_id,
    documentMarkerId: fields.document_prefix_id,
    maskId: fields.mask_token_id,
    padId: fields.pad_token_id,
  };
  const stated = Object.entries(ids).filter(([, value]) => value !== null && value !== undefined);
  return {
    ...fromPyLate(fields),
    lowerCase: fields.do_lower_case,
    dim: fields.embedding_dim,
    statedIds: Object.fromEntries(stated),
  };
}

function fromPyLate(fields: v.InferOutput<typeof pylateConfig>) {
  const prompt = fields.prompts[fields.default_prompt_name ?? ''] ?? '';
  if (prompt !== '') {
    throw new LateralError(
      'model-invalid',
      `The model puts the prompt ${JSON.stringify(prompt)} before every text, which is not done here. Save it without a default prompt.`,
    );
  }
  return {
    queryLength: fields.query_length,
    documentLength: fields.document_length,
    queryMarker: fields.query_prefix,
    documentMarker: fields.document_prefix,
    doQueryExpansion: fields.do_query_expansion,
    attendToExpansionTokens: fields.attend_to_expansion_tokens,
    skiplistWords: fields.skiplist_words,
    skiplistBy: 'vocabulary',
  } as const;
}

function parse<Schema extends v.GenericSchema>(schema: Schema, json: unknown, file: string): v.InferOutput<Schema> {
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw new LateralError(
    'model-invalid',
    path === null
      ? `${file} is missing, or is not a JSON object.`
      : `${file}: ${path} ${issue.input === undefined ? 'is missing.' : `${issue.message}, not ${JSON.stringify(issue.input)}.`}`,
    { details: { file } },
  );
}
