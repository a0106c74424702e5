/**
 * Where the levels in src/models/registry.ts (`similarity`) come from: cosines between words and their best matches, for
 * questions that a collection answers and for questions that it does not.
 *
 *   npx tsx bench/similarity.ts [--pool 2] <BEIR folder> <BEIR folder with foreign questions> [more of these …]
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CallContext } from '../src/engine/engine-api.ts';
import { createNodeEngine } from '../src/engine/node.ts';
import { beirText, readBeir } from '../src/interop/beir.ts';
import { poolFactors } from '../src/vectors/pool.ts';

const maxDocuments = 200;
const maxQuestions = 100;
const percentiles = [5, 10, 25, 50, 75, 90, 95];
const context: CallContext = { signal: new AbortController().signal, onProgress: () => undefined };

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: { pool: { type: 'string', default: '1' } },
});
const [home, ...foreign] = positionals;
const poolFactor = poolFactors.find((factor) => String(factor) === given.pool);
if (home === undefined || foreign.length === 0 || poolFactor === undefined) {
  console.error(
    'usage: npx tsx bench/similarity.ts [--pool 1|2|3|4] <BEIR folder> <BEIR folder with foreign questions> [more …]',
  );
  process.exit(2);
}

const collection = await readBeir(open(home));
const documents = [...collection.documents].slice(0, maxDocuments);
const here = new Set(documents.map(({ id }) => id));
const answered = [...collection.queries].filter(({ id }) =>
  [...(collection.judgements.get(id)?.keys() ?? [])].some((document) => here.has(document)),
);
const unanswered = [];
for (const folder of foreign) unanswered.push(...(await readBeir(open(folder))).queries);

const engine = createNodeEngine('public/models');
await engine.open({ name: 'similarity', poolFactor }, context);
await engine.add(
  documents.map((document) => ({ id: document.id, name: document.id, content: beirText(document) })),
  context,
);

for (const [label, queries] of [
  ['answered here', sample(answered)],
  ['not answered here', sample(unanswered)],
] as const) {
  const found: Record<string, number[]> = {
    'mean over words (relevant)': [],
    'same word': [],
    'other word (close, strong)': [],
  };
  for (const { text } of queries) {
    const [hit] = (await engine.search({ query: text, options: { k: 1 } }, context)).hits;
    if (hit === undefined || hit.why.length === 0) continue;
    found['mean over words (relevant)']!.push(hit.why.reduce((sum, row) => sum + row.similarity, 0) / hit.why.length);
    for (const { verdict, similarity } of hit.why) {
      found[verdict === 'same-word' ? 'same word' : 'other word (close, strong)']!.push(similarity);
    }
  }
  console.log(`\n${label}: ${queries.length} questions; percentiles ${percentiles.join(', ')}`);
  for (const [name, values] of Object.entries(found)) {
    values.sort((a, b) => a - b);
    const row = percentiles.map((p) => values[Math.floor((p / 100) * (values.length - 1))]?.toFixed(2));
    console.log(`${name.padEnd(28)} ${row.join('  ')}`);
  }
}
await engine.close(undefined, context);

function open(folder: string) {
  return async (name: string) => {
    try {
      return new Blob([await readFile(join(folder, name))]).stream();
    } catch {
      return null;
    }
  };
}

/** Evenly spread over the list, so that the choice is the same each time. */
function sample<T>(items: readonly T[]): T[] {
  const step = Math.max(1, Math.floor(items.length / maxQuestions));
  return items.filter((_, i) => i % step === 0).slice(0, maxQuestions);
}
