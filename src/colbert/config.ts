/**
 * What a ColBERT model needs to know about itself: lengths, markers, expansion, skiplist. Read from the files that the
 * model ships with (settings.ts), checked once when it is loaded, trusted afterwards.
 */
export interface ColbertSettings {
  /** Tokens of a query, marker and specials included. */
  readonly queryLength: number;
  /** Tokens of a document, marker and specials included. */
  readonly documentLength: number;
  readonly queryMarker: string;
  readonly documentMarker: string;
  /** Fill queries up to `queryLength` with mask tokens (query augmentation, Khattab & Zaharia 2020). */
  readonly doQueryExpansion: boolean;
  /** Whether attention sees the fill. */
  readonly attendToExpansionTokens: boolean;
  /** Words whose vectors are dropped in documents: punctuation, most often. */
  readonly skiplistWords: readonly string[];
  /** The id of such a word: the first that it is encoded to (Stanford), or its own in the vocabulary (PyLate). */
  readonly skiplistBy: 'first-token' | 'vocabulary';
  /** Whether texts are put in lower case ahead of the tokenizer. */
  readonly lowerCase: boolean;
  /** The dimension the graph puts out. */
  readonly dim: number;
  /** Ids that the files name beside the tokens: another id in the tokenizer is an error. */
  readonly statedIds: Partial<Record<StatedId, number>>;
}

export type StatedId = 'queryMarkerId' | 'documentMarkerId' | 'maskId' | 'padId';

/** Settings with the ids that the tokenizer gives them. */
export interface ColbertConfig extends ColbertSettings {
  readonly queryMarkerId: number;
  readonly documentMarkerId: number;
  /** Of no use without expansion: the padding's where the tokenizer has none. */
  readonly maskId: number;
  readonly padId: number;
  /** `[CLS]`, `<s>` */
  readonly prefixId: number;
  /** `[SEP]`, `</s>` */
  readonly suffixId: number;
  /** Ids of `skiplistWords`: their document vectors are not stored. */
  readonly skiplist: ReadonlySet<number>;
}

/** Every ASCII punctuation character, as Python's string.punctuation. */
export const asciiPunctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';
