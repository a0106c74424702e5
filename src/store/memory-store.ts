/**
 * An index that lives as long as the tab: for tests, for the command line, and where the browser gives no storage.
 * Each change is one synchronous step after its checks, and so as atomic as a transaction.
 */
import { LateralError, throwIfAborted, toLateralError } from '../errors.ts';
import type { VectorBlock } from '../maxsim/scorer.ts';
import type { Chunk, DocumentRecord, ExtractedText, Fingerprint } from '../types.ts';
import { asideBytes, firstAside, lacking } from './aside.ts';
import {
  type Block,
  buildBlocks,
  defaultLimits,
  emptyBlocks,
  inOrder,
  mergeBlocks,
  narrowBlock,
  partOf,
  planCompaction,
  rowsOf,
  toBlockInfo,
  toVectorBlock,
  usageOf,
  without,
} from './blocks.ts';
import type { IndexStore, NewDocument, NewVectors, PendingFile, StoredRows, TokenRows } from './index-store.ts';
import { tellAll } from './listeners.ts';
import {
  blockGone,
  checkDocuments,
  checkVectors,
  duplicate,
  isSameDocument,
  isSameFingerprint,
  newState,
  notPending,
  pendingKeys,
  requireChunker,
  requireFingerprint,
  requireNarrowing,
  type StoreState,
  unreadable,
} from './schema.ts';

export interface MemoryStoreOptions {
  /** Vector bytes that a sealed block should not pass. Default 16 MiB. */
  readonly blockBytes?: number;
}

interface Kept extends Omit<NewDocument, 'vectors' | 'offsets' | 'pending'> {
  readonly blockId: string;
}

interface Waiting {
  readonly file: PendingFile;
  readonly content: Blob;
}

interface Aside extends NewVectors {
  readonly fingerprint: Fingerprint;
}

