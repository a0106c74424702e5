/**
 * Text → token ids, by the tokenizer that the model ships with. The only import of @huggingface/transformers; its
 * downloads and caches are not used: the files are handed in.
 *
 * A deliberate difference from the reference: words of a text that look like special tokens ("[MASK]", "[SEP]") are read
 * as plain text, so that no document can plant a marker in a sequence.
 */
import { PreTrainedTokenizer } from '@huggingface/transformers';
import { LateralError } from '../errors.ts';
import { asciiPunctuation, type ColbertConfig, type ColbertSettings } from './config.ts';

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
 * @throws 'model-invalid' where a marker or special token is not in the vocabulary
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
  const plain = build(
    { ...json, added_tokens: (json.added_tokens ?? []).filter((token) => !token.special) },
    files.tokenizerConfig,
  );
  const full = build(json, files.tokenizerConfig);

  const encode = (text: string): number[] =>
    text === '' ? [] : plain(text, { return_tensor: false, add_special_tokens: false }).input_ids;
  const specials = full('', { return_tensor: false }).input_ids;
  const [prefixId, suffixId] = specials;
  if (specials.length !== 2 || prefixId === undefined || suffixId === undefined) {
    throw new LateralError(
      'model-invalid',
      `The tokenizer wraps a text in ${specials.length} special tokens; 2 are expected.`,
    );
  }
  const idOf = (token: string | undefined, role: string): number => {
    const id = token === undefined ? undefined : full._tokenizer.token_to_id(token);
    if (id === undefined) {
      throw new LateralError('model-invalid', `The tokenizer has no ${role} (${String(token)}).`);
    }
    return id;
  };

  const skiplist = new Set<number>();
  if (settings.maskPunctuation) {
    for (const character of asciiPunctuation) {
      const first = encode(character)[0];
      if (first !== undefined) skiplist.add(first);
    }
  }

  const inner = plain._tokenizer as unknown as { readonly normalizer: ((text: string) => string) | null };
  const tokenOf = (id: number): string => full._tokenizer.id_to_token(id) ?? '';
  return {
    tokenizer: {
      encode,
      tokenOf,
      isUnknown: (id) => id === full.unk_token_id || byteOf(tokenOf(id)) !== null,
      normalize: (text) => (inner.normalizer === null ? text : inner.normalizer(text)),
      unknownId: full.unk_token_id,
      spelling: spellingOf(json),
    },
    config: {
      ...settings,
      prefixId,
      suffixId,
      queryMarkerId: idOf(settings.queryMarker, 'query marker'),
      documentMarkerId: idOf(settings.documentMarker, 'document marker'),
      maskId: idOf(full.mask_token, 'mask token'),
      padId: idOf(full.pad_token, 'padding token'),
      skiplist,
    },
  };
}

/** The byte that a token of byte fallback stands for (`<0xE6>`), or null for any other token. */
export function byteOf(token: string): number | null {
  const hex = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1];
  return hex === undefined ? null : Number.parseInt(hex, 16);
}

interface TokenizerJson {
  readonly model?: { readonly type?: string } | null;
  readonly added_tokens?: readonly { readonly special: boolean }[];
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
