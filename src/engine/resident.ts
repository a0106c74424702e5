/**
 * The blocks of the store held ready in the scorer, and which passage each score belongs to. Follows the store by its
 * version: only what came is loaded, only what went is dropped. Where nobody searches, a large collection is followed
 * without being loaded.
 */
import { LateralError } from '../errors.ts';
import type { Scorer } from '../maxsim/scorer.ts';
import type { BlockInfo, IndexStore } from '../store/index-store.ts';
import type { DocumentRecord, Fingerprint } from '../types.ts';

/** Records asked for one by one; more are listed together. */
const maxSingleReads = 64;

/** One document's run of positions among the scores. */
export interface Run {
  readonly documentId: string;
  readonly firstPosition: number;
  readonly chunkCount: number;
  readonly removed: boolean;
}

export class ResidentIndex {
  readonly #store: IndexStore;
  readonly #fingerprint: Fingerprint;
  #scorer: Scorer;
  #version = -1;
  /** Whether all blocks of that version are loaded, but for damaged ones. */
  #complete = false;
  /** Of each document, the block that it lay in when its record was read. */
  #blockOf: ReadonlyMap<string, string> = new Map();
  #totalBytes = 0;
  #runs: readonly Run[] = [];
  #records: ReadonlyMap<string, DocumentRecord> = new Map();
  #damaged = new Set<string>();

  /** @param fingerprint what every block must have been made with */
  constructor(store: IndexStore, scorer: Scorer, fingerprint: Fingerprint) {
    this.#fingerprint = fingerprint;
    this.#store = store;
    this.#scorer = scorer;
  }

  get scorer(): Scorer {
    return this.#scorer;
  }

  /** In position order. */
  get runs(): readonly Run[] {
    return this.#runs;
  }

  /** The documents as of the last refresh. */
  get records(): ReadonlyMap<string, DocumentRecord> {
    return this.#records;
  }

  /** The store's version that all of this tells of; −1 before the first refresh. */
  get version(): number {
    return this.#version;
  }

