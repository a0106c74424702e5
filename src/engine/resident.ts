/**
 * The blocks of the store held ready in the scorer, and which passage each score belongs to. Follows the store by its
 * version: only what came is loaded, only what went is dropped. A large collection is loaded in steps and searched as far as
 * it is; where nobody searches, it is followed without being loaded.
 */
import { LateralError, toLateralError } from '../errors.ts';
import { toInt4Block } from '../maxsim/int4.ts';
import type { Scorer, ScorerBlock } from '../maxsim/scorer.ts';
import type { BlockInfo, IndexStore, RowRange } from '../store/index-store.ts';
import { isWithoutVectors } from '../store/schema.ts';
import type { DocumentRecord, Fingerprint, ResidentPrecision } from '../types.ts';
import { int4RowBytes, int4Scale } from '../vectors/int4.ts';
import { createLock, type Lock } from './lock.ts';

/** Records asked for one by one; more are listed together. */
const maxSingleReads = 64;

/** Block bytes read ahead of the step that hands them to the scorer. */
const maxHeldBytes = 32 * 2 ** 20;

/** What the blocks' lists tell of the documents. */
interface Known {
  readonly records: ReadonlyMap<string, DocumentRecord>;
  readonly blockOf: ReadonlyMap<string, string>;
}

/** What a step of loading brings. */
interface Step {
  /** All blocks of the store. */
  readonly infos: readonly BlockInfo[];
  /** Those that were read for this step, and those still to be read. */
  readonly blocks: readonly ScorerBlock[];
  readonly rest: readonly BlockInfo[];
  readonly known: Known;
  /** Whether some are left unread until somebody looks. */
  readonly wait: boolean;
}

/** One document's run of positions among the scores. */
export interface Run {
  readonly documentId: string;
  readonly firstPosition: number;
  readonly chunkCount: number;
  readonly removed: boolean;
  /** false where its vectors are still to be made, or memory has no room for them: it is found by its words alone. */
  readonly encoded: boolean;
}

/** Where a passage's rows are stored. */
export interface StoredPlace {
  readonly blockId: string;
  readonly range: RowRange;
  /** Whether reading them reads all of the block. */
  readonly wholeOnly: boolean;
}

/** A loaded block's passages. */
interface Placed {
  readonly blockId: string;
  readonly firstPosition: number;
  /** [chunks + 1] rows of the block. */
  readonly offsets: Uint32Array;
  readonly wholeOnly: boolean;
}

export class ResidentIndex {
  readonly #store: IndexStore;
  readonly #fingerprint: Fingerprint;
  readonly #precision: ResidentPrecision;
  readonly #exclusive: Lock;
  readonly #refreshing = createLock();
  #scorer: Scorer;
  #version = -1;
  /** Whether all blocks of that version are loaded, but for damaged ones. */
  #complete = false;
  /** Whether the store was seen to be another than what is loaded tells of. */
  #stale = false;
  #leftBehind = false;
  /** Whether some blocks are loaded and the others are on their way. */
  #opening = false;
  #totalTokens = 0;
  /** Of each document, the block that it lay in when its record was read. */
  #blockOf: ReadonlyMap<string, string> = new Map();
  #totalBytes = 0;
  #runs: readonly Run[] = [];
  #records: ReadonlyMap<string, DocumentRecord> = new Map();
  #damaged = new Set<string>();
  /** Blocks that could not be read this time, and that the next refresh tries again. */
  readonly #unread = new Set<string>();
  /** Blocks that the scorer had no memory for. It holds their chunks without a vector: they are found by their words. */
  readonly #withoutRoom = new Map<string, BlockInfo>();
  /** All blocks of the store, as of the last step. */
  #infos: ReadonlyMap<string, BlockInfo> = new Map();
  /** Of the loaded blocks; empty where they are held as they are stored, and nobody reads them again. */
  readonly #offsets = new Map<string, Uint32Array>();
  #placed: readonly Placed[] = [];

  /**
   * @param fingerprint what every block must have been made with
   * @param exclusive held by whoever scores, and here while blocks come and go
   * @param precision 'int4' where the fingerprint says int8
   */
  constructor(
    store: IndexStore,
    scorer: Scorer,
    fingerprint: Fingerprint,
    exclusive: Lock = createLock(),
    precision: ResidentPrecision = 'stored',
  ) {
    this.#fingerprint = fingerprint;
    this.#precision = precision;
    this.#exclusive = exclusive;
    this.#store = store;
    this.#scorer = scorer;
  }

  get scorer(): Scorer {
    return this.#scorer;
  }

