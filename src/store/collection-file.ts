/**
 * A collection as one file: its layout, written and read one document at a time. docs/storage-format.md tells the same in
 * words for other programs. A file comes from anywhere, so that nothing in it is believed: every part is checked against
 * its checksum, its size, its schema and the other parts before a document is handed out.
 */
import * as v from 'valibot';
import { LateralError, throwIfAborted, toLateralError } from '../errors.ts';
import type { DocumentRecord, ExtractedText, Fingerprint } from '../types.ts';
import { crc32c } from './checksum.ts';
import type { NewDocument, NewVectors, TokenRows } from './index-store.ts';
import { checkDocuments, hasTokenRows, packChunks, unpackChunks, withoutVectors } from './schema.ts';

/** Layout of the parts below. A reader that meets a higher one refuses with 'storage-newer'. */
export const collectionVersion = 1;
export const collectionType = 'application/x-lateral';

/** As in PNG: a byte above 127, the name, and line ends, so that a transfer "as text" is noticed at once. */
const magic = new Uint8Array([0x89, 0x4c, 0x41, 0x54, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Magic, version, checksum of both: the same in all versions to come. */
const prefixBytes = 16;
/** Kind (4 ASCII letters), four bytes of zero, length (u64), checksum of the content, checksum of these 20 bytes. */
const headBytes = 24;

/** Each with the words by which a person is told that it is damaged. */
const partNames = {
  HEAD: 'its beginning',
  DOCU: 'its description',
  TEXT: 'its text',
  CHNK: 'its passages',
  OFFS: 'its vector positions',
  VECT: 'its vectors',
  SRCE: 'its original',
  'END.': 'its end',
} as const;
type Kind = keyof typeof partNames;

/** A document's parts, in this order; SRCE only where the original was kept. */
const documentKinds = ['DOCU', 'TEXT', 'CHNK', 'OFFS', 'VECT'] as const satisfies readonly Kind[];

/** JSON is parsed as one string, whose length browsers limit to about twice this. */
const maxJsonBytes = 256 * 2 ** 20;
/** Small parts are read together; large ones in pieces of this size where they need not be in one buffer. */
const windowBytes = 2 ** 20;

// ─── what is written as JSON ────────────────────────────────────────────────────────────────────────

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const level = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(6));
const pageLength = v.pipe(v.number(), v.finite(), v.gtValue(0));
const strings = v.array(v.string());

// `satisfies`: a field that is new in types.ts does not compile until it is read here too.
const recordSchema = v.object({
  id: v.pipe(v.string(), v.nonEmpty()),
  name: v.string(),
  path: v.string(),
  title: v.string(),
  mediaType: v.string(),
  language: v.string(),
  tags: strings,
  addedAt: v.pipe(v.number(), v.finite()),
  byteLength: count,
  textLength: count,
  contentHash: v.pipe(v.string(), v.nonEmpty()),
  chunkCount: count,
  tokenCount: count,
  truncatedChunks: count,
  notes: strings,
} satisfies Record<keyof DocumentRecord, unknown>);

const documentSchema = v.object({
  record: recordSchema,
  /** Media type of the original; null where it was not kept. */
  source: v.nullable(v.string()),
});

const textSchema = v.object({
  text: v.string(),
  sections: v.array(
    v.object({ kind: v.picklist(['page', 'heading']), label: v.string(), level, start: count, end: count }),
  ),
  blocks: v.array(
    v.object({
      kind: v.picklist(['paragraph', 'heading', 'list-item', 'quote', 'code', 'table-row']),
      level: v.pipe(v.number(), v.integer(), v.minValue(0)),
      start: count,
      end: count,
    }),
  ),
  pages: v.exactOptional(v.array(v.object({ width: pageLength, height: pageLength }))),
  title: v.exactOptional(v.string()),
  language: v.exactOptional(v.string()),
  mediaType: v.string(),
  notes: strings,
} satisfies Record<keyof ExtractedText, unknown>);

/** Looser than `Fingerprint`: one that this version cannot make is another model's, not damage. */
const headSchema = v.object({
  fingerprint: v.object({
    model: v.string(),
    dim: v.number(),
    precision: v.string(),
    scale: v.number(),
    poolFactor: v.number(),
    longDocument: v.string(),
    chunker: v.number(),
  } satisfies Record<keyof Fingerprint, unknown>),
  documents: count,
});

export type CollectionHead = v.InferOutput<typeof headSchema>;

// ─── writing ────────────────────────────────────────────────────────────────────────────────────────

/**
 * One document's parts. What is returned lies in the browser's hands, not in this thread's memory.
 * @throws 'aborted'
 */
export async function packDocument(document: NewDocument, signal?: AbortSignal): Promise<Blob> {
  const { record, text, chunks, source, vectors, offsets, tokenRows } = document;
  const { start, end, section } = packChunks(chunks);
  const parts = [
    ...part('DOCU', json({ record, source: source?.type ?? null })),
    ...part('TEXT', json(text)),
    ...part('CHNK', start, end, section),
    ...part('OFFS', offsets, ...(tokenRows === null ? [] : [tokenRows.offsets, tokenRows.rows])),
    ...part('VECT', vectors),
  ];
  if (source !== null) parts.push(headOf('SRCE', source.size, await checksumOfBlob(source, signal)), source);
  return new Blob(parts);
}

/** The whole file, from what `packDocument` made. */
export function packCollection(fingerprint: Fingerprint, documents: readonly Blob[]): Blob {
  const prefix = new DataView(new ArrayBuffer(prefixBytes));
  new Uint8Array(prefix.buffer).set(magic);
  prefix.setUint32(8, collectionVersion, true);
  prefix.setUint32(12, crc32c(new Uint8Array(prefix.buffer, 0, 12)), true);
  const head: CollectionHead = { fingerprint, documents: documents.length };
  return new Blob([prefix, ...part('HEAD', json(head)), ...documents, ...part('END.')], { type: collectionType });
}

/** A head, and its content: little-endian, as every machine is that browsers run on. */
function part(
  kind: Kind,
  ...columns: readonly (Int8Array | Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array)[]
): BlobPart[] {
  // Copied: a Blob takes no shared memory.
  const contents = columns.map((view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice());
  const size = contents.reduce((sum, { length }) => sum + length, 0);
  return [
    headOf(
      kind,
      size,
      contents.reduce((crc, bytes) => crc32c(bytes, crc), 0),
    ),
    ...contents,
  ];
}

function headOf(kind: Kind, size: number, checksum: number): DataView<ArrayBuffer> {
  const head = new DataView(new ArrayBuffer(headBytes));
  for (let i = 0; i < 4; i++) head.setUint8(i, kind.charCodeAt(i));
  head.setBigUint64(8, BigInt(size), true);
  head.setUint32(16, checksum, true);
  head.setUint32(20, crc32c(new Uint8Array(head.buffer, 0, 20)), true);
  return head;
}

async function checksumOfBlob(content: Blob, signal?: AbortSignal): Promise<number> {
  let checksum = 0;
  for (let at = 0; at < content.size; at += windowBytes) {
    throwIfAborted(signal);
    checksum = crc32c(await bytesAt(content, at, Math.min(windowBytes, content.size - at)), checksum);
  }
  return checksum;
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

// ─── reading ────────────────────────────────────────────────────────────────────────────────────────

/** A document of a file, of which only the beginnings of its parts have been read so far. */
export interface CollectionEntry {
  /** @throws 'file-damaged' */
  record(): Promise<DocumentRecord>;
  /** All parts, checked, and checked against each other. @throws 'file-damaged' naming the part; 'aborted' */
  document(signal?: AbortSignal): Promise<NewDocument>;
}

export interface CollectionReader {
  readonly head: CollectionHead;
  /**
   * The documents in order. A damaged one does not end the list: its parts say so when they are read, and the next follows.
   * @param withVectors false leaves them in the file: the documents then come as `dropVectors` leaves them
   * @throws 'file-damaged' where the file itself cannot be followed further: cut off, or something that is no part
   */
  entries(fingerprint: Fingerprint, withVectors: boolean): AsyncGenerator<CollectionEntry>;
}

/**
 * Messages of 'file-damaged' are half a sentence: whoever knows the file's name, and what was added, makes it whole.
 * @throws 'file-damaged' for another kind of file; 'storage-newer' for one that a later version wrote
 */
export async function openCollection(file: Blob): Promise<CollectionReader> {
  const window = createWindow(file);
  const { buffer } = await window.read(0, Math.min(prefixBytes, file.size));
  const prefix = new DataView(buffer);
  const isOurs = prefix.byteLength === prefixBytes && magic.every((byte, i) => prefix.getUint8(i) === byte);
  if (!isOurs) throw new LateralError('file-damaged', 'it is no collection that Lateral saved');
  if (prefix.getUint32(12, true) !== crc32c(new Uint8Array(prefix.buffer, 0, 12))) throw damagedPart('HEAD');
  const version = prefix.getUint32(8, true);
  if (version > collectionVersion) {
    throw new LateralError(
      'storage-newer',
      'This collection was saved by a later version of Lateral. Reload the page to get the newest version, then import it again.',
      { details: { version, known: collectionVersion } },
    );
  }
  if (version < 1) throw damagedPart('HEAD');
  const first = await readHead(window, prefixBytes);
  if (first.kind !== 'HEAD') throw damagedPart('HEAD');
  const head = await readJson(window, first, headSchema);

  return {
    head,
    async *entries(fingerprint, withVectors) {
      let at = first.end;
      for (let found = 0; ; found++) {
        const next = await readHead(window, at);
        if (next.kind === 'END.') {
          if (found === head.documents && next.end === file.size && next.size === 0) return;
          throw damagedPart('END.');
        }
        const parts = new Map<Kind, PartHead>();
        for (const kind of documentKinds) {
          const one = await readHead(window, at);
          if (one.kind !== kind) throw damagedPart(kind);
          parts.set(kind, one);
          at = one.end;
        }
        const last = await readHead(window, at);
        if (last.kind === 'SRCE') {
          parts.set('SRCE', last);
          at = last.end;
        }
        yield entryOf(window, parts, fingerprint, withVectors);
      }
    },
  };
}

function entryOf(
  window: Window,
  parts: ReadonlyMap<Kind, PartHead>,
  fingerprint: Fingerprint,
  withVectors: boolean,
): CollectionEntry {
  const described = () => readJson(window, parts.get('DOCU')!, documentSchema);
  return {
    record: async () => (await described()).record,

    async document(signal) {
      const { record, source: sourceType } = await described();
      const componentBytes = fingerprint.precision === 'int8' ? 1 : 4;
      const exactly = (kind: Kind, size: number): PartHead => {
        const head = parts.get(kind);
        if (head?.size !== size) throw damagedPart(kind);
        return head;
      };
      // Sizes first, against the record: nothing is read that could not fit.
      const columnsHead = exactly('CHNK', record.chunkCount * 12);
      const rowHeads = withVectors && {
        offsets: hasTokenRows(fingerprint, record)
          ? pooledOffsets(parts.get('OFFS')!, record, fingerprint)
          : exactly('OFFS', record.chunkCount * 4 + 4),
        vectors: exactly('VECT', record.tokenCount * fingerprint.dim * componentBytes),
      };
      if ((sourceType !== null) !== parts.has('SRCE')) throw damagedPart('SRCE');

      const text = await readJson(window, parts.get('TEXT')!, textSchema);
      checkRanges(text);
      const columns = (await readPart(window, columnsHead)).buffer;
      throwIfAborted(signal);
      const rows = rowHeads
        ? { record, ...(await readRows(window, rowHeads, record, fingerprint)) }
        : withoutVectors(record, fingerprint);
      const { chunkCount } = record;
      const chunks = unpackChunks({
        start: new Uint32Array(columns, 0, chunkCount),
        end: new Uint32Array(columns, chunkCount * 4, chunkCount),
        section: new Int32Array(columns, chunkCount * 8, chunkCount),
      });
      const source =
        sourceType === null ? null : await readSource(window, exactly('SRCE', record.byteLength), sourceType, signal);
      const document: NewDocument = { ...rows, text, chunks, source };
      try {
        checkDocuments([document], fingerprint);
      } catch (cause) {
        throw damagedPart('DOCU', cause);
      }
      return document;
    },
  };
}

/** Two columns of offsets and a row for each token: how many tokens there are, no more than `poolFactor` a row, only the part tells. */
function pooledOffsets(
  head: PartHead,
  { chunkCount, tokenCount }: DocumentRecord,
  { poolFactor }: Fingerprint,
): PartHead {
  const rowBytes = head.size - 2 * (chunkCount * 4 + 4);
  if (rowBytes < 0 || rowBytes % 2 !== 0 || rowBytes > 2 * poolFactor * tokenCount) throw damagedPart('OFFS');
  return head;
}

async function readRows(
  window: Window,
  heads: { readonly offsets: PartHead; readonly vectors: PartHead },
  { chunkCount }: DocumentRecord,
  { precision }: Fingerprint,
): Promise<Omit<NewVectors, 'record'>> {
  const columns = (await readPart(window, heads.offsets)).buffer;
  const column = chunkCount * 4 + 4;
  const offsets = new Uint32Array(columns.slice(0, column));
  const tokenRows: TokenRows | null =
    columns.byteLength === column
      ? null
      : {
          offsets: new Uint32Array(columns.slice(column, 2 * column)),
          rows: new Uint16Array(columns.slice(2 * column)),
        };
  const bytes = (await readPart(window, heads.vectors)).buffer;
  const vectors = precision === 'int8' ? new Int8Array(bytes) : new Float32Array(bytes);
  checkComponents(vectors);
  return { offsets, vectors, tokenRows };
}

interface PartHead {
  readonly kind: Kind;
  /** Of its content. */
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly checksum: number;
}

async function readHead(window: Window, at: number): Promise<PartHead> {
  if (at + headBytes > window.size) throw cutOff();
  const bytes = await window.read(at, headBytes);
  const view = new DataView(bytes.buffer);
  const kind = String.fromCharCode(...bytes.subarray(0, 4));
  if (view.getUint32(20, true) !== crc32c(bytes.subarray(0, 20)) || !isKind(kind)) {
    throw new LateralError('file-damaged', 'what follows could not be made out', { details: { at } });
  }
  const start = at + headBytes;
  const size = Number(view.getBigUint64(8, true)); // over 2⁵³ it is rounded, and larger than any file
  if (size > window.size - start) throw cutOff();
  return { kind, start, end: start + size, size, checksum: view.getUint32(16, true) };
}

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(partNames, kind);
}

async function readPart(window: Window, { kind, start, size, checksum }: PartHead): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await window.read(start, size);
  if (crc32c(bytes) !== checksum) throw damagedPart(kind);
  return bytes;
}

async function readJson<Schema extends v.GenericSchema>(
  window: Window,
  head: PartHead,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  if (head.size > maxJsonBytes) throw damagedPart(head.kind);
  const bytes = await readPart(window, head);
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    throw damagedPart(head.kind, cause);
  }
}

