/** Opening a large collection as the engine does: the store's blocks into a scorer's memory. bench/opening.ts calls these. */
import { createRescorer, passagesToRescore } from '../../src/engine/rescoring.ts';
import { ResidentIndex } from '../../src/engine/resident.ts';
import { createWasmScorer } from '../../src/maxsim/wasm.ts';
import { openIdbStore } from '../../src/store/idb-store.ts';
import type { NewDocument } from '../../src/store/index-store.ts';
import { fusionDepth } from '../../src/ranking/fuse.ts';
import { topK } from '../../src/ranking/top-k.ts';
import type { Fingerprint, ResidentPrecision } from '../../src/types.ts';
import { dim } from '../results.ts';
import { benchQuery, int8Blocks } from './sample.ts';

const name = 'bench-opening';
const fingerprint: Fingerprint = {
  ...{ model: 'bench@0', dim, precision: 'int8', scale: 1 / 127 },
  ...{ poolFactor: 1, longDocument: 'truncate', chunker: 1 },
};

export interface Opened {
  readonly numTokens: number;
  readonly residentBytes: number;
  /** Until something could be searched, until all could, and of the first search after that. */
  readonly firstMs: number;
  readonly wholeMs: number;
  readonly searchMs: number;
  /** In four bits a component: of giving the best of that search their exact scores, and of the same again; null otherwise. */
  readonly rescoring: { readonly passages: number; readonly firstMs: number; readonly againMs: number } | null;
}

/** Stores made-up documents of 65,536 tokens each, and merges their blocks as the engine does in the background. */
export async function fillStore(numTokens: number, onProgress: (text: string) => void): Promise<void> {
  const store = await openIdbStore(name);
  let stored = 0;
  for (const { id, vectors, offsets } of int8Blocks(numTokens, 5)) {
    await store.add([documentOf(id, vectors as Int8Array, offsets)], fingerprint);
    stored += vectors.length / dim;
    onProgress(`stored ${stored} of ${numTokens} tokens`);
  }
  await store.compact();
  await store.close();
}

export async function openStored(precision: ResidentPrecision): Promise<Opened> {
  const store = await openIdbStore(name);
  const scorer = await createWasmScorer();
  const resident = new ResidentIndex(store, scorer, fingerprint, undefined, precision);
  const started = performance.now();
  let first = 0;
  await resident.refresh(Infinity, () => (first ||= performance.now()));
  const whole = performance.now();
  const scores = await scorer.score(benchQuery());
  const searched = performance.now();
  const { residentBytes } = scorer;
  const { tokens } = resident.counts;
  return {
    numTokens: tokens,
    residentBytes,
    firstMs: (first || whole) - started,
    wholeMs: whole - started,
    searchMs: searched - whole,
    rescoring: precision === 'int4' ? await timeRescoring() : null,
  };

  async function timeRescoring(): Promise<NonNullable<Opened['rescoring']>> {
    const best = topK(scores, passagesToRescore(fusionDepth, 10));
    const rescorer = createRescorer(store, resident, fingerprint);
    await rescorer.score(benchQuery(), best.slice(0, 1)); // makes its scorer
    const times: number[] = [];
    for (let round = 0; round < 2; round++) {
      const begun = performance.now();
      await rescorer.score(benchQuery(), best);
      times.push(performance.now() - begun);
    }
    return { passages: best.length, firstMs: times[0]!, againMs: times[1]! };
  }
}

function documentOf(id: string, vectors: Int8Array, offsets: Uint32Array): NewDocument {
  const [chunkCount, tokenCount] = [offsets.length - 1, vectors.length / dim];
  return {
    record: {
      ...{ id, name: `${id}.txt`, path: '', title: '', mediaType: 'text/plain', language: '', tags: [] },
      ...{ addedAt: 1, byteLength: chunkCount, textLength: chunkCount, contentHash: id, chunkCount, tokenCount },
      ...{ truncatedChunks: 0, notes: [] },
    },
    text: { text: 'x'.repeat(chunkCount), sections: [], blocks: [], mediaType: 'text/plain', notes: [] },
    chunks: Array.from({ length: chunkCount }, (_, i) => ({ ordinal: i, start: i, end: i + 1, section: -1 })),
    source: null,
    tokenRows: null,
    vectors,
    offsets,
  };
}
