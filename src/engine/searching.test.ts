/** Meaning, words and both, with the real model over a store in memory. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Encoder } from '../colbert/encoder.ts';
import { LateralError } from '../errors.ts';
import type { IndexStore } from '../store/index-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentInput, Hit, LitRange, SearchResult } from '../types.ts';
import type { CallContext, Engine, SearchOptions } from './engine-api.ts';
import { openNodeEncoder } from './node.ts';
import { models } from './testing/real-engine.ts';
import { engineOver } from './testing/engine-over.ts';

const context: CallContext = { signal: new AbortController().signal, onProgress: () => undefined };

const texts: Readonly<Record<string, string>> = {
  'trade.txt': 'When the river silted up, the merchants moved their warehouses to the coast. The old port stood empty.',
  'bread.txt': 'Mix flour, water and salt. Let the dough rise overnight, then bake it in a hot oven.',
  'parts.txt': 'Spare parts: valve XK-4471 fits the water pump of the old boiler. Order by number.',
  'harbour.txt': 'A new port for large ships was built beside the old one; its cranes work at night.',
  'zh.txt': '这座旧港口城市因河流淤塞而衰落，商人们搬到了海边。',
  'ja.txt': '新しい港が作られ、船は夜も働いている。',
};
const documents = Object.entries(texts).map(([name, content]): DocumentInput => ({ name, id: name, content }));

let encoder: Encoder;
beforeAll(async () => {
  encoder = await openNodeEncoder('lateral-mini', models, { threads: 1 });
});
afterAll(() => encoder.release());

/** An engine over this store; closing it leaves the store and the model for the next one. */
async function openOver(store: IndexStore, changes: Partial<Encoder> = {}): Promise<Engine> {
  const engine = engineOver(store, () => Promise.resolve({ ...encoder, ...changes }));
  await engine.open({}, context);
  return engine;
}

const find = (engine: Engine, query: string, options: SearchOptions = {}): Promise<SearchResult> =>
  engine.search({ query, options }, context);
const names = ({ hits }: SearchResult): string[] => hits.map(({ documentName }) => documentName);
const litOf = (hit: Hit, lit: readonly LitRange[] = hit.lit): string[] =>
  lit.map(({ start, end }) => texts[hit.documentName]!.slice(start, end));
const falls = ({ hits }: SearchResult): boolean =>
  hits.every(({ relative }, i) => relative >= 0 && relative <= (hits[i - 1]?.relative ?? 1));

