/**
 * Text → token ids, by the tokenizer that the model ships with. The only import of @huggingface/transformers; its
 * downloads and caches are not used: the files are handed in.
 *
 * A deliberate difference from the reference: words of a text that look like special tokens ("[MASK]", "[SEP]") are read
 * as plain text, so that no document can plant a marker in a sequence.
 */
import { PreTrainedTokenizer } from '@huggingface/transformers';
import { LateralError } from '../errors.ts';
import type { ColbertConfig, ColbertSettings, StatedId } from './config.ts';

export interface TextTokenizer {
  /** Ids of the text alone, without specials. */
  encode(text: string): number[];
  /** The token as the vocabulary spells it ("##ing", "▁the"). */
  tokenOf(id: number): string;
  /** What the tokenizer makes of a text before it splits it: lower case, accents away, … */
  normalize(text: string): string;
  readonly unknownId: number | undefined;
  /** Whether the token tells nothing of the text it stands for: the unknown token, or one byte of an unknown character. */
  isUnknown(id: number): boolean;
  /** 'wordpiece' marks continuations ("##ing"), 'metaspace' beginnings ("▁the"), 'bytelevel' beginnings ("Ġthe"). */
  readonly spelling: 'wordpiece' | 'metaspace' | 'bytelevel';
}

export interface TokenizerFiles {
  readonly tokenizerJson: unknown;
  readonly tokenizerConfig: unknown;
}

/**
 * @returns the tokenizer and the settings completed with its ids
 * @throws 'model-invalid' where a marker or special token is not in the vocabulary, or has another id than the files state
 */
export function loadTokenizer(
  files: TokenizerFiles,
  settings: ColbertSettings,
): { readonly tokenizer: TextTokenizer; readonly config: ColbertConfig } {
  const json = files.tokenizerJson as TokenizerJson | null;
  if (typeof json !== 'object' || json === null || typeof json.model !== 'object' || json.model === null) {
    throw new LateralError(
      'model-invalid',
      'tokenizer.json is not a tokenizer: it has no model. Download the model again.',
    );
  }
  // Some models have their markers as plain words ("[Q] ").
  const markers = [settings.queryMarker, settings.documentMarker];
  const isPlain = ({ special, content }: AddedToken): boolean => !special && !markers.includes(content);
  // Exporters that leave tokenizer_config.json out still have the unknown token in the vocabulary's own settings.
  const { unk_token: unknown } = json.model;
  const tokenizerConfig = {
    ...(typeof unknown === 'string' && { unk_token: unknown }),
    ...(files.tokenizerConfig ?? {}),
  };
  const plain = build({ ...json, added_tokens: (json.added_tokens ?? []).filter(isPlain) }, tokenizerConfig);
  const full = build(json, tokenizerConfig);

  const cased = (text: string): string => (settings.lowerCase ? text.toLowerCase() : text);
  // Sentence Transformers, and so PyLate, strips texts: pairs of bytes would be other tokens with the space.
  const encode = (text: string): number[] => {
    const stripped = text.trim();
    return stripped === '' ? [] : plain(cased(stripped), { return_tensor: false, add_special_tokens: false }).input_ids;
  };
  const specials = full('', { return_tensor: false }).input_ids;
  const [prefixId, suffixId] = specials;
  if (specials.length !== 2 || prefixId === undefined || suffixId === undefined) {
    throw new LateralError(
      'model-invalid',
      `The tokenizer wraps a text in ${specials.length} special tokens; 2 are expected.`,
    );
  }
  const ids = idsOf(full, settings);

  const skiplist = new Set<number>();
  for (const word of settings.skiplistWords) {
    // A word that the vocabulary lacks is the unknown token, also to PyLate, which then drops every one of these.
    const id =
      settings.skiplistBy === 'first-token'
        ? encode(word)[0]
        : (full._tokenizer.token_to_id(word) ?? full.unk_token_id);
    if (id !== undefined) skiplist.add(id);
  }

  const inner = plain._tokenizer as unknown as { readonly normalizer: ((text: string) => string) | null };
  const tokenOf = (id: number): string => full._tokenizer.id_to_token(id) ?? '';
  return {
    tokenizer: {
      encode,
      tokenOf,
      isUnknown: (id) => id === full.unk_token_id || byteOf(tokenOf(id)) !== null,
      normalize: (text) => (inner.normalizer === null ? cased(text) : inner.normalizer(cased(text))),
      unknownId: full.unk_token_id,
      spelling: spellingOf(json),
    },
    config: { ...settings, ...ids, prefixId, suffixId, skiplist },
  };
}

/** Of the markers, the mask and the padding. */
function idsOf(tokenizer: PreTrainedTokenizer, settings: ColbertSettings): Record<StatedId, number> {
  const { queryMarker, documentMarker, doQueryExpansion, statedIds } = settings;
  const idOf = (token: string | null | undefined, role: string, stated: number | undefined): number => {
    const id = token === undefined || token === null ? stated : tokenizer._tokenizer.token_to_id(token);
    if (id === undefined) {
      throw new LateralError('model-invalid', `The tokenizer has no ${role} (${JSON.stringify(token ?? null)}).`);
    }
    if (stated !== undefined && stated !== id) {
      throw new LateralError(
        'model-invalid',
        `The tokenizer's ${role} ${JSON.stringify(token)} has the id ${id}; the model's files say ${stated}. ` +
          'They belong to different models, or to different versions of one: download it again.',
      );
    }
    return id;
  };
  const padId = idOf(tokenizer.pad_token, 'padding token', statedIds.padId);
  const maskToken = tokenizer.mask_token as string | null | undefined; // the library's type says that there always is one
  const needsMask = doQueryExpansion || (maskToken ?? statedIds.maskId) !== undefined;
  return {
    queryMarkerId: idOf(queryMarker, 'query marker', statedIds.queryMarkerId),
    documentMarkerId: idOf(documentMarker, 'document marker', statedIds.documentMarkerId),
    maskId: needsMask ? idOf(maskToken, 'mask token', statedIds.maskId) : padId,
    padId,
  };
}

/** The byte that a token of byte fallback stands for (`<0xE6>`), or null for any other token. */
export function byteOf(token: string): number | null {
  const hex = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1];
  return hex === undefined ? null : Number.parseInt(hex, 16);
}

interface AddedToken {
  readonly content: string;
  readonly special: boolean;
}

interface TokenizerJson {
  readonly model?: { readonly type?: string; readonly unk_token?: string | null } | null;
  readonly added_tokens?: readonly AddedToken[];
  readonly pre_tokenizer?: {
    readonly type?: string;
    readonly pretokenizers?: readonly { readonly type?: string }[];
  } | null;
}

function build(json: unknown, config: unknown): PreTrainedTokenizer {
  try {
    return new PreTrainedTokenizer(json, config);
  } catch (cause) {
    throw new LateralError('model-invalid', 'tokenizer.json could not be read. Download the model again.', { cause });
  }
}

function spellingOf(json: TokenizerJson): TextTokenizer['spelling'] {
  if (json.model?.type === 'WordPiece') return 'wordpiece';
  const steps = [json.pre_tokenizer?.type, ...(json.pre_tokenizer?.pretokenizers ?? []).map((step) => step.type)];
  return steps.includes('ByteLevel') ? 'bytelevel' : 'metaspace';
}
