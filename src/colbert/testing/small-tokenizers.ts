/** A tokenizer of each family, small enough to be read here. */
import { asciiPunctuation, type ColbertConfig, type ColbertSettings } from '../config.ts';
import { loadTokenizer, type TextTokenizer, type TokenizerFiles } from '../tokenizer.ts';

/** A tokenizer, and the settings it was loaded with. */
export interface SmallTokenizer {
  readonly tokenizer: TextTokenizer;
  readonly config: ColbertConfig;
  readonly files: TokenizerFiles;
}

const markers = ['[QueryMarker]', '[DocumentMarker]'];
const special = { special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };

/** Byte-pair merges, "▁" before words, bytes for what it lacks. */
export function metaspaceTokenizer(): TextTokenizer {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const merges = [
    ['▁', 't'],
    ['h', 'e'],
    ['▁t', 'he'],
    ['▁', 'r'],
    ['▁r', 'i'],
    ['v', 'e'],
    ['▁ri', 've'],
    ['▁rive', 'r'],
  ];
  return tokenizer(
    ['<s>', '</s>', '<pad>', '<unk>', '<mask>'],
    [...bytes, ...Array.from('▁abcdefghijklmnopqrstuvwxyz.,'), ...merges.map((pair) => pair.join(''))],
    {
      normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKC' }, { type: 'Lowercase' }] },
      pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
      model: { type: 'BPE', byte_fallback: true, fuse_unk: false, merges },
    },
  );
}

/** BERT's: lower case without accents, "##" before what goes on a word, one unknown token for words it cannot spell. */
export function wordPieceTokenizer(): TextTokenizer {
  const letters = [
    'az',
    '09',
    'ας',
    'τω',
    'ая',
    'את',
    'ءي',
    'ァヶ',
    'ぁん',
    'กฮ',
    'ᄀᇂ',
    '!/',
    ':@',
    '[`',
    '{~',
  ].flatMap((range) => {
    const [first, last] = Array.from(range, (letter) => letter.codePointAt(0)!) as [number, number];
    return Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i));
  });
  const words = [
    'cafe',
    'time',
    'river',
    'rivers',
    'see',
    'there',
    'tower',
    'now',
    'si',
    '##lt',
    '##ing',
    '東',
    '京',
    '漢',
    '字',
  ];
  return tokenizer(
    ['[CLS]', '[SEP]', '[PAD]', '[UNK]', '[MASK]'],
    [...new Set([...letters, 'σ', ...letters.map((letter) => `##${letter}`), '##σ', ...words])],
    {
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      model: { type: 'WordPiece', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
    },
  );
}

/** A model of PyLate's that heeds case: its markers are words like others, and its mask is the padding (LightOn's mLateOn). */
export function pylateTokenizer(
  settings: Partial<ColbertSettings> = {},
  morePieces: readonly string[] = [],
): SmallTokenizer {
  const pieces = ['!', '##!', 'river', 'River', 'see', '[', ']', 'Q', 'q', ...morePieces];
  return load(
    ['[CLS]', '[SEP]', '[MASK]', '[UNK]', '[MASK]'],
    pieces,
    {
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: false,
        lowercase: false,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      model: { type: 'WordPiece', continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
    },
    { queryMarker: '[Q] ', documentMarker: '[D] ', doQueryExpansion: false, skiplistBy: 'vocabulary', ...settings },
    false,
  );
}

function tokenizer(...parts: Parameters<typeof load>): TextTokenizer {
  return load(...parts).tokenizer;
}

/**
 * @param specials start, end, padding, unknown, mask
 * @param specialMarkers whether the markers are special tokens, or words like others
 */
function load(
  specials: readonly [string, string, string, string, string],
  pieces: readonly string[],
  { model, ...parts }: { readonly model: object } & Record<string, object>,
  given: Partial<ColbertSettings> = {},
  specialMarkers = true,
): SmallTokenizer {
  const [start, end, pad, unknown, mask] = specials;
  const settings: ColbertSettings = {
    ...{ queryLength: 32, documentLength: 8192, queryMarker: markers[0]!, documentMarker: markers[1]!, dim: 128 },
    ...{ doQueryExpansion: true, attendToExpansionTokens: true, lowerCase: false, statedIds: {} },
    ...{ skiplistWords: Array.from(asciiPunctuation), skiplistBy: 'first-token' },
    ...given,
  };
  const own = [settings.queryMarker, settings.documentMarker];
  const added = [...new Set([...specials, ...own])];
  const tokenizerJson = {
    version: '1.0',
    added_tokens: added.map((content, id) => ({
      ...special,
      id,
      content,
      special: specialMarkers || !own.includes(content),
    })),
    ...parts,
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: start, type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: end, type_id: 0 } },
      ],
      pair: [],
      special_tokens: Object.fromEntries([start, end].map((id, place) => [id, { id, ids: [place], tokens: [id] }])),
    },
    decoder: null,
    model: {
      ...model,
      unk_token: unknown,
      vocab: Object.fromEntries([...added, ...pieces].map((piece, id) => [piece, id])),
    },
  };
  const tokenizerConfig = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...{ unk_token: unknown, pad_token: pad, mask_token: mask, cls_token: start, sep_token: end },
  };
  const files = { tokenizerJson, tokenizerConfig };
  return { ...loadTokenizer(files, settings), files };
}