export function createMemoryStore(name: string, options: MemoryStoreOptions = {}): IndexStore {
  const limits = { ...defaultLimits, targetBytes: options.blockBytes ?? defaultLimits.targetBytes };
  const kept = new Map<string, Kept>();
  const blocks = new Map<string, Block>();
  const keywords = new Map<string, Uint8Array>();
  const waiting = new Map<string, Waiting>();
  const aside = new Map<string, Aside>();
  const listeners = new Set<() => void>();
  let state = newState(Date.now());
  let closed = false;

  /** Runs a step in full or not at all, and never before the caller has its promise. */
  async function step<T>(body: () => T): Promise<T> {
    await Promise.resolve();
    if (closed) throw new LateralError('storage-closed', `The index "${name}" is closed.`);
    return body();
  }

  function changed(changes: Partial<StoreState> = {}): void {
    state = { ...state, ...changes, version: state.version + 1 };
    tellAll(listeners);
  }

  function pendingChanged(): void {
    state = { ...state, pendingVersion: state.pendingVersion + 1 };
    tellAll(listeners);
  }

  function unstage(files: readonly PendingFile[]): number {
    const here = files.filter(({ key, owner }) => waiting.get(key)?.file.owner === owner);
    for (const { key } of here) waiting.delete(key);
    if (here.length > 0) pendingChanged();
    return here.length;
  }

  const records = () => [...blocks.values()].map((block) => block.record);

  const sourceBytes = (): number => Array.from(kept.values()).reduce((sum, { source }) => sum + (source?.size ?? 0), 0);

  function removeOne(id: string): boolean {
    const document = kept.get(id);
    if (document === undefined) return false;
    kept.delete(id);
    aside.delete(id);
    flagRemoved(document.blockId, id);
    return true;
  }

  function flagRemoved(blockId: string, documentId: string): void {
    const { record, vectors } = blocks.get(blockId)!;
    const left = without(record, new Set([documentId]));
    if (left === null) blocks.delete(blockId);
    else blocks.set(blockId, { record: left, vectors });
  }

  const listDocuments = () => Array.from(kept.values(), ({ record }) => record).sort(byTimeThenId);

  const withoutAside = (fingerprint: Fingerprint): DocumentRecord[] =>
    lacking(
      listDocuments(),
      Array.from(aside.values(), ({ record: { id, addedAt, contentHash }, fingerprint: made }) => ({
        ...{ id, addedAt, contentHash },
        fingerprint: made,
      })),
      fingerprint,
    );

  function dropVectors(fingerprint: Fingerprint): void {
    if (isSameFingerprint(state.fingerprint, fingerprint)) return;
    requireChunker(state.fingerprint, fingerprint);
    const empty = emptyBlocks(state.nextBlock, records(), fingerprint);
    blocks.clear();
    for (const block of empty) {
      blocks.set(block.record.id, block);
      for (const { id } of block.record.documents) {
        const document = kept.get(id)!;
        const record = { ...document.record, tokenCount: 0, truncatedChunks: 0 };
        kept.set(id, { ...document, record, tokenRows: null, blockId: block.record.id });
      }
    }
    changed({ fingerprint, nextBlock: state.nextBlock + empty.length });
  }

  function replaceVectors(documents: readonly NewVectors[], fingerprint: Fingerprint): number {
    requireFingerprint(state.fingerprint, fingerprint);
    checkVectors(documents, fingerprint);
    const here = documents.filter(({ record }) => isSameDocument(kept.get(record.id)?.record, record));
    const built = buildBlocks(state.nextBlock, here, fingerprint, limits);
    for (const { record } of here) flagRemoved(kept.get(record.id)!.blockId, record.id);
    for (const block of built) blocks.set(block.record.id, block);
    const blockOf = new Map(built.flatMap(({ record }) => record.documents.map(({ id }) => [id, record.id])));
    for (const { record, tokenRows } of here) {
      kept.set(record.id, { ...kept.get(record.id)!, record, tokenRows, blockId: blockOf.get(record.id)! });
    }
    if (here.length > 0) changed({ nextBlock: state.nextBlock + built.length });
    return here.length;
  }

  function compactOnce(): boolean {
    if (state.fingerprint === null) return false;
    const next = planCompaction(records(), limits, state.fingerprint);
    if (next === null) return false;
    if (next.kind === 'seal') {
      const { record, vectors } = blocks.get(next.id)!;
      blocks.set(next.id, { record: { ...record, sealed: true }, vectors });
      changed();
      return true;
    }
    const merged = mergeBlocks(
      state.nextBlock,
      next.ids.map((id) => blocks.get(id)!),
      state.fingerprint,
    );
    for (const id of next.ids) blocks.delete(id);
    blocks.set(merged.record.id, merged);
    for (const { id } of merged.record.documents) kept.set(id, { ...kept.get(id)!, blockId: merged.record.id });
    changed({ nextBlock: state.nextBlock + 1 });
    return true;
  }

  return {
    name,
    kind: 'memory',
    fingerprint: () => step(() => state.fingerprint),
    createdAt: () => step(() => state.createdAt),
    version: () => step(() => state.version),
    pendingVersion: () => step(() => state.pendingVersion),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onClosed: () => () => undefined, // memory does not end before the tab does

    add: (documents, fingerprint) =>
      step(() => {
        if (documents.length === 0) return;
        requireFingerprint(state.fingerprint, fingerprint);
        checkDocuments(documents, fingerprint);
        const present = documents.find(({ record }) => kept.has(record.id));
        if (present !== undefined) throw duplicate(present.record.id);
        const gone = documents.find(({ pending }) => pending !== undefined && !waiting.has(pending.key));
        if (gone !== undefined) throw notPending(gone);
        const built = buildBlocks(state.nextBlock, documents, fingerprint, limits);
        const blockOf = new Map(built.flatMap(({ record }) => record.documents.map(({ id }) => [id, record.id])));
        for (const block of built) blocks.set(block.record.id, block);
        for (const { record, text, chunks, tokenRows, source: given, pending } of documents) {
          let source = given;
          if (pending !== undefined) {
            const { content } = waiting.get(pending.key)!;
            source = pending.keepSource ? content.slice(0, content.size, text.mediaType) : null;
            waiting.delete(pending.key);
          }
          kept.set(record.id, { record, text, chunks, tokenRows, source, blockId: blockOf.get(record.id)! });
        }
        changed({ fingerprint, nextBlock: state.nextBlock + built.length });
      }),
    remove: (documentIds) =>
      step(() => {
        const count = documentIds.filter(removeOne).length;
        if (count > 0) changed();
        return count;
      }),
    clear: () =>
      step(() => {
        kept.clear();
        blocks.clear();
        keywords.clear();
        waiting.clear();
        aside.clear();
        changed({ fingerprint: null, pendingVersion: state.pendingVersion + 1 });
      }),
    narrow: (fingerprint) =>
      step(() => {
        if (isSameFingerprint(state.fingerprint, fingerprint)) return;
        requireNarrowing(state.fingerprint, fingerprint);
        for (const [id, block] of blocks) blocks.set(id, narrowBlock(block, fingerprint));
        changed({ fingerprint });
      }),
    dropVectors: (fingerprint) => step(() => dropVectors(fingerprint)),
    replaceVectors: (documents, fingerprint) => step(() => replaceVectors(documents, fingerprint)),

    putAside: (documents, fingerprint) =>
      step(() => {
        checkVectors(documents, fingerprint);
        requireChunker(state.fingerprint, fingerprint);
        const here = documents.filter(({ record }) => isSameDocument(kept.get(record.id)?.record, record));
        for (const { record: given, ...rows } of here) {
          const { tokenCount, truncatedChunks, notes } = given;
          const record = { ...kept.get(given.id)!.record, tokenCount, truncatedChunks, notes };
          aside.set(record.id, { ...rows, record, fingerprint });
        }
        return here.length;
      }),
    withoutAside: (fingerprint) => step(() => withoutAside(fingerprint)),
    switchTo: (fingerprint, except) =>
      step(() => {
        if (isSameFingerprint(state.fingerprint, fingerprint)) return true;
        requireChunker(state.fingerprint, fingerprint);
        if (withoutAside(fingerprint).some(({ id }) => !except.has(id))) return false;
        dropVectors(fingerprint);
        return true;
      }),
    takeAside: (fingerprint) =>
      step(() => {
        requireFingerprint(state.fingerprint, fingerprint);
        const own = Array.from(aside.values(), (one) => {
          const { id, addedAt } = one.record;
          return { ...one, id, addedAt, byteLength: asideBytes(one) };
        }).filter((one) => isSameFingerprint(one.fingerprint, fingerprint));
        const group = firstAside(own, limits.targetBytes);
        replaceVectors(group, fingerprint);
        for (const { record } of group) aside.delete(record.id);
        return { taken: group.length, left: own.length - group.length };
      }),
    dropAside: (keep) =>
      step(() => {
        let bytes = 0;
        for (const [id, one] of aside) {
          if ([keep, state.fingerprint].some((kept) => kept && isSameFingerprint(one.fingerprint, kept))) continue;
          aside.delete(id);
          bytes += asideBytes(one);
        }
        return bytes;
      }),
    dropSources: () =>
      step(() => {
        const bytes = sourceBytes();
        for (const [id, document] of kept) kept.set(id, { ...document, source: null });
        changed();
        return bytes;
      }),

    async stage(files, owner, { signal, onProgress } = {}) {
      const addedAt = Date.now();
      const keys = pendingKeys(files.length);
      const totalBytes = files.reduce((sum, { content }) => sum + content.size, 0);
      let doneBytes = 0;
      const staged: PendingFile[] = [];
      const outcomes: (PendingFile | LateralError)[] = [];
      try {
        for (const [i, { content, ...facts }] of files.entries()) {
          throwIfAborted(signal);
          const bytes = await content.arrayBuffer().catch((error: unknown) => unreadable(facts.name, error));
          throwIfAborted(signal);
          if (!(bytes instanceof ArrayBuffer)) {
            outcomes.push(bytes);
            continue;
          }
          const file = { ...facts, key: keys[i]!, owner, byteLength: bytes.byteLength, addedAt, complete: true };
          await step(() => {
            waiting.set(file.key, { file, content: new Blob([bytes]) });
            pendingChanged();
          });
          staged.push(file);
          outcomes.push(file);
          onProgress?.((doneBytes += bytes.byteLength), totalBytes);
        }
        return outcomes;
      } catch (error) {
        if (!closed) unstage(staged);
        throw toLateralError(error);
      }
    },
    pending: () =>
      step(() => Array.from(waiting.values(), ({ file }) => file).sort((a, b) => (a.key < b.key ? -1 : 1))),
    pendingContent: (key) => step<Blob | undefined>(() => waiting.get(key)?.content),
    adopt: (files, owner) =>
      step(() => {
        const here = files.filter((file) => waiting.get(file.key)?.file.owner === file.owner);
        const adopted = here.map((file) => ({ ...file, owner }));
        for (const file of adopted) waiting.set(file.key, { ...waiting.get(file.key)!, file });
        if (adopted.length > 0) pendingChanged();
        return adopted;
      }),
    unstage: (files) => step(() => unstage(files)),

    documents: () => step(listDocuments),
    document: (id) => step<DocumentRecord | undefined>(() => kept.get(id)?.record),
    findByHash: (contentHash) =>
      step(() => {
        const found = Array.from(kept.values(), ({ record }) => record).filter((r) => r.contentHash === contentHash);
        return found.sort((a, b) => (a.id < b.id ? -1 : 1))[0];
      }),
    text: (id) => step<ExtractedText | undefined>(() => kept.get(id)?.text),
    chunks: (id) => step<readonly Chunk[] | undefined>(() => kept.get(id)?.chunks),
    tokenRows: (id) => step<TokenRows | null | undefined>(() => kept.get(id)?.tokenRows),
    source: (id) => step<Blob | undefined>(() => kept.get(id)?.source ?? undefined),
    parts: (id) =>
      step<NewDocument | undefined>(() => {
        const document = kept.get(id);
        if (document === undefined) return undefined;
        const { record, text, chunks, source, tokenRows, blockId } = document;
        const { vectors, offsets } = partOf(blocks.get(blockId)!, id)!;
        return { record, text, chunks, source, vectors, offsets, tokenRows };
      }),

    blocks: () => step(() => inOrder(records()).map((record) => toBlockInfo(record, state.fingerprint ?? record))),
    release: () => undefined, // what `block` gives is the store's own
    block: (id) =>
      step<VectorBlock>(() => {
        const block = blocks.get(id);
        if (block === undefined) throw blockGone(id);
        return toVectorBlock(block);
      }),
    rows: (id, ranges) =>
      step<StoredRows>(() => {
        const block = blocks.get(id);
        if (block === undefined) throw blockGone(id);
        const { dim, precision, scale } = block.record;
        return { dim, precision, scale, vectors: rowsOf(block, ranges) };
      }),
    async compact({ signal } = {}) {
      let worked = false;
      throwIfAborted(signal);
      while (await step(compactOnce)) {
        worked = true;
        throwIfAborted(signal);
      }
      return worked;
    },
    verify: () => step(() => ({ damagedBlocks: [], lostDocuments: [], lostFiles: [] })),

    keywordSegment: (key) => step<Uint8Array | undefined>(() => keywords.get(key)?.slice()),
    putKeywordSegment: (key, bytes) =>
      step(() => {
        if (bytes === null) keywords.delete(key);
        else keywords.set(key, bytes.slice());
      }),

    usage: () =>
      step(() => {
        const kept = Array.from(aside.values(), asideBytes).reduce((sum, bytes) => sum + bytes, 0);
        return usageOf(records(), { sourceBytes: sourceBytes(), asideBytes: kept });
      }),
    close: () => {
      closed = true;
      listeners.clear();
      return Promise.resolve();
    },
  };
}

function byTimeThenId(a: DocumentRecord, b: DocumentRecord): number {
  return a.addedAt - b.addedAt || (a.id < b.id ? -1 : 1);
}
