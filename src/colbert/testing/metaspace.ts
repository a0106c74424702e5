/** A tokenizer of the other family, small enough to be read here: byte-pair merges, "▁" before words, bytes for what it lacks. */
import { loadTokenizer, type TextTokenizer } from '../tokenizer.ts';

const specials = ['<s>', '<pad>', '</s>', '<unk>', '<mask>', '[QueryMarker]', '[DocumentMarker]'];
const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
const letters = Array.from('▁abcdefghijklmnopqrstuvwxyz.,');
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
const vocabulary = [...specials, ...bytes, ...letters, ...merges.map((pair) => pair.join(''))];

export function metaspaceTokenizer(): TextTokenizer {
  const tokenizerJson = {
    version: '1.0',
    added_tokens: specials.map((content, id) => ({
      ...{ id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
    })),
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKC' }, { type: 'Lowercase' }] },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '<s>', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '</s>', type_id: 0 } },
      ],
      pair: [],
      special_tokens: Object.fromEntries(
        ['<s>', '</s>'].map((id) => [id, { id, ids: [specials.indexOf(id)], tokens: [id] }]),
      ),
    },
    decoder: null,
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      byte_fallback: true,
      fuse_unk: false,
      vocab: Object.fromEntries(vocabulary.map((piece, id) => [piece, id])),
      merges,
    },
  };
  const tokenizerConfig = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    unk_token: '<unk>',
    pad_token: '<pad>',
    mask_token: '<mask>',
    bos_token: '<s>',
    eos_token: '</s>',
  };
  const settings = {
    ...{
      queryLength: 32,
      documentLength: 8192,
      queryMarker: '[QueryMarker]',
      documentMarker: '[DocumentMarker]',
      dim: 128,
    },
    ...{ doQueryExpansion: true, attendToExpansionTokens: true, maskPunctuation: true },
  };
  return loadTokenizer({ tokenizerJson, tokenizerConfig }, settings).tokenizer;
}
