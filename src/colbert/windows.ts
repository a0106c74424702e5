/**
 * Long documents → rows of their passages that know what stands around them. The passages' tokens, one after another, are cut into
 * overlapping windows, each of which is read as a document of its own; every token keeps the row of the window in which it stands
 * furthest from a border, and the rows are handed back passage by passage (as "late chunking" does: Günther and others 2024,
 * arXiv 2409.04701, there for one pooled vector a passage).
 *
 *   passages      |  p0  |    p1    |   p2   |      p3      |
 *   window 0      [CLS D·············· SEP]                        the first half of an overlap is the window's before it,
 *   window 1                 [CLS D ···|·············· SEP]        the second half that of the window behind it
 *   owned         |--------- 0 --------|-------- 1 -----------|
 *
 * Passages are tokenized one by one, so that no token spans two of them, which row is which token follows from the passage's
 * text alone (ranking lights words by it), and the rows do not depend on alignment.
 */
import type { Fingerprint, LongDocument } from '../types.ts';
import type { ColbertConfig } from './config.ts';
import type { EncodedText, Encoder } from './encoder.ts';
import { documentSequence, firstTextPosition } from './sequence.ts';

/**
 * How a fingerprint names the methods: for windows with their length and overlap in tokens, which the rows follow from. A model that
 * reads less has shorter windows; its name and version, which stand beside this, say how much it reads.
 */
export const longDocumentMethods: Readonly<Record<LongDocument, Fingerprint['longDocument']>> = {
  passage: 'truncate',
  window: 'window-1024-256',
  whole: 'window-8192-2048',
};

export interface WindowSize {
  /** Tokens of a window at most, [CLS], marker and [SEP] included. */
  readonly length: number;
  /** Tokens of the text that two neighbours share. */
  readonly overlap: number;
}

/** @returns null where each passage is read by itself */
export function windowSize(
  method: Fingerprint['longDocument'],
  { documentLength }: Pick<ColbertConfig, 'documentLength'>,
): WindowSize | null {
  const [, length, overlap] = /^window-(\d+)-(\d+)$/.exec(method) ?? [];
  if (length === undefined || overlap === undefined) return null;
  const shorter = Math.min(Number(length), documentLength);
  return { length: shorter, overlap: Math.min(Number(overlap), Math.floor(shorter / 4)) };
}

/** Tokens of the text, `[start, end)`. */
export interface Window {
  readonly start: number;
  readonly end: number;
  /** Those that keep this window's rows: `[from, to)`. The windows' own tokens follow one another without a gap. */
  readonly from: number;
  readonly to: number;
}

/**
 * As few windows as will do, all of nearly the same length, so that none has a short one's lack of context. Neighbours share exactly
 * `overlap` tokens: each token has at least half of that on both sides, unless the document ends before.
 * @returns at least one
 */
export function planWindows(numTokens: number, { length, overlap }: WindowSize): Window[] {
  const room = length - firstTextPosition - 1; // [SEP]
  const numWindows = Math.max(1, Math.ceil((numTokens - overlap) / (room - overlap)));
  if (numWindows === 1) return [{ start: 0, end: numTokens, from: 0, to: numTokens }];
  const half = Math.floor(overlap / 2);
  const startOf = (window: number): number => Math.floor((window * (numTokens - overlap)) / numWindows);
  return Array.from({ length: numWindows }, (_, window) => {
    const [start, end] = [startOf(window), startOf(window + 1) + overlap];
    return {
      ...{ start, end },
      from: window === 0 ? 0 : start + half,
      to: window === numWindows - 1 ? numTokens : startOf(window + 1) + half,
    };
  });
}

/**
 * Which token each stored row of a passage is of, by its place among the passage's own; null for the rows of [CLS], the marker and
 * [SEP], which stand around them. Punctuation has no row, nor has what is cut off where each passage is read by itself.
 */
export function storedTokens(
  ids: readonly number[],
  config: ColbertConfig,
  method: Fingerprint['longDocument'],
): readonly (number | null)[] {
  const size = windowSize(method, config);
  const textTokens = size === null ? documentSequence(ids, config).textTokens : ids.length;
  return [null, null, ...keptTokens(ids.slice(0, textTokens), config), null];
}

