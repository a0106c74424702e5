/** A store that compaction.spec.ts fills, compacts, and reads again after the browser was killed. */
import { openIdbStore } from '../../../src/store/idb-store.ts';
import type { NewDocument } from '../../../src/store/index-store.ts';
import type { Fingerprint } from '../../../src/types.ts';

const dim = 128;
const tokensPerDocument = 4096;
const fingerprint: Fingerprint = {
  ...{ model: 'test@0', dim, precision: 'int8', scale: 1 / 127 },
  ...{ poolFactor: 1, longDocument: 'truncate', chunker: 1 },
};
const store = await openIdbStore('compaction');

export interface Found {
  readonly documents: number;
  readonly blocks: number;
  /** What is damaged or missing, and documents whose vectors are not those that were added. */
  readonly wrong: readonly string[];
}

declare global {
  // Called by the test.
  var fill: (first: number, count: number) => Promise<void>;
  var compact: () => Promise<boolean>;
  var check: () => Promise<Found>;
}

/** One block a document, half a mebibyte each. */
globalThis.fill = async (first, count) => {
  for (let number = first; number < first + count; number++) await store.add([documentOf(number)], fingerprint);
};

globalThis.compact = () => store.compact();

globalThis.check = async () => {
  const { damagedBlocks, lostDocuments } = await store.verify();
  const wrong = [...damagedBlocks, ...lostDocuments];
  const records = await store.documents();
  for (const { id } of records) {
    const parts = await store.parts(id);
    const expected = vectorsOf(Number(id));
    if (parts?.vectors.some((value, i) => value !== expected[i]) !== false) wrong.push(`document ${id}`);
  }
  return { documents: records.length, blocks: (await store.blocks()).length, wrong };
};

function vectorsOf(number: number): Int8Array {
  return new Int8Array(tokensPerDocument * dim).map((_, i) => (i * 31 + number * 7) % 127);
}

function documentOf(number: number): NewDocument {
  const id = String(number);
  return {
    record: {
      ...{ id, name: `${id}.txt`, path: '', title: '', mediaType: 'text/plain', language: '', tags: [] },
      ...{ addedAt: number + 1, byteLength: 1, textLength: 1, contentHash: id, chunkCount: 1 },
      ...{ tokenCount: tokensPerDocument, truncatedChunks: 0, notes: [] },
    },
    text: { text: 'x', sections: [], blocks: [], mediaType: 'text/plain', notes: [] },
    chunks: [{ ordinal: 0, start: 0, end: 1, section: -1 }],
    source: null,
    tokenRows: null,
    vectors: vectorsOf(number),
    offsets: Uint32Array.of(0, tokensPerDocument),
  };
}