  get precision(): ResidentPrecision {
    return this.#precision;
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

  /** Documents without vectors. */
  get unencoded(): number {
    return Array.from(this.#records.values()).filter(isWithoutVectors).length;
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

  /** Blocks that are not searched because the browser could not read them, though nothing says that they are damaged. */
  get unreadBlocks(): readonly string[] {
    return [...this.#unread];
  }

  /** Vectors that are not searched because the scorer has no memory for them; null where all are held. */
  get withoutRoom(): { readonly tokens: number; readonly totalTokens: number; readonly heldBytes: number } | null {
    if (this.#withoutRoom.size === 0) return null;
    const tokens = liveTokens([...this.#withoutRoom.values()]);
    return { tokens, totalTokens: this.counts.tokens, heldBytes: this.#scorer.residentBytes };
  }

  /** Whether a search need not wait for `refresh`: all of `version` can be scored, or some of it and the rest is coming. */
  get searchable(): boolean {
    return (this.#complete && !this.#stale) || this.#opening;
  }

  /** How much of the stored vectors can be scored, while a refresh goes on in steps; null otherwise. */
  get opening(): { readonly tokens: number; readonly totalTokens: number } | null {
    if (!this.#opening) return null;
    const tokens = this.#scorer.blocks.reduce((sum, { numTokens }) => sum + numTokens, 0);
    return { tokens, totalTokens: this.#totalTokens };
  }

  /** Another scorer takes over (after a lost device): everything is loaded again from the store. */
  async replaceScorer(scorer: Scorer): Promise<void> {
    await this.#exclusive(() => {
      this.#scorer.destroy();
      this.#scorer = scorer;
      this.#withoutRoom.clear();
      this.#version = -1;
      this.#complete = false;
      return Promise.resolve();
    });
    await this.refresh();
  }

  /**
   * Brings the scorer to the store's present state. The store is read while searches go on, for it can be slow to answer
   * (a write that is being flushed to disk holds up every read); only handing what was read to the scorer keeps them waiting.
   * @param maxBytes where the blocks are more in all, those that came are listed but not loaded
   * @param onStep called when more of them can be searched, and not yet all
   * @throws 'model-mismatch' where another tab has filled the store with vectors of another model or setting
   */
  refresh(maxBytes = Infinity, onStep: () => void = () => undefined): Promise<void> {
    return this.#refreshing(() => this.#follow(maxBytes, onStep).finally(() => (this.#opening = false)));
  }

  async #follow(maxBytes: number, onStep: () => void): Promise<void> {
    let retried = this.#unread.size > 0;
    this.#unread.clear();
    for (; ; retried = false) {
      const version = await this.#store.version();
      if (!retried && version === this.#version && (this.#complete || this.#totalBytes > maxBytes)) return;
      const stored = await this.#store.fingerprint();
      if (stored !== null) requireSame(stored, this.#fingerprint);
      const scorer = this.#scorer;
      const infos = await this.#store.blocks();
      const loaded = new Set(scorer.blocks.map(({ id }) => id));
      const stays = new Set(infos.map(({ id }) => id));
      // What goes makes room: then those that found none are tried again.
      const retry = scorer.blocks.some(({ id }) => !stays.has(id));
      const missing = infos.filter(
        ({ id }) =>
          !this.#damaged.has(id) && !this.#unread.has(id) && (!loaded.has(id) || (retry && this.#withoutRoom.has(id))),
      );
      this.#totalBytes = infos.reduce((sum, info) => sum + this.#heldBytes(info), 0);
      this.#totalTokens = infos.reduce((sum, { numTokens }) => sum + numTokens, 0);
      const wait = this.#totalBytes > maxBytes;
      const known = await this.#readRecords(infos);

      let rest: readonly BlockInfo[] = wait ? [] : missing;
      let gone = false;
      let replaced: boolean;
      do {
        // The first alone, so that something can be searched soon.
        const read = await this.#readBlocks(rest, loaded.size === 0 && rest === missing ? 0 : maxHeldBytes);
        rest = rest.slice(read.taken);
        gone ||= read.gone;
        const step = { infos, blocks: read.blocks, rest, known, wait: wait && missing.length > 0 };
        const left = await this.#exclusive(() => this.#apply(scorer, step));
        replaced = left === null;
        rest = left ?? [];
        if (rest.length > 0) {
          this.#opening = true;
          onStep();
        }
      } while (rest.length > 0 && !replaced);
      // A block that was compacted away while we read, or another scorer: the next round sees what became of it.
      if (gone || replaced) continue;
      this.#version = version;
      this.#stale = false;
      this.#leftBehind = false;
    }
  }

  /** Blocks as long as they fit together into what may be held besides the scorer; at least one. */
  async #readBlocks(
    infos: readonly BlockInfo[],
    maxBytes: number,
  ): Promise<{ readonly blocks: ScorerBlock[]; readonly taken: number; readonly gone: boolean }> {
    const blocks: ScorerBlock[] = [];
    let gone = false;
    let bytes = 0;
    const fitting = infos.findIndex(({ byteLength }, i) => (bytes += byteLength) > maxBytes && i > 0);
    const group = fitting < 0 ? infos : infos.slice(0, fitting);
    // The store fetches one while another is checked: two thirds quicker than one after the other.
    for await (const { id, outcome } of readAhead(group, ({ id }) => this.#store.block(id))) {
      if (outcome.status === 'fulfilled') {
        if (this.#precision === 'stored') blocks.push(outcome.value);
        else {
          blocks.push(toInt4Block(outcome.value));
          this.#store.release(outcome.value);
        }
        continue;
      }
      const error: unknown = outcome.reason;
      if (!(error instanceof LateralError)) throw error;
      if (error.code === 'not-found') gone = true;
      else if (error.code === 'storage-corrupt') this.#damaged.add(id);
      else if (error.code === 'storage-unavailable') this.#unread.add(id);
      else throw error;
    }
    return { blocks, taken: group.length, gone };
  }

  /** One step, during which nothing is scored. @returns the blocks still to come; null where another scorer has taken over */
  async #apply(scorer: Scorer, { infos, blocks, rest, known, wait }: Step): Promise<readonly BlockInfo[] | null> {
    if (this.#scorer !== scorer) return null;
    this.#complete = false;
    const wanted = new Map(infos.map((info) => [info.id, info]));
    for (const { id } of [...scorer.blocks]) {
      if (wanted.has(id)) continue;
      await scorer.unload(id);
      this.#offsets.delete(id);
    }
    for (const id of this.#damaged) if (!wanted.has(id)) this.#damaged.delete(id);
    for (const id of this.#withoutRoom.keys()) if (!wanted.has(id)) this.#withoutRoom.delete(id);
    // Those that are tried again, now or in a later step, count anew.
    for (const { id } of [...blocks, ...rest]) if (this.#withoutRoom.delete(id)) await scorer.unload(id);
    for (const block of blocks) {
      try {
        await scorer.load(block);
        if (this.#precision === 'int4') this.#offsets.set(block.id, block.offsets);
      } catch (error) {
        if (toLateralError(error).code !== 'out-of-memory') throw error;
        await this.#leaveOut(scorer, wanted.get(block.id)!);
      }
      if (block.precision !== 'int4') this.#store.release(block); // a scorer copies what it keeps
    }
    // Those that are as large as one that found no room are not read in vain.
    const smallest = Math.min(...Array.from(this.#withoutRoom.values(), ({ byteLength }) => byteLength));
    for (const info of rest) if (info.byteLength >= smallest) await this.#leaveOut(scorer, info);
    const left = rest.filter(({ id }) => !this.#withoutRoom.has(id));
    this.#infos = wanted;
    this.#place();
    this.#records = known.records;
    this.#blockOf = known.blockOf;
    this.#complete = left.length === 0 && !wait;
    return left;
  }

  /** Of the loaded blocks: whose passages lie at which position. */
  #place(): void {
    this.#runs = runsOf(this.#scorer, this.#infos, this.#withoutRoom);
    let position = 0;
    this.#placed = this.#scorer.blocks.flatMap(({ id, numChunks }) => {
      const offsets = this.#offsets.get(id);
      const firstPosition = position;
      position += numChunks;
      const { wholeOnly } = this.#infos.get(id)!;
      return offsets === undefined ? [] : [{ blockId: id, firstPosition, offsets, wholeOnly }];
    });
  }

  /** Bytes of a block in the scorer's memory. */
  #heldBytes({ numTokens, byteLength }: BlockInfo): number {
    return this.#precision === 'stored' ? byteLength : numTokens * int4RowBytes(this.#fingerprint.dim);
  }

  /** The block's chunks without their vectors. */
  async #leaveOut(scorer: Scorer, info: BlockInfo): Promise<void> {
    const { dim, precision, scale } = this.#fingerprint;
    const known = this.#withoutRoom.has(info.id);
    this.#withoutRoom.set(info.id, info);
    if (known) return;
    const empty = { id: info.id, dim, offsets: new Uint32Array(info.numChunks + 1) };
    if (this.#precision === 'int4') {
      const vectors = new Uint8Array(0);
      await scorer.load({ ...empty, precision: 'int4', scale: scale * int4Scale(dim), vectors });
    } else {
      const vectors = precision === 'int8' ? new Int8Array(0) : new Float32Array(0);
      await scorer.load({ ...empty, precision, scale, vectors });
    }
  }

  /** The store is not as it was when it was last looked at: the next search looks again. */
  markStale(): void {
    this.#version = -1;
    this.#stale = true;
  }

  /**
   * What is loaded is to be searched though it cannot be followed any further: its rows are no longer stored.
   * @returns false where not all of it is loaded
   */
  goOn(): boolean {
    if (!this.#complete) return false;
    this.#stale = false;
    this.#leftBehind = true;
    return true;
  }

  /** Whether `goOn` was called, and no refresh has succeeded since. */
  get leftBehind(): boolean {
    return this.#leftBehind;
  }

  /** A block whose rows cannot be read any more goes, as those do that cannot be read at all. Only while nothing is scored. */
  async leaveOutDamaged(blockId: string): Promise<void> {
    this.#damaged.add(blockId);
    this.#offsets.delete(blockId);
    await this.#scorer.unload(blockId);
    this.#place();
  }

  /** A document that is removed and comes again lies in another block: so only records of moved documents are read. */
  async #readRecords(infos: readonly BlockInfo[]): Promise<Known> {
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
    return { records, blockOf };
  }

  /** The run and chunk that a position belongs to. */
  locate(position: number): { readonly run: Run; readonly chunk: number } {
    const run = lastBefore(this.#runs, position);
    if (run === undefined || position >= run.firstPosition + run.chunkCount) {
      throw new LateralError('internal', `There is no passage at position ${position}.`);
    }
    return { run, chunk: position - run.firstPosition };
  }

  /** Where the rows of a passage that has some are stored. Of an index that is held in four bits. */
  storedPlace(position: number): StoredPlace {
    const placed = lastBefore(this.#placed, position);
    const chunk = position - (placed?.firstPosition ?? 0);
    if (placed === undefined || chunk < 0 || chunk >= placed.offsets.length - 1) {
      throw new LateralError('internal', `The rows of the passage at position ${position} are not stored.`);
    }
    const { blockId, offsets, wholeOnly } = placed;
    return { blockId, range: { first: offsets[chunk]!, end: offsets[chunk + 1]! }, wholeOnly };
  }

  /** Positions of the documents that may be searched by meaning; undefined where that is all that are loaded. */
  selection(accepts: ((documentId: string) => boolean) | null): Uint32Array | undefined {
    if (accepts === null && this.#runs.every((run) => run.encoded && !run.removed)) return undefined;
    const positions: number[] = [];
    for (const run of this.#runs) {
      if (run.removed || !run.encoded || (accepts !== null && !accepts(run.documentId))) continue;
      for (let i = 0; i < run.chunkCount; i++) positions.push(run.firstPosition + i);
    }
    return Uint32Array.from(positions);
  }

  destroy(): void {
    this.#scorer.destroy();
  }
}

/** The last of them, in position order, that begins at or before a position; the first where none does. */
function lastBefore<T extends { readonly firstPosition: number }>(
  items: readonly T[],
  position: number,
): T | undefined {
  let low = 0;
  let high = items.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (items[middle]!.firstPosition <= position) low = middle;
    else high = middle - 1;
  }
  return items[low];
}

/** What `read` makes of each item, in order; the next item's read has begun when one is handed out. */
async function* readAhead<Item extends { readonly id: string }, T>(
  items: readonly Item[],
  read: (item: Item) => Promise<T>,
): AsyncGenerator<{ readonly id: string; readonly outcome: PromiseSettledResult<T> }> {
  const begin = async (item: Item | undefined): Promise<PromiseSettledResult<T>[]> =>
    item === undefined ? [] : Promise.allSettled([read(item)]);
  let next = begin(items[0]);
  for (const [i, { id }] of items.entries()) {
    const current = next;
    next = begin(items[i + 1]);
    yield { id, outcome: (await current)[0]! };
  }
}

function runsOf(
  scorer: Scorer,
  infos: ReadonlyMap<string, BlockInfo>,
  withoutRoom: ReadonlyMap<string, BlockInfo>,
): Run[] {
  const runs: Run[] = [];
  let position = 0;
  for (const block of scorer.blocks) {
    const info = infos.get(block.id);
    if (info === undefined) throw new LateralError('internal', `Block ${block.id} is loaded but not in the store.`);
    for (const { id, chunkCount, tokenCount, removed } of info.documents) {
      runs.push({
        documentId: id,
        firstPosition: position,
        chunkCount,
        removed,
        encoded: (tokenCount > 0 && !withoutRoom.has(block.id)) || chunkCount === 0,
      });
      position += chunkCount;
    }
  }
  return runs;
}

/** Of documents that were not removed. */
function liveTokens(infos: readonly BlockInfo[]): number {
  const live = infos.flatMap(({ documents }) => documents.filter(({ removed }) => !removed));
  return live.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
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
    `This index was built with ${field} ${stored[field]}; ${wanted[field]} was asked for. Open it with its own settings, or with onMismatch 'reencode' or 'aside'; where its passages were cut otherwise, clear it and add the documents again.`,
    { details: { field, stored: stored[field], wanted: wanted[field] } },
  );
}