describe('one collection', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openOver(createMemoryStore('searching'));
    await engine.add(documents, context);
  });
  afterAll(() => engine.close(undefined, context));

  test('by words only passages with a word of the query, best first', async () => {
    const result = await find(engine, 'old port night', { match: 'words' });
    expect(result).toMatchObject({ match: 'words', considered: 6, relevant: true, droppedQueryTokens: 0 });
    expect(result.elapsedMs.encode).toBeLessThan(1000);
    expect(names(result)).toEqual(['harbour.txt', 'trade.txt', 'parts.txt']);
    expect(result.hits[0]!.relative).toBe(1);
    expect(falls(result)).toBe(true);
    expect(litOf(result.hits[0]!)).toEqual(['port', 'old', 'night']);
    expect(result.hits[1]!.why.map(({ matched, verdict }) => [matched, verdict])).toEqual([
      ['old', 'same-word'],
      ['port', 'same-word'],
      ['', 'nothing-close'],
    ]);
    expect(result.words.map(({ text, strength }) => [text, strength])).toEqual([
      ['old', 2],
      ['port', 2],
      ['night', 2],
    ]);
  });

  test('by words a question without shared words finds nothing; by meaning and by both it does', async () => {
    const question = 'traders relocating';
    expect((await find(engine, question, { match: 'words' })).hits).toEqual([]);
    for (const match of ['meaning', 'both'] as const) {
      const result = await find(engine, question, { match });
      expect(result.match).toBe(match);
      expect(names(result)[0]).toBe('trade.txt');
      expect(result.hits).toHaveLength(6);
      expect(falls(result)).toBe(true);
    }
  });

  test('both is the default, and a number that stands there literally makes its passage relevant', async () => {
    const result = await find(engine, 'XK-4471');
    expect(result.match).toBe('both');
    expect(names(result)[0]).toBe('parts.txt');
    expect(result.hits[0]!.relevant).toBe(true);
    expect(litOf(result.hits[0]!).join('-')).toBe('XK-4471');
  });

  test.each(['meaning', 'words', 'both'] as const)('quoted words must stand there, by %s', async (match) => {
    expect(names(await find(engine, '"old port"', { match }))).toEqual(['trade.txt']);
    expect(names(await find(engine, '“OLD  port” ships', { match }))).toEqual(['trade.txt']);
    expect(names(await find(engine, '"port"', { match })).sort()).toEqual(['harbour.txt', 'trade.txt']);
    expect((await find(engine, '"old harbour"', { match })).hits).toEqual([]);
    expect((await find(engine, '"silted port"', { match })).hits).toEqual([]);
    const [hit] = (await find(engine, 'empty "the old port"', { match })).hits;
    expect(litOf(hit!)).toContain('The old port'); // lit as a whole, the function word too
  });

  test.each(['meaning', 'words', 'both'] as const)('words with a minus must not, by %s', async (match) => {
    const found = async (query: string) => names(await find(engine, query, { match })).sort();
    expect(await found('port "port" -cranes')).toEqual(['trade.txt']);
    expect(await found('"port" -"old port"')).toEqual(['harbour.txt']);
    const others = match === 'words' ? [] : ['ja.txt', 'zh.txt']; // the rest in which neither word stands
    expect(await found('old port -water -port')).toEqual(others);
    const { words } = await find(engine, 'port -cranes ships', { match });
    expect(words.map(({ text, start, end }) => [text, start, end])).toEqual([
      ['port', 0, 4],
      ['ships', 13, 18],
    ]);
  });

  test('nothing but exclusions finds nothing', async () => {
    expect(await find(engine, '-port -"old boiler"')).toMatchObject({ hits: [], words: [], relevant: false });
  });

  test('a quotation mark without its partner is plain text', async () => {
    const plain = await find(engine, 'old port', { match: 'words' });
    expect((await find(engine, 'old port"', { match: 'words' })).hits).toEqual(plain.hits);
  });

  test('scripts without spaces: found and lit by their characters', async () => {
    const result = await find(engine, '旧港口', { match: 'words' });
    expect(names(result)).toEqual(['zh.txt']);
    expect(litOf(result.hits[0]!).join('')).toBe('旧港口');
    expect(result.hits[0]!.why.every(({ verdict }) => verdict === 'same-word')).toBe(true);
    const [both] = (await find(engine, '旧港口')).hits;
    expect([both!.documentName, both!.relevant]).toEqual(['zh.txt', true]);
    expect(litOf(both!).join('')).toContain('旧港口');
    expect(names(await find(engine, '「港口城」', { match: 'words' }))).toEqual(['zh.txt']);
    expect(names(await find(engine, '"港"', { match: 'both' })).sort()).toEqual(['ja.txt', 'zh.txt']);
    expect(names(await find(engine, '"港" -河流', { match: 'both' }))).toEqual(['ja.txt']);
  });

  test.each(['meaning', 'words', 'both'] as const)('a filter holds by %s', async (match) => {
    const filter = { documentIds: ['harbour.txt', 'bread.txt'] };
    const result = await find(engine, 'old port', { match, filter });
    expect(result.considered).toBe(2);
    expect(names(result)[0]).toBe('harbour.txt');
    expect(names(result)).not.toContain('trade.txt');
    expect(names(await find(engine, '"old port"', { match, filter }))).toEqual([]);
  });

  test('k cuts, and the same search gives the same list', async () => {
    for (const match of ['meaning', 'words', 'both'] as const) {
      const all = await find(engine, 'the old port at night', { match });
      expect(names(await find(engine, 'the old port at night', { match, k: 2 }))).toEqual(names(all).slice(0, 2));
      expect((await find(engine, 'the old port at night', { match })).hits).toEqual(all.hits);
    }
  });

  test('removed is gone from words too, restored is back with the same score', async () => {
    const before = await find(engine, 'boiler valve', { match: 'words' });
    expect(names(before)).toEqual(['parts.txt']);
    const { undo } = await engine.remove(['parts.txt'], context);
    expect((await find(engine, 'boiler valve', { match: 'words' })).hits).toEqual([]);
    await engine.restore(undo!, context);
    expect((await find(engine, 'boiler valve', { match: 'words' })).hits).toEqual(before.hits);
  });
});

test('by document each comes once, and says how many more passages were near', async () => {
  const engine = await openOver(createMemoryStore('by-document'));
  const long = Array.from(
    { length: 12 },
    (_, i) => `Part ${i}. ${'The lighthouse warned ships of rocks. '.repeat(25)}`,
  );
  await engine.add(
    [
      { name: 'long.txt', id: 'long', content: long.join('\n\n') },
      { name: 'short.txt', id: 'short', content: 'A lighthouse at night.' },
    ],
    context,
  );
  const [record] = (await engine.documents(undefined, context)).filter(({ id }) => id === 'long');
  for (const match of ['meaning', 'words', 'both'] as const) {
    const { hits } = await find(engine, 'lighthouse', { match, by: 'document' });
    expect(hits.map(({ documentId }) => documentId).sort()).toEqual(['long', 'short']);
    expect(hits.find(({ documentId }) => documentId === 'long')!.moreInDocument).toBe(record!.chunkCount - 1);
  }
  const quoted = await find(engine, '"lighthouse at night"', { by: 'document' });
  expect(quoted.hits.map(({ documentId, moreInDocument }) => [documentId, moreInDocument])).toEqual([['short', 0]]);
  await engine.close(undefined, context);
});

