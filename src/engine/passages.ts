/**
 * The texts of passages for searches, from the store: the documents read last are held, because each key press shows
 * much the same passages again.
 */
import type { IndexStore, NewDocument, TokenRows } from '../store/index-store.ts';
import { wordRanges, type Range } from '../text/words.ts';
import type { Chunk, DocumentRecord, ExtractedText, Fingerprint } from '../types.ts';

export interface Passage {
  readonly record: DocumentRecord;
  readonly document: ExtractedText;
  readonly chunk: Chunk;
  readonly text: string;
  /** Its words, in order, within `text`. */
  readonly words: readonly Range[];
  /**
   * For each of its tokens the stored row that stands for it; null where each has a row of its own, undefined where that is not
   * known: it is missing, or another tab has gone over to another way of pooling.
   */
  readonly tokenRows: Uint16Array | null | undefined;
  /** How its rows were made: which of them is of which token follows from it. */
  readonly longDocument: Fingerprint['longDocument'];
}

export interface DocumentText {
  readonly document: ExtractedText;
  readonly chunks: readonly Chunk[];
}

export interface PassageReader {
  /** The same object for the same passage as long as it is held; null where it was removed meanwhile. */
  read(record: DocumentRecord, ordinal: number): Promise<Passage | null>;
  /** The document's text and passages; null where it was removed meanwhile. */
  document(record: DocumentRecord): Promise<DocumentText | null>;
  /** Holds what is about to be stored: a search that finds it then need not wait for the store, which may be busy writing. */
  keep(document: Pick<NewDocument, 'record' | 'text' | 'chunks' | 'tokenRows'>): void;
}

interface Held extends DocumentText {
  readonly tokenRows: TokenRows | null | undefined;
  readonly passages: Map<number, Passage>;
}

/** Characters of text held at most, and documents. */
const maxCharacters = 4_000_000;
const maxDocuments = 200;

/** @param poolFactor of the index: without pooling there are no token rows to look for */
export function createPassageReader(
  store: IndexStore,
  { poolFactor, longDocument }: Pick<Fingerprint, 'poolFactor' | 'longDocument'>,
): PassageReader {
  /** Least recently read first. */
  const held = new Map<string, Promise<Held | null>>();
  const sizes = new Map<string, number>();

  async function load({ id, tokenCount }: DocumentRecord): Promise<Held | null> {
    const [document, chunks, tokenRows] = await Promise.all([
      store.text(id),
      store.chunks(id),
      poolFactor > 1 ? store.tokenRows(id) : null,
    ]);
    if (document === undefined || chunks === undefined) return null;
    const fits = poolFactor === 1 || (tokenRows && numRowsOf(tokenRows) === tokenCount);
    return { document, chunks, tokenRows: fits ? tokenRows : undefined, passages: new Map() };
  }

  // Another may come under the same id, and other vectors of the same document.
  const keyOf = ({ addedAt, tokenCount, id }: DocumentRecord): string => `${addedAt} ${tokenCount} ${id}`;

  function recall(record: DocumentRecord): Promise<Held | null> {
    const key = keyOf(record);
    let reading = held.get(key);
    if (reading === undefined) {
      reading = load(record);
      reading.then(
        (found) => found ?? forget(key),
        () => forget(key),
      );
    }
    hold(record, reading);
    return reading;
  }

  function hold(record: DocumentRecord, reading: Promise<Held | null>): void {
    const key = keyOf(record);
    held.delete(key);
    held.set(key, reading);
    sizes.set(key, record.textLength);
    let characters = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const oldest of held.keys()) {
      if (oldest === key || (characters <= maxCharacters && held.size <= maxDocuments)) break;
      characters -= sizes.get(oldest) ?? 0;
      forget(oldest);
    }
  }

  function forget(key: string): void {
    held.delete(key);
    sizes.delete(key);
  }

  return {
    document: recall,

    keep({ record, text, chunks, tokenRows }) {
      hold(record, Promise.resolve({ document: text, chunks, tokenRows, passages: new Map() }));
    },

    async read(record, ordinal) {
      const found = await recall(record);
      const chunk = found?.chunks[ordinal];
      if (found === null || chunk === undefined) return null;
      const known = found.passages.get(ordinal);
      if (known !== undefined) return known;
      const text = found.document.text.slice(chunk.start, chunk.end);
      const { document, tokenRows: all } = found;
      const tokenRows = all ? all.rows.subarray(all.offsets[ordinal], all.offsets[ordinal + 1]) : all;
      const passage: Passage = { record, document, chunk, text, words: wordRanges(text), tokenRows, longDocument };
      found.passages.set(ordinal, passage);
      return passage;
    },
  };
}

/** How many rows they name, in all chunks. */
function numRowsOf({ offsets, rows }: TokenRows): number {
  let sum = 0;
  for (let chunk = 0; chunk + 1 < offsets.length; chunk++) {
    let largest = -1;
    for (const row of rows.subarray(offsets[chunk], offsets[chunk + 1])) largest = Math.max(largest, row);
    sum += largest + 1;
  }
  return sum;
}
