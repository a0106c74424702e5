/**
 * What keyword search costs: adding, saving, loading and asking an index of synthetic passages whose words are spread as
 * in a language (Zipf), and the longest that the thread is held meanwhile.
 *
 *   npx tsx bench/keywords.ts [passages …]        default: 10000 50000
 */
import { availableParallelism, cpus } from 'node:os';
import { createKeywords } from '../src/engine/keywords.ts';
import { createPassageReader } from '../src/engine/passages.ts';
import type { NewDocument } from '../src/store/index-store.ts';
import { createMemoryStore } from '../src/store/memory-store.ts';
import type { DocumentRecord, Fingerprint } from '../src/types.ts';

const wordsPerPassage = 150;
const vocabulary = 60_000;
const passagesPerDocument = 20;
const questions = 200;
const depth = 400;
const fingerprint: Fingerprint = {
  ...{
    model: 'toy@0',
    dim: 16,
    precision: 'int8',
    scale: 1 / 127,
    poolFactor: 1,
    longDocument: 'truncate',
    chunker: 1,
  },
};

const sizes = process.argv.slice(2).map(Number);
console.log(`node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores`);
for (const size of sizes.length > 0 ? sizes : [10_000, 50_000]) await measure(size);

async function measure(passages: number): Promise<void> {
  const random = createRandom(7);
  const word = createZipf(random);
  const store = createMemoryStore('bench');
  const documents = Math.ceil(passages / passagesPerDocument);
  for (let d = 0; d < documents; d++) await store.add([document(String(d), word)], fingerprint);
  const records = async (): Promise<ReadonlyMap<string, DocumentRecord>> =>
    new Map((await store.documents()).map((record) => [record.id, record]));

  const rows: [string, string][] = [];
  const timed = async <T>(label: string, work: () => Promise<T>): Promise<T> => {
    const watch = watchThread();
    const started = performance.now();
    const result = await work();
    const elapsed = performance.now() - started;
    rows.push([label, `${elapsed.toFixed(0)} ms, thread held at most ${watch.stop().toFixed(0)} ms`]);
    return result;
  };

  const built = createKeywords(store, createPassageReader(store, fingerprint));
  await timed('build from texts and save', async () => built.follow(await records(), 'now'));
  let bytes = 0;
  for (let i = 0; i < built.index.shards.length; i++) bytes += (await store.keywordSegment(`shard-${i}`))!.length;
  rows.push(['saved', `${(bytes / 1e6).toFixed(1)} MB in ${built.index.shards.length} shards`]);

  const loaded = createKeywords(store, createPassageReader(store, fingerprint));
  await timed('load', async () => loaded.follow(await records()));
  await store.add([document('one more', word)], fingerprint);
  await timed(`add a document of ${passagesPerDocument} passages`, async () => loaded.follow(await records()));
  await timed('save it', async () => loaded.follow(await records(), 'now'));
  await store.remove(['0']);
  await timed('remove one', async () => loaded.follow(await records()));

  for (const [label, length, common] of [
    ['3 words', 3, 0],
    ['8 words, 4 of them the commonest', 8, 4],
    ['the 4 commonest words alone', 4, 4],
  ] as const) {
    const times = Array.from({ length: questions }, () => {
      const terms = Array.from({ length }, (_, i) => (i < common ? `w${i}` : `w${Math.floor(random() * 5000)}`));
      const started = performance.now();
      loaded.index.search(terms, depth);
      return performance.now() - started;
    }).sort((a, b) => a - b);
    const at = (share: number): string => times[Math.floor(share * (times.length - 1))]!.toFixed(1);
    rows.push([`ask for ${label}`, `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms`]);
  }
  console.log(
    `\n${passages} passages of ${wordsPerPassage} words, ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB of memory`,
  );
  for (const [label, value] of rows) console.log(`  ${label.padEnd(42)} ${value}`);
}

function document(id: string, word: () => string): NewDocument {
  const passages = Array.from({ length: passagesPerDocument }, () =>
    Array.from({ length: wordsPerPassage }, word).join(' '),
  );
  let at = 0;
  const chunks = passages.map((passage, ordinal) => {
    const start = at;
    at += passage.length + 1;
    return { ordinal, start, end: start + passage.length, section: -1 };
  });
  const text = passages.join('\n');
  const count = passages.length;
  return {
    record: {
      ...{ id, name: id, path: '', title: '', mediaType: 'text/plain', language: '', tags: [], addedAt: 1 },
      ...{ byteLength: text.length, textLength: text.length, contentHash: id, chunkCount: count, tokenCount: count },
      ...{ truncatedChunks: 0, notes: [] },
    },
    text: { text, sections: [], blocks: [], mediaType: 'text/plain', notes: [] },
    chunks,
    source: null,
    vectors: new Int8Array(count * fingerprint.dim),
    offsets: Uint32Array.from({ length: count + 1 }, (_, i) => i),
    tokenRows: null,
  };
}

/** Word r (from 0) with a probability of about 1 / (r + 2.7). */
function createZipf(random: () => number): () => string {
  const sums = new Float64Array(vocabulary);
  let sum = 0;
  for (let r = 0; r < vocabulary; r++) sums[r] = sum += 1 / (r + 2.7);
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = vocabulary - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return `w${low}`;
  };
}

/** The same numbers each time (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The longest time between two turns of the event loop. */
function watchThread(): { stop(): number } {
  let last = performance.now();
  let longest = 0;
  let running = true;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setImmediate(look);
  };
  setImmediate(look);
  return {
    stop() {
      running = false;
      return Math.max(longest, performance.now() - last);
    },
  };
}
