/**
 * The keyword index of an open collection: loaded from the store's keyword segments when it is first needed, brought up
 * to the store's documents from their texts, and saved shard by shard as it grows. It is derived: a segment that is
 * damaged, missing or of another version costs the reading of its texts, and nothing else.
 */
import * as v from 'valibot';
import { toLateralError } from '../errors.ts';
import { KeywordIndex, KeywordShard, type PassageRun, type ShardSnapshot } from '../ranking/keyword-index.ts';
import type { IndexStore } from '../store/index-store.ts';
import { lexicalVersion } from '../text/lexical.ts';
import type { DocumentRecord } from '../types.ts';
import { createLock } from './lock.ts';
import type { PassageReader } from './passages.ts';
import { createPause } from './pause.ts';

export type Records = ReadonlyMap<string, DocumentRecord>;

/**
 * When to write: 'never' (another tab does), 'when-due' (a shard has grown by a quarter, and by 256 passages), 'now'
 * (whatever is not yet saved).
 */
export type Saving = 'never' | 'when-due' | 'now';

export interface Keywords {
  readonly index: KeywordIndex;
  /** Whether it has been loaded, or is about to be. */
  readonly started: boolean;
  /** How many passages of these documents it does not have yet. */
  missing(records: Records): number;
  /**
   * Brings it up to these documents; the first call loads what was saved. Calls go one after another.
   * @throws what the store throws when it is closed
   */
  follow(records: Records, saving?: Saving): Promise<void>;
}

/** Passages added to a shard before it is saved anew: at least this many, and a quarter of what is saved. */
const dueAfterPassages = 256;
/** Passages handed to the index at a time. */
const passagesPerStep = 32;

/** @param texts where the texts of new documents come from */
export function createKeywords(store: IndexStore, texts: Pick<PassageReader, 'document'>): Keywords {
  const index = new KeywordIndex();
  const turn = createLock();
  const pause = createPause();
  /** Documents whose texts could not be read: not tried again while they stay as they are. */
  const unreadable = new Map<string, number>();
  let started = false;
  let loaded = false;
  let current: Records | null = null; // that the index is up to

  async function load(): Promise<void> {
    for (let number = 0; ; number++) {
      const bytes = await readSegment(store, number);
      if (bytes === undefined) break;
      index.append(bytes === null ? new KeywordShard() : await openShard(bytes));
      await pause();
    }
    loaded = true;
  }

  async function reconcile(records: Records): Promise<void> {
    const complete = completeDocuments(index, records);
    for (const shard of index.shards)
      await shard.discard(shard.runs.filter((run) => complete.get(run.documentId) !== run.addedAt));
    for (const record of records.values()) {
      if (complete.has(record.id) || unreadable.get(record.id) === record.addedAt) continue;
      if (!(await addDocument(record))) unreadable.set(record.id, record.addedAt);
    }
  }

  async function addDocument(record: DocumentRecord): Promise<boolean> {
    const found = await texts.document(record);
    if (found?.chunks.length !== record.chunkCount) return false;
    const { document, chunks } = found;
    for (let first = 0; first < chunks.length; first += passagesPerStep) {
      const some = chunks.slice(first, first + passagesPerStep);
      index.add(
        record,
        first,
        some.map(({ start, end }) => document.text.slice(start, end)),
      );
      await pause();
    }
    return true;
  }

  async function save(saving: Saving): Promise<void> {
    for (const [number, shard] of index.shards.entries()) {
      if (!(saving === 'now' ? shard.unsaved + shard.discarded > 0 : isDue(shard))) continue;
      try {
        await store.putKeywordSegment(segmentKey(number), await packShard(shard));
      } catch (error) {
        // It can be made again from the texts; a full disk says so where documents are added.
        if (toLateralError(error).code === 'storage-full') return;
        throw error;
      }
      await pause();
    }
  }

  return {
    index,
    get started() {
      return started;
    },

    missing(records) {
      let passages = 0;
      for (const { chunkCount } of records.values()) passages += chunkCount;
      return Math.max(0, passages - index.passages);
    },

    follow(records, saving = 'never') {
      started = true;
      return turn(async () => {
        const first = !loaded;
        if (first) await load();
        if (records !== current) await reconcile(records);
        current = records;
        // What the first round had to read again is saved by whichever tab did so.
        if (saving !== 'never' || first) await save(saving === 'now' ? 'now' : 'when-due');
      });
    },
  };
}

function isDue(shard: KeywordShard): boolean {
  const { unsaved, discarded, passages, room } = shard;
  if (unsaved > 0 && room === 0) return true;
  return unsaved + discarded >= Math.max(dueAfterPassages, (passages - unsaved) / 4);
}

/** Documents of which the index has every passage once, from the document that is here now: id → addedAt. */
function completeDocuments(index: KeywordIndex, records: Records): Map<string, number> {
  const runs = new Map<string, PassageRun[]>();
  for (const shard of index.shards) {
    for (const run of shard.runs) {
      const known = runs.get(run.documentId);
      if (known === undefined) runs.set(run.documentId, [run]);
      else known.push(run);
    }
  }
  const complete = new Map<string, number>();
  for (const [id, ofDocument] of runs) {
    const record = records.get(id);
    if (record === undefined) continue;
    let next = 0;
    for (const run of ofDocument.sort((a, b) => a.firstChunk - b.firstChunk)) {
      next = run.addedAt === record.addedAt && run.firstChunk === next ? next + run.chunkCount : Number.NaN;
    }
    if (next === record.chunkCount) complete.set(id, record.addedAt);
  }
  return complete;
}

// ─── segments ───────────────────────────────────────────────────────────────────────────────────────

/** Rises when the JSON below changes. */
const snapshotVersion = 1;

const runSchema = v.object({
  documentId: v.string(),
  addedAt: v.number(),
  firstChunk: v.number(),
  chunkCount: v.number(),
  firstEntry: v.number(),
  termCount: v.number(),
});
const segmentSchema = v.object({
  version: v.literal(snapshotVersion),
  lexical: v.literal(lexicalVersion),
  nextEntry: v.number(),
  runs: v.array(runSchema),
  index: v.looseObject({}),
});

function segmentKey(number: number): string {
  return `shard-${number}`;
}

/** null for one that is damaged. */
async function readSegment(store: IndexStore, number: number): Promise<Uint8Array | undefined | null> {
  try {
    return await store.keywordSegment(segmentKey(number));
  } catch (error) {
    if (toLateralError(error).code === 'storage-corrupt') return null;
    throw error;
  }
}

async function packShard(shard: KeywordShard): Promise<Uint8Array> {
  const json = JSON.stringify({ version: snapshotVersion, lexical: lexicalVersion, ...shard.snapshot() });
  return through(new CompressionStream('gzip'), new TextEncoder().encode(json));
}

/** An empty shard in the place of one that cannot be read. */
async function openShard(bytes: Uint8Array): Promise<KeywordShard> {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(await through(new DecompressionStream('gzip'), bytes)));
    return KeywordShard.load(v.parse(segmentSchema, json) as unknown as ShardSnapshot);
  } catch {
    return new KeywordShard();
  }
}

async function through(stream: CompressionStream | DecompressionStream, bytes: Uint8Array): Promise<Uint8Array> {
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  const out = source.pipeThrough(stream);
  return new Uint8Array(await new Response(out).arrayBuffer());
}
