/**
 * What reading long documents in windows is worth: consecutive passages of a BEIR set are joined to documents (those of one title, else
 * so many), which are read passage by passage and in windows; passages are ranked by each.
 *
 *   npx tsx bench/long-documents.ts [--models FOLDER] [--join 5] [--methods passage,window] [--limit-queries 300] <BEIR folder> [more …]
 *
 * Prints a line of JSON a set and method: nDCG@10, Recall@100 and MRR@10 by passage, and how long the documents took.
 */
import { createReadStream, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import type { Encoder } from '../src/colbert/encoder.ts';
import { encodeInWindows, longDocumentMethods, type PassageRows, windowSize } from '../src/colbert/windows.ts';
import { openNodeEncoder } from '../src/engine/node.ts';
import { meanMeasures, rank } from '../src/evaluation/metrics.ts';
import { complete } from '../src/extract/builder.ts';
import { extractPlain } from '../src/extract/plain.ts';
import { type BeirSet, type OpenFile, readBeir } from '../src/interop/beir.ts';
import { createWasmScorer } from '../src/maxsim/wasm.ts';
import { chunkText } from '../src/text/chunk.ts';
import { defaultScale, quantizeRows } from '../src/vectors/quantize.ts';

const { values: given, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string', default: 'public/models' },
    join: { type: 'string', default: '5' },
    methods: { type: 'string', default: 'passage,window' },
    'limit-queries': { type: 'string', default: '300' },
  },
});
const methods = given.methods.split(',').map((method) => {
  // As in an index, or as a fingerprint spells it, to try others.
  const known = longDocumentMethods[method as keyof typeof longDocumentMethods] as string | undefined;
  return (known ?? method) as (typeof longDocumentMethods)['window'];
});

const encoder = await openNodeEncoder('lateral-mini', given.models);
for (const folder of folders) {
  const set = await readBeir(filesIn(folder));
  const queries = set.queries.slice(0, Number(given['limit-queries']));
  const documents = joined(set, Number(given.join));
  const rowsOfQueries: Float32Array[] = [];
  for (const { text } of queries) rowsOfQueries.push((await encoder.encodeQuery(text)).rows);

  for (const method of methods) {
    const started = performance.now();
    const passages = await encodeDocuments(encoder, documents, method);
    const seconds = (performance.now() - started) / 1000;
    const { dim } = encoder;
    const scorer = await createWasmScorer();
    const offsets = new Uint32Array(passages.length + 1);
    passages.forEach(({ numTokens }, i) => (offsets[i + 1] = offsets[i]! + numTokens));
    const rows = new Float32Array(offsets.at(-1)! * dim);
    passages.forEach((passage, i) => rows.set(passage.rows, offsets[i]! * dim));
    const vectors = quantizeRows(rows, defaultScale);
    await scorer.load({ id: 'all', dim, precision: 'int8', scale: defaultScale, vectors, offsets });
    const ids = documents.flatMap((parts) => parts.map(({ id }) => id));
    const runs = [];
    for (const [i, query] of queries.entries()) {
      const scores = await scorer.score({ rows: rowsOfQueries[i]!, dim });
      const best = new Map<string, number>();
      scores.forEach((score, at) => best.set(ids[at]!, Math.max(score, best.get(ids[at]!) ?? -Infinity)));
      const ranked = rank(
        Array.from(best, ([id, score]) => ({ id, score })),
        1000,
      );
      runs.push({ ranked, judgements: set.judgements.get(query.id) ?? new Map<string, number>() });
    }
    scorer.destroy();
    const { ndcg10, recall100, mrr10 } = meanMeasures(runs);
    console.log(
      JSON.stringify({
        set: basename(folder),
        method,
        documents: documents.length,
        passages: ids.length,
        queries: queries.length,
        vectors: offsets.at(-1),
        ...{ ndcg10: round(ndcg10), recall100: round(recall100), mrr10: round(mrr10), seconds: round(seconds) },
      }),
    );
  }
}
await encoder.release();

/** A passage as the chunker cuts it, with the id of the set's passage that it is (a part of). */
interface Part {
  readonly id: string;
  readonly text: string;
}

function joined({ documents }: BeirSet, size: number): Part[][] {
  const groups: Part[][] = [];
  let title = '';
  let count = 0;
  for (const document of documents) {
    const opens = document.title === '' ? count % size === 0 : document.title !== title;
    count++;
    title = document.title;
    if (opens || groups.length === 0) groups.push([]);
    // A title stands once, above the document.
    const text = opens && title !== '' ? `${title}\n\n${document.text}` : document.text;
    const extracted = complete(extractPlain(text, 'prose'), 'text/plain', []);
    for (const { start, end } of chunkText(extracted)) {
      groups.at(-1)!.push({ id: document.id, text: extracted.text.slice(start, end) });
    }
  }
  return groups;
}

async function encodeDocuments(
  model: Encoder,
  documents: readonly (readonly Part[])[],
  method: (typeof longDocumentMethods)['window'],
): Promise<PassageRows[]> {
  const size = windowSize(method, model.config);
  if (size === null) return model.encodeDocuments(documents.flatMap((parts) => parts.map(({ text }) => text)));
  const ids = documents.map((parts) => parts.map(({ text }) => model.tokenizer.encode(text)));
  const passages: PassageRows[] = [];
  for await (const one of encodeInWindows(model, ids, size, (texts) => model.encodeIds(texts))) passages.push(one);
  return passages;
}

function filesIn(folder: string): OpenFile {
  return (path) => {
    const file = join(folder, path);
    return Promise.resolve(
      existsSync(file) ? (Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>) : null,
    );
  };
}

function round(value: number): number {
  return Number(value.toFixed(4));
}
