/**
 * Files → durable, searchable documents. Each file is read, cut into passages and encoded; then it becomes visible in one
 * transaction. Small files share a transaction and their batches; one bad file does not stop the rest; what stops the
 * rest (cancel, a full disk, a lost device) leaves everything stored as it was, and kept files pending.
 */
import { LateralError, throwIfAborted, toLateralError, type ErrorCode } from '../errors.ts';
import type { IndexStore, NewDocument, PendingFile } from '../store/index-store.ts';
import { chunkText } from '../text/chunk.ts';
import type { AddFailure, AddResult, Chunk, DocumentInput, DocumentRecord, ExtractedText, Progress } from '../types.ts';
import { encodePassages, type EncodingParts, notesOf, type PackedRows, packRows, passagesOf } from './encoding.ts';
import type { Extraction } from './extraction.ts';
import { createProgressMeter } from './progress.ts';

export interface IndexingParts extends EncodingParts {
  readonly store: IndexStore;
  /** As chosen at the moment. */
  keepSources(): boolean;
  readonly extraction: Extraction;
  /** Called after each transaction; the next one waits for it, which stops with the signal. */
  onStored(signal: AbortSignal): Promise<void>;
  /** Called with each document before it is stored. */
  remember?(document: NewDocument): void;
}

/**
 * Files are encoded and stored together until they make this many passages. The first groups are small, so that
 * something can be searched at once.
 */
const groupChunks = (groupsStored: number): number => Math.min(24, 2 ** groupsStored);
/** Larger files are not even read into memory; each format has its own, smaller limit. */
const maxFileBytes = 500_000_000;

/** Errors after which nothing further would succeed. */
export const stopping: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'aborted',
  'storage-full',
  'storage-closed',
  'storage-unavailable',
  'storage-blocked',
  'model-mismatch',
  'gpu-lost',
  'out-of-memory',
]);

/** A file as it comes: given to the call, or kept in the store before. */
export interface FileToRead extends Omit<DocumentInput, 'content'> {
  readonly byteLength: number;
  /** null where it is gone, and nothing is left to do. @throws 'file-damaged', 'storage-corrupt' */
  readonly read: () => Promise<Uint8Array<ArrayBuffer> | null>;
  /** Where it is kept. */
  readonly pending?: PendingFile;
}

export function givenFile(input: DocumentInput): FileToRead {
  const { content, ...facts } = input;
  return { ...facts, byteLength: byteLengthOf(input), read: () => readContent(input.name, content) };
}

export function pendingFile(store: IndexStore, pending: PendingFile): FileToRead {
  const { name, path, mediaType, language, tags, id, byteLength } = pending;
  return {
    ...{ name, path, tags, byteLength, pending },
    ...(id === '' ? {} : { id }),
    ...(mediaType === '' ? {} : { mediaType }),
    ...(language === '' ? {} : { language }),
    read: async () => {
      const content = await store.pendingContent(pending.key);
      return content === undefined ? null : new Uint8Array(await content.arrayBuffer());
    },
  };
}

interface Prepared {
  /** Among the files given. */
  readonly index: number;
  readonly input: FileToRead;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hash: string;
  readonly id: string;
  readonly text: ExtractedText;
  readonly chunks: readonly Chunk[];
}

/**
 * @param failedBefore files of the same work that are no longer among these; reported with them
 * @returns with `remaining` as indices into the files given
 */