function keptTokens(ids: readonly number[], { skiplist }: ColbertConfig): number[] {
  return ids.flatMap((id, token) => (skiplist.has(id) ? [] : [token]));
}

export interface PassageRows {
  /**
   * [numTokens, dim] unit rows: [CLS], the marker, the passage's own tokens without punctuation, [SEP]. The special ones are of the
   * window that has the token in the passage's middle, so that passages of one window share them.
   */
  readonly rows: Float32Array;
  readonly numTokens: number;
}

/** Tokens that are handed to the encoder at a time: bounds the rows that are held. */
const tokensAtOnce = 4096;

/**
 * @param documents for each document the token ids of its passages
 * @param encode as `Encoder.encodeIds`
 * @returns the rows of all passages of all documents, in order, each as soon as its last window is read
 */
export async function* encodeInWindows(
  { config, dim }: Pick<Encoder, 'config' | 'dim'>,
  documents: AsyncIterable<readonly (readonly number[])[]> | Iterable<readonly (readonly number[])[]>,
  size: WindowSize,
  encode: (texts: readonly (readonly number[])[]) => Promise<readonly EncodedText[]>,
): AsyncGenerator<PassageRows> {
  let waiting: { readonly ids: readonly number[]; readonly window: Window; readonly document: Assembly }[] = [];
  let tokens = 0;
  const read = async function* (): AsyncGenerator<PassageRows> {
    const encoded = await encode(waiting.map(({ ids }) => ids));
    for (const [i, { window, document }] of waiting.entries()) yield* document.take(window, encoded[i]!);
    waiting = [];
    tokens = 0;
  };
  for await (const passages of documents) {
    if (passages.length === 0) continue;
    const all = passages.flat();
    const document = new Assembly(passages, config, dim);
    for (const window of planWindows(all.length, size)) {
      const { start, end } = window;
      if (waiting.length > 0 && tokens + end - start > tokensAtOnce) yield* read();
      waiting.push({ ids: all.slice(start, end), window, document });
      tokens += end - start;
    }
  }
  if (waiting.length > 0) yield* read();
}

/** Puts the rows of a document's passages together, window by window. */
class Assembly {
  readonly #passages: readonly (readonly number[])[];
  readonly #config: ColbertConfig;
  readonly #dim: number;
  /** The passage that is being filled, where it begins among the document's tokens, and what it has so far. */
  #passage = 0;
  #start = 0;
  #rows: Float32Array[] = [];
  #frame: Frame | null = null;

  constructor(passages: readonly (readonly number[])[], config: ColbertConfig, dim: number) {
    this.#passages = passages;
    this.#config = config;
    this.#dim = dim;
  }

  /** @returns the passages that are whole now */
  *take(window: Window, { rows, sequence }: EncodedText): Generator<PassageRows> {
    const rowOf = new Map(sequence.kept.map((position, row) => [position, row]));
    const rowAt = (position: number): Float32Array => {
      const row = rowOf.get(position)!;
      return rows.subarray(row * this.#dim, (row + 1) * this.#dim);
    };
    const frame: Frame = { before: [rowAt(0), rowAt(1)], after: rowAt(sequence.inputIds.length - 1) };
    for (; this.#passage < this.#passages.length; this.#passage++) {
      const ids = this.#passages[this.#passage]!;
      const end = this.#start + ids.length;
      for (let token = Math.max(this.#start, window.from); token < Math.min(end, window.to); token++) {
        if (this.#config.skiplist.has(ids[token - this.#start]!)) continue;
        this.#rows.push(rowAt(firstTextPosition + token - window.start));
      }
      if (this.#start + Math.floor(ids.length / 2) < window.to) this.#frame ??= frame;
      if (end > window.to) return;
      const { before, after } = this.#frame ?? frame;
      yield joined([...before, ...this.#rows, after], this.#dim);
      this.#rows = [];
      this.#frame = null;
      this.#start = end;
    }
  }
}

/** Rows of the special tokens around a window's text. */
interface Frame {
  readonly before: readonly Float32Array[];
  readonly after: Float32Array;
}

function joined(rows: readonly Float32Array[], dim: number): PassageRows {
  const all = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => all.set(row, i * dim));
  return { rows: all, numTokens: rows.length };
}
