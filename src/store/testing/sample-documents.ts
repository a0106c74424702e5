/** Documents for the store's tests: small, and with vectors that tell whose they are. */
import type { Chunk, Fingerprint } from '../../types.ts';
import type { FileToKeep, NewDocument, TokenRows } from '../index-store.ts';

export const int8Fingerprint: Fingerprint = {
  model: 'test-model@1',
  dim: 4,
  precision: 'int8',
  scale: 1 / 127,
  poolFactor: 1,
  longDocument: 'truncate',
  chunker: 1,
};

export const f32Fingerprint: Fingerprint = { ...int8Fingerprint, precision: 'f32', scale: 1 };
export const pooledFingerprint: Fingerprint = { ...int8Fingerprint, poolFactor: 2 };

export interface SampleOptions {
  /** Stored tokens of each chunk. Default two chunks, of 2 and 3 tokens. */
  readonly tokens?: readonly number[];
  readonly addedAt?: number;
  readonly source?: Blob | null;
  readonly fingerprint?: Fingerprint;
}

/** Four units of text a chunk; component i of document `id` is a number that only `id` and i decide. */
export function sampleDocument(id: string, options: SampleOptions = {}): NewDocument {
  const { tokens = [2, 3], addedAt = 1_000, source = null, fingerprint = int8Fingerprint } = options;
  const offsets = new Uint32Array(tokens.length + 1);
  tokens.forEach((count, c) => (offsets[c + 1] = offsets[c]! + count));
  const tokenCount = offsets.at(-1)!;
  const text = 'four'.repeat(tokens.length);
  const chunks: Chunk[] = tokens.map((_, c) => ({
    ordinal: c,
    start: 4 * c,
    end: 4 * c + 4,
    section: c === 0 ? 0 : -1,
  }));
  const length = tokenCount * fingerprint.dim;
  return {
    record: {
      id,
      name: `${id}.txt`,
      path: 'folder',
      title: '',
      mediaType: 'text/plain',
      language: 'en',
      tags: ['a', '__proto__'],
      addedAt,
      byteLength: source?.size ?? text.length,
      textLength: text.length,
      contentHash: `hash of ${id}`,
      chunkCount: tokens.length,
      tokenCount,
      truncatedChunks: 0,
      notes: [],
    },
    text: {
      text,
      sections: tokens.length === 0 ? [] : [{ kind: 'page', label: '1', level: 0, start: 0, end: text.length }],
      blocks: [{ kind: 'paragraph', level: 0, start: 0, end: text.length }],
      mediaType: 'text/plain',
      notes: ['decoded as utf-8'],
    },
    chunks,
    source,
    vectors:
      fingerprint.precision === 'int8'
        ? Int8Array.from({ length }, (_, i) => (component(id, i) % 255) - 127)
        : Float32Array.from({ length }, (_, i) => component(id, i) / 65_536 - 0.5),
    offsets,
    tokenRows: fingerprint.poolFactor > 1 && tokenCount > 0 ? pooledTokens(tokens, fingerprint.poolFactor) : null,
  };
}

/** As many tokens as each row may stand for at most, in turns. */
function pooledTokens(rowsOfChunks: readonly number[], poolFactor: number): TokenRows {
  const rows = rowsOfChunks.map((count) => Array.from({ length: count * poolFactor }, (_, token) => token % count));
  const offsets = new Uint32Array(rows.length + 1);
  rows.forEach((own, c) => (offsets[c + 1] = offsets[c]! + own.length));
  return { offsets, rows: Uint16Array.from(rows.flat()) };
}

export function fileToKeep(name: string, content: string | Blob): FileToKeep {
  const blob = content instanceof Blob ? content : new Blob([content]);
  return { name, path: 'folder', mediaType: 'text/plain', language: 'en', tags: ['a'], id: '', content: blob };
}

/** A file that the browser cannot read beyond this byte: as one that was changed or moved since it was chosen. */
export function brokenBlob(content: string, readable: number): Blob {
  return watchedBlob(new Blob([content]), (_start, end) => {
    if (end > readable) throw new DOMException('The file could not be read.', 'NotReadableError');
  });
}

/** The same file, with something happening before each reading of a part of it. */
export function watchedBlob(content: Blob, beforeRead: (start: number, end: number) => Promise<void> | void): Blob {
  const watch = (part: Blob, start: number, end: number): Blob => {
    const read = part.arrayBuffer.bind(part);
    part.arrayBuffer = async () => {
      await beforeRead(start, end);
      return read();
    };
    return part;
  };
  const slice = content.slice.bind(content);
  content.slice = (start = 0, end = content.size, type) => watch(slice(start, end, type), start, end);
  return watch(content, 0, content.size);
}

/** 0 … 65,535 */
function component(id: string, i: number): number {
  let hash = 2_166_136_261 ^ i;
  for (const character of id) hash = Math.imul(hash ^ character.codePointAt(0)!, 16_777_619);
  return ((hash ^ (hash >>> 15)) >>> 8) & 65_535;
}
