/**
 * ColBERT models on the hub: where their files are, what they are known to expect, under which licence, and how good they are
 * said to be. What a model's own files say is read when it is loaded (colbert/settings.ts); where `expects` says otherwise the
 * load fails. What nobody has checked stands in `unsure`, and the page shows it.
 */
import type { ColbertSettings, StatedId } from '../colbert/config.ts';
import { LateralError } from '../errors.ts';

export interface HubModel {
  readonly id: string;
  readonly title: string;
  readonly card: ModelCard;
  /** owner/name */
  readonly repository: string;
  /** Commit, tag or branch; resolved to a commit before the first file is fetched. */
  readonly revision: string;
  /** null where the repository has none: `instead` then says what would work. */
  readonly onnx: OnnxFiles | null;
  readonly instead?: string;
  /** Dimensions it serves, largest first. */
  readonly heads: readonly Head[];
  /** What its files must say, as far as it is known for certain. */
  readonly expects: Expected;
  /** Known better than its files say. */
  readonly settings?: Partial<ColbertSettings>;
  /** What is not known for certain, in words. */
  readonly unsure: readonly string[];
}

export interface OnnxFiles {
  readonly file: string;
  /** External data beside it. */
  readonly data: readonly string[];
  /** Of all files together, bytes. */
  readonly downloadBytes: number;
  /** 'int8': somebody has quantised it already, and it is used as it is. */
  readonly weights: 'fp32' | 'int8';
}

/** Where the rows of one dimension come from. */
export interface Head {
  readonly dim: number;
  /** 'graph': the ONNX has it. 'leading': its first components (Matryoshka). Else the projection of another repository. */
  readonly from: 'graph' | 'leading' | SafetensorsHead;
}

/** A linear layer without bias, [dim, hidden], read by range. */
export interface SafetensorsHead {
  readonly repository: string;
  readonly file: string;
  readonly tensor: string;
}

export type Expected = Partial<Omit<ColbertSettings, 'skiplistWords' | 'statedIds'> & Record<StatedId, number>>;

export interface ModelCard {
  readonly licence: Licence;
  /** ISO 639-1 codes, or how many there are. */
  readonly languages: readonly string[] | number;
  readonly parameters: number;
  /** As published by its makers. */
  readonly quality: readonly Quality[];
}

export interface Licence {
  /** SPDX */
  readonly name: string;
  readonly url: string;
  /** Asks for consent before the download. */
  readonly nonCommercial: boolean;
}

export interface Quality {
  /** 'BEIR', 'MIRACL', 'NanoBEIR' */
  readonly benchmark: string;
  readonly metric: 'nDCG@10';
  readonly value: number;
}

const apache: Licence = {
  name: 'Apache-2.0',
  url: 'https://www.apache.org/licenses/LICENSE-2.0',
  nonCommercial: false,
};
const mit: Licence = { name: 'MIT', url: 'https://opensource.org/license/mit', nonCommercial: false };
const ccByNc: Licence = {
  name: 'CC-BY-NC-4.0',
  url: 'https://creativecommons.org/licenses/by-nc/4.0/',
  nonCommercial: true,
};

const beir = (value: number): Quality => ({ benchmark: 'BEIR', metric: 'nDCG@10', value });
const nanoBeir = (value: number): Quality => ({ benchmark: 'NanoBEIR', metric: 'nDCG@10', value });

/** Of jina-colbert-v2's other dimensions: heads trained apart, so the 128 are never cut. */
const jinaHead = (dim: number): Head => ({
  dim,
  from: { repository: `jinaai/jina-colbert-v2-${dim}`, file: 'model.safetensors', tensor: 'linear.weight' },
});