/** Copied piece by piece: the document outlives the file. */
async function readSource(
  window: Window,
  { kind, start, size, checksum }: PartHead,
  type: string,
  signal?: AbortSignal,
): Promise<Blob> {
  const pieces: Blob[] = [];
  let crc = 0;
  for (let at = 0; at < size; at += windowBytes) {
    throwIfAborted(signal);
    const bytes = await window.read(start + at, Math.min(windowBytes, size - at));
    crc = crc32c(bytes, crc);
    pieces.push(new Blob([bytes]));
  }
  if (crc !== checksum) throw damagedPart(kind);
  return new Blob(pieces, { type });
}

/** Sections and blocks lie inside the text and in its order: the viewer and the excerpts cut by them. */
function checkRanges({ text, sections, blocks }: ExtractedText): void {
  for (const ranges of [sections, blocks]) {
    let before = 0;
    for (const { start, end } of ranges) {
      if (start < before || end < start || end > text.length) throw damagedPart('TEXT');
      before = start;
    }
  }
}

/** −127 … 127, or finite: anything else would win every comparison, or none. */
function checkComponents(vectors: Int8Array | Float32Array): void {
  const fits =
    vectors instanceof Int8Array ? !vectors.includes(-128) : vectors.every((component) => Number.isFinite(component));
  if (!fits) throw damagedPart('VECT');
}