export async function addDocuments(
  parts: IndexingParts,
  files: readonly FileToRead[],
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
  failedBefore: readonly AddFailure[] = [],
): Promise<AddResult> {
  const addedAt = Date.now(); // of all: which of them was read first is nobody's order
  const added: DocumentRecord[] = [];
  const failed: AddFailure[] = [...failedBefore];
  const total = files.length + failedBefore.length;
  const sizes = files.map(({ byteLength }) => byteLength);
  const meter = createProgressMeter(sizes.reduce((sum, size) => sum + size, 0));
  const through = new Set<number>(); // files that are stored or have failed, by index
  let bytesSettled = 0;
  let groupsStored = 0;

  const report = (current?: Progress['current']): void => {
    const done = failedBefore.length + through.size;
    const progress = meter.report({ phase: 'reading', done, total, unit: 'files', current });
    onProgress(failed.length === 0 ? progress : { ...progress, failed: [...failed] });
  };

  const settle = (index: number): void => {
    through.add(index);
    bytesSettled += sizes[index]!;
    meter.advance(bytesSettled);
  };
  const fail = async (index: number, thrown: unknown): Promise<void> => {
    const error = toLateralError(thrown);
    if (stopping.has(error.code)) throw error;
    const { name, pending } = files[index]!;
    // Read or dropped by somebody else meanwhile: no failure, and nothing left to do.
    const gone = pending !== undefined && error.code === 'not-found';
    // Where a part of ours did not load, the file may be read after a reload.
    const keep = gone || error.code === 'worker-failed';
    if (pending !== undefined && !keep) await parts.store.unstage([pending]);
    if (!gone) failed.push(failureOf(name, error));
    settle(index);
    report();
  };

  /** Stores a group; then its files are through. A file that cannot be stored does not take its neighbours with it. */
  const storeGroup = async (group: readonly Prepared[]): Promise<void> => {
    if (group.length === 0) return;
    const bytes = group.reduce((sum, { index }) => sum + sizes[index]!, 0);
    const groupTotal = chunksOf(group);
    try {
      const records = await encodeAndStore(parts, group, addedAt, signal, (doneChunks, tokens) => {
        meter.encoded(tokens);
        meter.advance(bytesSettled + (bytes * doneChunks) / groupTotal);
        report(within(group, doneChunks));
      });
      added.push(...records);
      for (const { index } of group) settle(index);
    } catch (thrown) {
      if (group.length === 1 || stopping.has(toLateralError(thrown).code)) {
        await fail(group[0]!.index, thrown);
      } else {
        for (const one of group) await storeGroup([one]);
      }
      return;
    }
    groupsStored++;
    report();
    await parts.onStored(signal);
  };

  report();
  let group: Prepared[] = [];
  try {
    for (let next = 0; next < files.length; next++) {
      throwIfAborted(signal);
      try {
        const prepared = await prepare(parts, files[next]!, next, group, signal);
        // A book goes alone: small files before it are stored first, and a cancel half-way through it keeps them.
        if (prepared.chunks.length > groupChunks(groupsStored)) {
          await storeGroup(group);
          group = [];
        }
        group.push(prepared);
      } catch (thrown) {
        await fail(next, thrown);
      }
      if (chunksOf(group) >= groupChunks(groupsStored)) {
        await storeGroup(group);
        group = [];
      }
    }
    await storeGroup(group);
    return { added, failed, remaining: [] };
  } catch (thrown) {
    const { code, message } = toLateralError(thrown);
    const remaining = files.flatMap((_, index) => (through.has(index) ? [] : [index]));
    return { added, failed, remaining, stopped: { code, message } };
  }
}

export function failureOf(name: string, thrown: unknown): AddFailure {
  const { code, message } = toLateralError(thrown);
  return { name, code, message };
}

function chunksOf(group: readonly Prepared[]): number {
  return group.reduce((sum, { chunks }) => sum + chunks.length, 0);
}

// ─── read ───────────────────────────────────────────────────────────────────────────────────────────

async function prepare(
  { store, extraction }: IndexingParts,
  input: FileToRead,
  index: number,
  group: readonly Prepared[],
  signal: AbortSignal,
): Promise<Prepared> {
  const bytes = await input.read();
  if (bytes === null) throw new LateralError('not-found', `${input.name} is gone.`);
  const hash = await sha256(bytes);
  const id = input.id ?? hash.slice(0, 32);
  const twin =
    group.find((other) => other.hash === hash || other.id === id)?.input.name ??
    (await store.findByHash(hash))?.name ??
    (await store.document(id))?.name;
  if (twin !== undefined) {
    throw new LateralError(
      'file-duplicate',
      `${input.name} is already here${twin === input.name ? '' : `, as ${twin}`}.`,
      {
        details: { name: input.name, twin },
      },
    );
  }
  const text = await extraction.extract({ name: input.name, bytes: bytes.slice(), mediaType: input.mediaType }, signal);
  const chunks = chunkText(text);
  if (chunks.length === 0)
    throw new LateralError('file-empty', `${input.name} is empty.`, { details: { name: input.name } });
  return { index, input, bytes, hash, id, text, chunks };
}

