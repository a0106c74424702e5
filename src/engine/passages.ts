/**
 * The texts of passages for searches, from the store: the documents read last are held, because each key press shows
 * much the same passages again.
 */
import type { IndexStore } from '../store/index-store.ts';
import { wordRanges, type Range } from '../text/words.ts';
import type { Chunk, DocumentRecord, ExtractedText } from '../types.ts';

export interface Passage {
  readonly record: DocumentRecord;
  readonly document: ExtractedText;
  readonly chunk: Chunk;
  readonly text: string;
  /** Its words, in order, within `text`. */
  readonly words: readonly Range[];
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
  keep(record: DocumentRecord, document: ExtractedText, chunks: readonly Chunk[]): void;
}

interface Held extends DocumentText {
  readonly passages: Map<number, Passage>;
}

/** Characters of text held at most, and documents. */
const maxCharacters = 4_000_000;
const maxDocuments = 200;

export function createPassageReader(store: IndexStore): PassageReader {
  /** Least recently read first. */
  const held = new Map<string, Promise<Held | null>>();
  const sizes = new Map<string, number>();

  async function load(id: string): Promise<Held | null> {
    const [document, chunks] = await Promise.all([store.text(id), store.chunks(id)]);
    return document === undefined || chunks === undefined ? null : { document, chunks, passages: new Map() };
  }

  const keyOf = ({ addedAt, id }: DocumentRecord): string => `${addedAt} ${id}`; // another may come under the same id

  function recall(record: DocumentRecord): Promise<Held | null> {
    const key = keyOf(record);
    let reading = held.get(key);
    if (reading === undefined) {
      reading = load(record.id);
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

    keep(record, document, chunks) {
      hold(record, Promise.resolve({ document, chunks, passages: new Map() }));
    },

    async read(record, ordinal) {
      const found = await recall(record);
      const chunk = found?.chunks[ordinal];
      if (found === null || chunk === undefined) return null;
      const known = found.passages.get(ordinal);
      if (known !== undefined) return known;
      const text = found.document.text.slice(chunk.start, chunk.end);
      const passage: Passage = { record, document: found.document, chunk, text, words: wordRanges(text) };
      found.passages.set(ordinal, passage);
      return passage;
    },
  };
}