test('a word that stands in one passage alone finds it first, among many that mean the same', async () => {
  const engine = await openOver(createMemoryStore('rare'));
  const parts = Array.from({ length: 40 }, (_, i) => ({
    name: `${i}`,
    content: `Part no. ${1000 + i * 7}: a valve for the water pump. Order it by letter.`,
  }));
  await engine.add(parts, context);
  for (const i of [0, 13, 27, 39]) {
    const { hits, relevant } = await find(engine, `${1000 + i * 7}`, { k: 1 });
    expect([hits[0]!.documentName, relevant]).toEqual([`${i}`, true]);
  }
  await engine.close(undefined, context);
});

test('what means nothing to the model is relevant nowhere', async () => {
  const engine = await openOver(createMemoryStore('nonsense'));
  await engine.add(
    [
      { name: 'pl', content: 'Zgubiłem bagaż. Możesz mi pomóc? W przyszłości będę jeździł czterema pociągami zimą.' },
      { name: 'ko', content: '회색 지갑을 찾습니다. 어제 저녁에 버스 정류장에서 잃어버렸습니다.' },
    ],
    context,
  );
  for (const match of ['meaning', 'both'] as const) {
    for (const query of ['qwxz plorf', 'zzyzx', '🎉']) {
      expect([query, (await find(engine, query, { match })).relevant]).toEqual([query, false]);
    }
  }
  await engine.close(undefined, context);
});

test('a number of hits that is none is refused', async () => {
  const engine = await openOver(createMemoryStore('k'));
  await expect(find(engine, 'port', { k: Number.NaN })).rejects.toMatchObject({ code: 'invalid-argument' });
  expect((await find(engine, 'port', { k: 0 })).hits).toEqual([]);
  await engine.close(undefined, context);
});

test('documents of another model are cleared only once the model is there', async () => {
  const store = createMemoryStore('mismatch');
  const filled = await openOver(store);
  await filled.add(documents, context);
  await filled.close(undefined, context);
  const changed = { precision: 'f32', onMismatch: 'clear' } as const;
  const failing = engineOver(store, () => Promise.reject(new LateralError('model-unavailable', 'No network.')));
  await expect(failing.open(changed, context)).rejects.toMatchObject({ code: 'model-unavailable' });
  expect(await store.documents()).toHaveLength(documents.length);
  const working = engineOver(store, () => Promise.resolve({ ...encoder, release: () => Promise.resolve() }));
  await working.open(changed, context);
  expect(await store.documents()).toEqual([]);
  await working.close(undefined, context);
});

test('an imported collection is found by words, and its keyword index is kept', async () => {
  const from = await openOver(createMemoryStore('exported'));
  await from.add(documents, context);
  const file = await from.export({}, context);
  await from.close(undefined, context);
  const store = createMemoryStore('imported');
  let tell: () => void = () => undefined;
  const saved = new Promise<void>((resolve) => (tell = resolve));
  const watched: IndexStore = {
    ...store,
    async putKeywordSegment(key, bytes) {
      await store.putKeywordSegment(key, bytes);
      tell();
    },
  };
  const engine = await openOver(watched);
  await engine.import(file, context);
  expect(names(await find(engine, 'silted river', { match: 'words' }))).toEqual(['trade.txt']);
  await saved;
  expect(await store.keywordSegment('shard-0')).toBeDefined();
  await engine.close(undefined, context);
});

test('words are found by an engine whose model fails, and the others say what failed', async () => {
  const store = createMemoryStore('no-model');
  const filled = await openOver(store);
  await filled.add(documents, context);
  await filled.close(undefined, context);
  const lost = () => Promise.reject(new LateralError('gpu-lost', 'The graphics device is gone.'));
  const engine = await openOver(store, { encodeQuery: lost, encodeDocuments: lost });
  expect(names(await find(engine, '"old port"', { match: 'words' }))).toEqual(['trade.txt']);
  await expect(find(engine, 'old port', { match: 'both' })).rejects.toMatchObject({ code: 'gpu-lost' });
  await engine.close(undefined, context);
});

test('words are found while the model is still loading', async () => {
  const store = createMemoryStore('loading');
  const filled = await openOver(store);
  await filled.add(documents, context);
  await filled.close(undefined, context);
  let arrive: (loaded: Encoder) => void = () => undefined;
  const engine = engineOver(store, () => new Promise((resolve) => (arrive = resolve)));
  const opening = engine.open({}, context);
  expect(names(await find(engine, 'silted river', { match: 'words' }))).toEqual(['trade.txt']);
  expect((await engine.status(undefined, context)).state).toBe('starting');
  arrive({ ...encoder, release: () => Promise.resolve() });
  await opening;
  expect(names(await find(engine, 'traders relocating'))[0]).toBe('trade.txt');
  await engine.close(undefined, context);
});