/** @throws 'file-too-large' for a file that is not to be read, nor kept */
export function checkSize(name: string, byteLength: number): void {
  if (byteLength <= maxFileBytes) return;
  throw new LateralError(
    'file-too-large',
    `${name} is larger than ${maxFileBytes / 1e6} MB. Split it and add the parts.`,
    { details: { name, limitBytes: maxFileBytes } },
  );
}

async function readContent(name: string, content: DocumentInput['content']): Promise<Uint8Array<ArrayBuffer>> {
  checkSize(name, byteLengthOf({ content }));
  if (typeof content === 'string') return new TextEncoder().encode(content);
  if (content instanceof Uint8Array) return new Uint8Array(content);
  try {
    return new Uint8Array(await content.arrayBuffer());
  } catch (cause) {
    throw new LateralError(
      'file-damaged',
      `${name} could not be read. It may have been moved or changed; add it again.`,
      { cause, details: { name } },
    );
  }
}

export function byteLengthOf({ content }: Pick<DocumentInput, 'content'>): number {
  if (typeof content === 'string') return content.length;
  return content instanceof Uint8Array ? content.length : content.size;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// ─── encode and store ───────────────────────────────────────────────────────────────────────────────

async function encodeAndStore(
  parts: IndexingParts,
  group: readonly Prepared[],
  addedAt: number,
  signal: AbortSignal,
  onBatch: (doneChunks: number, tokens: number) => void,
): Promise<DocumentRecord[]> {
  const passages = group.map(({ text, chunks }) => passagesOf(text, chunks));
  const rows = await encodePassages(parts, passages, signal, onBatch);
  let at = 0;
  const documents = group.map((prepared): NewDocument => {
    const own = rows.slice(at, (at += prepared.chunks.length));
    return assemble(prepared, packRows(own, parts.fingerprint), addedAt, parts);
  });
  throwIfAborted(signal);
  for (const document of documents) parts.remember?.(document);
  await parts.store.add(documents, parts.fingerprint);
  return documents.map(({ record }) => record);
}

function assemble(
  { input, bytes, hash, id, text, chunks }: Prepared,
  { vectors, offsets, tokenRows, tokenCount, truncatedChunks }: PackedRows,
  addedAt: number,
  parts: IndexingParts,
): NewDocument {
  return {
    record: {
      id,
      name: input.name,
      path: input.path ?? '',
      title: text.title ?? '',
      mediaType: text.mediaType,
      language: input.language ?? text.language ?? '',
      tags: input.tags ?? [],
      addedAt,
      byteLength: bytes.length,
      textLength: text.text.length,
      contentHash: hash,
      chunkCount: chunks.length,
      tokenCount,
      truncatedChunks,
      notes: notesOf(text, truncatedChunks),
    },
    text,
    chunks,
    ...(input.pending === undefined
      ? { source: parts.keepSources() ? new Blob([bytes], { type: text.mediaType }) : null }
      : { source: null, pending: { key: input.pending.key, keepSource: parts.keepSources() } }),
    vectors,
    offsets,
    tokenRows,
  };
}

/** Which file of a group the encoder is in, given the passages done. */
function within(group: readonly Prepared[], doneChunks: number): NonNullable<Progress['current']> {
  let before = 0;
  for (const { input, chunks } of group) {
    if (doneChunks <= before + chunks.length)
      return { name: input.name, done: doneChunks - before, total: chunks.length };
    before += chunks.length;
  }
  const last = group.at(-1)!;
  return { name: last.input.name, done: last.chunks.length, total: last.chunks.length };
}