function damagedPart(kind: Kind, cause?: unknown): LateralError {
  return new LateralError('file-damaged', `${partNames[kind]} could not be read`, {
    details: { part: kind },
    ...(cause === undefined ? {} : { cause }),
  });
}

function cutOff(): LateralError {
  return new LateralError('file-damaged', 'its end is missing', { details: { part: 'END.' } });
}

// ─── bytes ──────────────────────────────────────────────────────────────────────────────────────────

interface Window {
  readonly size: number;
  /** A copy of the bytes, in a buffer of their own. @throws 'file-damaged' where the browser cannot read them */
  read(at: number, size: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Reads ahead, because a read of a file costs about the same for a byte as for a megabyte. */
function createWindow(file: Blob): Window {
  let start = 0;
  let held = new Uint8Array();
  return {
    size: file.size,
    async read(at, size) {
      if (size > windowBytes) return bytesAt(file, at, size);
      if (at < start || at + size > start + held.length) {
        held = await bytesAt(file, at, Math.min(windowBytes, file.size - at));
        start = at;
      }
      return held.slice(at - start, at - start + size);
    },
  };
}

async function bytesAt(file: Blob, at: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.slice(at, at + size).arrayBuffer());
  } catch (cause) {
    const error = toLateralError(cause);
    if (error.code === 'out-of-memory') throw error;
    throw new LateralError('file-damaged', 'it could not be read; it may have been moved or changed', { cause });
  }
}