  get counts(): { readonly documents: number; readonly chunks: number; readonly tokens: number } {
    let chunks = 0;
    let tokens = 0;
    for (const { chunkCount, tokenCount } of this.#records.values()) {
      chunks += chunkCount;
      tokens += tokenCount;
    }
    return { documents: this.#records.size, chunks, tokens };
  }

  /** Blocks that could not be read; their documents are not searched. */
  get damagedBlocks(): readonly string[] {
    return [...this.#damaged];
  }

  /** Another scorer takes over (after a lost device): everything is loaded again from the store. */
  async replaceScorer(scorer: Scorer): Promise<void> {
    this.#scorer.destroy();
    this.#scorer = scorer;
    this.#version = -1;
    await this.refresh();
  }

  /**
   * Brings the scorer to the store's present state. Callers must not score meanwhile.
   * @param maxBytes where the blocks are more in all, those that came are listed but not loaded
   * @throws 'model-mismatch' where another tab has filled the store with vectors of another model or setting
   */
  async refresh(maxBytes = Infinity): Promise<void> {
    for (;;) {
      const version = await this.#store.version();
      if (version === this.#version && (this.#complete || this.#totalBytes > maxBytes)) return;
      const stored = await this.#store.fingerprint();
      if (stored !== null) requireSame(stored, this.#fingerprint);
      const infos = await this.#store.blocks();
      const wanted = new Map(infos.map((info) => [info.id, info]));
      for (const { id } of [...this.#scorer.blocks]) {
        if (!wanted.has(id)) await this.#scorer.unload(id);
      }
      for (const id of this.#damaged) if (!wanted.has(id)) this.#damaged.delete(id);
      const loaded = new Set(this.#scorer.blocks.map(({ id }) => id));
      const missing = infos.filter(({ id }) => !loaded.has(id) && !this.#damaged.has(id));
      this.#totalBytes = infos.reduce((sum, { byteLength }) => sum + byteLength, 0);
      const wait = this.#totalBytes > maxBytes;
      let found = true;
      if (!wait) for (const info of missing) found = (await this.#load(info)) && found;
      this.#runs = runsOf(this.#scorer, wanted);
      await this.#readRecords(infos);
      this.#complete = !wait || missing.length === 0;
      // A block that was compacted away while we read: the next round sees what it became.
      if (found) this.#version = version;
    }
  }

  /** A document that is removed and comes again lies in another block: so only records of moved documents are read. */
  async #readRecords(infos: readonly BlockInfo[]): Promise<void> {
    const blockOf = new Map<string, string>();
    for (const { id: block, documents } of infos) {
      for (const { id, removed } of documents) if (!removed) blockOf.set(id, block);
    }
    const moved = [...blockOf.keys()].filter((id) => this.#blockOf.get(id) !== blockOf.get(id));
    const read =
      moved.length > maxSingleReads
        ? await this.#store.documents()
        : await Promise.all(moved.map((id) => this.#store.document(id)));
    const records = new Map<string, DocumentRecord>();
    for (const [id, record] of this.#records) if (blockOf.has(id)) records.set(id, record);
    for (const record of read) if (record !== undefined && blockOf.has(record.id)) records.set(record.id, record);
    this.#records = records;
    this.#blockOf = blockOf;
  }

  async #load(info: BlockInfo): Promise<boolean> {
    try {
      const block = await this.#store.block(info.id);
      await this.#scorer.load(block);
      return true;
    } catch (error) {
      if (error instanceof LateralError && error.code === 'not-found') return false;
      if (error instanceof LateralError && error.code === 'storage-corrupt') {
        this.#damaged.add(info.id);
        return true;
      }
      throw error;
    }
  }

  /** The run and chunk that a position belongs to. */
  locate(position: number): { readonly run: Run; readonly chunk: number } {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#runs[middle]!.firstPosition <= position) low = middle;
      else high = middle - 1;
    }
    const run = this.#runs[low];
    if (run === undefined || position >= run.firstPosition + run.chunkCount) {
      throw new LateralError('internal', `There is no passage at position ${position}.`);
    }
    return { run, chunk: position - run.firstPosition };
  }

  /** Positions of the documents that may be searched; undefined where that is all of them and nothing was removed. */
  selection(accepts: ((documentId: string) => boolean) | null): Uint32Array | undefined {
    if (accepts === null && this.#runs.every((run) => !run.removed)) return undefined;
    const positions: number[] = [];
    for (const run of this.#runs) {
      if (run.removed || (accepts !== null && !accepts(run.documentId))) continue;
      for (let i = 0; i < run.chunkCount; i++) positions.push(run.firstPosition + i);
    }
    return Uint32Array.from(positions);
  }

  destroy(): void {
    this.#scorer.destroy();
  }
}

function runsOf(scorer: Scorer, infos: ReadonlyMap<string, BlockInfo>): Run[] {
  const runs: Run[] = [];
  let position = 0;
  for (const block of scorer.blocks) {
    const info = infos.get(block.id);
    if (info === undefined) throw new LateralError('internal', `Block ${block.id} is loaded but not in the store.`);
    for (const { id, chunkCount, removed } of info.documents) {
      runs.push({ documentId: id, firstPosition: position, chunkCount, removed });
      position += chunkCount;
    }
  }
  return runs;
}

/** The first field in which two fingerprints differ; vectors may be compared only where there is none. */
export function mismatch(stored: Fingerprint, wanted: Fingerprint): keyof Fingerprint | null {
  const fields = Object.keys(wanted) as (keyof Fingerprint)[];
  return fields.find((field) => stored[field] !== wanted[field]) ?? null;
}

function requireSame(stored: Fingerprint, wanted: Fingerprint): void {
  const field = mismatch(stored, wanted);
  if (field === null) return;
  throw new LateralError(
    'model-mismatch',
    `This index was built with ${field} ${stored[field]}; ${wanted[field]} was asked for. Open it with its own settings, or clear it and add the documents again.`,
    { details: { field, stored: stored[field], wanted: wanted[field] } },
  );
}
