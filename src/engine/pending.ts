/**
 * Files between being given and being read. A file belongs to the call that means to read it: its `owner` is the name of
 * a lock that the call holds as long as it runs, and a name is never used again. So a file whose owner's lock is free
 * (the call was cancelled, its tab was closed or has crashed) belongs to nobody: that is what "pending" means to a person,
 * in every tab alike, and the first call that makes itself the owner reads it.
 */
import type { LateralError } from '../errors.ts';
import type { IndexStore, PendingFile, StageOptions } from '../store/index-store.ts';
import type { DocumentInput, PendingFiles } from '../types.ts';
import type { TabLocks } from './tab-locks.ts';

export interface PendingQueue {
  /** Does the work as an owner of files. */
  own<T>(work: (owner: string) => Promise<T>): Promise<T>;
  /** Copies documents into the store. One outcome a document. @throws as `IndexStore.stage`, with nothing kept */
  keep(
    documents: readonly DocumentInput[],
    owner: string,
    options: StageOptions,
  ): Promise<readonly (PendingFile | LateralError)[]>;
  /** Makes all files that belong to nobody this owner's. @returns them, in order */
  adopt(owner: string): Promise<PendingFile[]>;
  /** Drops all files that belong to nobody. @returns how many */
  discard(): Promise<number>;
  /** What belongs to nobody; also drops what is left of a copy that was cut short. Calls `onFreed` later if an owner ends. */
  count(): Promise<PendingFiles>;
  close(): void;
}

/** @param onFreed called when files may have lost their owner */
export function createPendingQueue(
  store: IndexStore,
  locks: TabLocks,
  indexName: string,
  onFreed: () => void,
): PendingQueue {
  const session = `lateral-owner-${indexName}-${crypto.randomUUID()}`;
  const startedAt = Date.now();
  const closing = new AbortController();
  const watched = new Set<string>();
  let calls = 0;

  /** @returns the files that belong to nobody, and the owners of others whose locks are seen here */
  async function orphans(): Promise<{ readonly files: PendingFile[]; readonly owners: ReadonlySet<string> }> {
    const files = await store.pending();
    if (files.length === 0) return { files, owners: new Set() };
    const held = await locks.held();
    const isOwned = ({ owner, addedAt }: PendingFile): boolean => {
      if (locks.acrossTabs || owner.startsWith(session)) return held.has(owner);
      return addedAt >= startedAt; // another tab's, which may still be at work
    };
    return {
      files: files.filter((file) => !isOwned(file)),
      owners: new Set(files.map(({ owner }) => owner).filter((owner) => held.has(owner))),
    };
  }

  function watch(owner: string): void {
    if (watched.has(owner)) return;
    watched.add(owner);
    locks.released(owner, closing.signal).then(
      () => {
        watched.delete(owner);
        onFreed();
      },
      () => watched.delete(owner),
    );
  }

  return {
    own(work) {
      const owner = `${session}-${calls++}`;
      return locks.hold(owner, () => work(owner));
    },
    keep: (documents, owner, options) => store.stage(documents.map(fileOf), owner, options),
    async adopt(owner) {
      const { files } = await orphans();
      return store.adopt(
        files.filter(({ complete }) => complete),
        owner,
      );
    },
    async discard() {
      const { files } = await orphans();
      return store.unstage(files);
    },
    async count() {
      const { files, owners } = await orphans();
      owners.forEach(watch);
      const complete = files.filter((file) => file.complete);
      if (complete.length < files.length) await store.unstage(files.filter((file) => !file.complete));
      return { files: complete.length, bytes: complete.reduce((sum, { byteLength }) => sum + byteLength, 0) };
    },
    close: () => closing.abort(),
  };
}

function fileOf({ name, content, id = '', path = '', mediaType = '', language = '', tags = [] }: DocumentInput) {
  const blob = content instanceof Blob ? content : new Blob([content as string | Uint8Array<ArrayBuffer>]);
  return { name, path, mediaType, language, tags, id, content: blob };
}