export const hubModels: readonly HubModel[] = [
  {
    id: 'jina-colbert-v2',
    title: 'jina-colbert-v2',
    repository: 'jinaai/jina-colbert-v2',
    revision: 'main',
    card: {
      licence: ccByNc,
      languages: 89,
      parameters: 559_000_000,
      quality: [beir(0.531), { benchmark: 'MIRACL', metric: 'nDCG@10', value: 0.627 }],
    },
    onnx: {
      file: 'onnx/model.onnx',
      data: ['onnx/model.onnx_data'],
      downloadBytes: 2_233_980_000,
      weights: 'fp32',
    },
    heads: [{ dim: 128, from: 'graph' }, jinaHead(96), jinaHead(64)],
    expects: {
      ...{ queryLength: 32, doQueryExpansion: true, attendToExpansionTokens: true, dim: 128 },
      ...{ queryMarkerId: 250_002, documentMarkerId: 250_003, maskId: 250_001, padId: 1 },
    },
    settings: { documentLength: 8192 }, // its artifact.metadata has Stanford's 300
    unsure: [
      'the name of the output',
      'a revision to pin: one before 25 October 2024 has no projection',
      'the -96 head’s files',
    ],
  },
  {
    id: 'jina-colbert-v1-en',
    title: 'jina-colbert-v1-en',
    repository: 'jinaai/jina-colbert-v1-en',
    revision: 'main',
    card: { licence: apache, languages: ['en'], parameters: 137_000_000, quality: [beir(0.502)] },
    onnx: null,
    instead:
      'No ONNX of it with one vector per token was found. jina-colbert-v2 reads texts as long; answerai-colbert-small-v1 is ' +
      'smaller and better in English. If you have exported it yourself, open its folder.',
    heads: [{ dim: 128, from: 'graph' }],
    expects: { queryLength: 32, dim: 128 },
    settings: { documentLength: 8192 },
    unsure: ['whether an ONNX is there by now', 'its markers'],
  },
  {
    id: 'colbertv2.0',
    title: 'ColBERTv2',
    repository: 'colbert-ir/colbertv2.0',
    revision: 'main',
    card: { licence: mit, languages: ['en'], parameters: 110_000_000, quality: [beir(0.5)] },
    onnx: { file: 'model.onnx', data: [], downloadBytes: 436_000_000, weights: 'fp32' },
    heads: [{ dim: 128, from: 'graph' }],
    expects: {
      ...{ queryLength: 32, documentLength: 180, doQueryExpansion: true, attendToExpansionTokens: false, dim: 128 },
      ...{ queryMarkerId: 1, documentMarkerId: 2 },
    },
    unsure: [],
  },
  {
    id: 'answerai-colbert-small-v1',
    title: 'answerai-colbert-small-v1',
    repository: 'answerdotai/answerai-colbert-small-v1',
    revision: 'main',
    card: { licence: apache, languages: ['en'], parameters: 33_000_000, quality: [beir(0.538)] },
    // Those in onnx/ lack the projection: 384 components.
    onnx: { file: 'vespa_colbert.onnx', data: [], downloadBytes: 133_000_000, weights: 'fp32' },
    heads: [{ dim: 96, from: 'graph' }],
    expects: {
      ...{ queryLength: 32, documentLength: 300, doQueryExpansion: true, attendToExpansionTokens: false, dim: 96 },
      ...{ queryMarkerId: 1, documentMarkerId: 2 },
    },
    unsure: [],
  },
  {
    id: 'mxbai-edge-colbert-v0-17m',
    title: 'mxbai-edge-colbert-v0-17m',
    repository: 'mixedbread-ai/mxbai-edge-colbert-v0-17m',
    revision: 'main',
    card: { licence: apache, languages: ['en'], parameters: 17_000_000, quality: [nanoBeir(0.641)] },
    ...communityExport('mxbai-edge-colbert-v0-17m'),
    heads: [{ dim: 48, from: 'graph' }],
    expects: mxbai(48),
    unsure: ['who keeps an ONNX of it'],
  },
  {
    id: 'mxbai-edge-colbert-v0-32m',
    title: 'mxbai-edge-colbert-v0-32m',
    repository: 'mixedbread-ai/mxbai-edge-colbert-v0-32m',
    revision: 'main',
    card: { licence: apache, languages: ['en'], parameters: 32_000_000, quality: [nanoBeir(0.652)] },
    ...communityExport('mxbai-edge-colbert-v0-32m'),
    heads: [{ dim: 64, from: 'graph' }],
    expects: mxbai(64),
    unsure: ['who keeps an ONNX of it'],
  },
  {
    id: 'gte-modern-colbert-v1',
    title: 'GTE-ModernColBERT-v1',
    repository: 'lightonai/GTE-ModernColBERT-v1',
    revision: 'main',
    card: { licence: apache, languages: ['en'], parameters: 149_000_000, quality: [beir(0.549)] },
    onnx: { file: 'model.onnx', data: [], downloadBytes: 596_000_000, weights: 'fp32' },
    heads: [{ dim: 128, from: 'graph' }],
    expects: { queryLength: 32, documentLength: 300, queryMarker: '[Q] ', documentMarker: '[D] ', dim: 128 },
    unsure: ['the size of the ONNX', 'whether it fills queries up'],
  },
  {
    id: 'mlateon',
    title: 'mLateOn',
    repository: 'lightonai/mLateOn',
    revision: 'main',
    card: { licence: apache, languages: 9, parameters: 307_000_000, quality: [nanoBeir(0.685)] },
    onnx: { file: 'model_int8.onnx', data: [], downloadBytes: 312_000_000, weights: 'int8' },
    heads: [{ dim: 128, from: 'graph' }],
    expects: {
      ...{ queryLength: 8192, documentLength: 8192, doQueryExpansion: false, dim: 128 },
      ...{ queryMarkerId: 256_000, documentMarkerId: 256_001, padId: 4 },
    },
    unsure: ['whether its rows depend on what shares a batch: texts are encoded one by one'],
  },
];

function communityExport(name: string): Pick<HubModel, 'onnx' | 'instead'> {
  return {
    onnx: null,
    instead:
      `Its makers publish no ONNX. Others have exported it: enter such a repository, or open the folder of your own export ` +
      `(${name} with PyLate).`,
  };
}

function mxbai(dim: number): Expected {
  return {
    ...{ queryLength: 48, documentLength: 512, doQueryExpansion: false, lowerCase: true, dim },
    ...{ queryMarker: '[Q] ', documentMarker: '[D] ', queryMarkerId: 50_368, documentMarkerId: 50_369 },
  };
}

/**
 * Settings as a known model's files give them, put right by what is known better, and compared with what is known for certain.
 * @param ids of the tokenizer's tokens
 * @throws 'model-invalid' for the first field that differs
 */
export function checkedSettings(
  { title, expects, settings }: Pick<HubModel, 'title' | 'expects' | 'settings'>,
  read: ColbertSettings,
): ColbertSettings {
  const own = { ...read, ...settings };
  const { queryMarkerId, documentMarkerId, maskId, padId, ...fields } = expects;
  for (const name of Object.keys(fields) as (keyof typeof fields)[]) {
    if (own[name] !== fields[name]) {
      throw new LateralError(
        'model-invalid',
        `${title} is known to have ${name} ${JSON.stringify(fields[name])}; its files say ${JSON.stringify(own[name])}. ` +
          'They are of another version, or of another model: download it again, or give its repository as one of your own.',
        { details: { field: name } },
      );
    }
  }
  const known = Object.entries({ queryMarkerId, documentMarkerId, maskId, padId }).filter(([, id]) => id !== undefined);
  return { ...own, statedIds: { ...own.statedIds, ...Object.fromEntries(known) } };
}
