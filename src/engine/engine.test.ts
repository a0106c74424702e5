/** The whole way in Node: the real model, the real scorer, a store in memory. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createMemoryStore } from '../store/memory-store.ts';
import type { DocumentInput, EngineStatus, Progress } from '../types.ts';
import type { CallContext, Engine } from './engine-api.ts';
import { models, realEngine } from './testing/real-engine.ts';

const context = (onProgress: CallContext['onProgress'] = () => undefined): CallContext => ({
  signal: new AbortController().signal,
  onProgress,
});

const trade: DocumentInput = {
  name: 'trade.md',
  content:
    '# The old port\n\nWhen the river silted up, the merchants moved their warehouses to the coast, and the old harbour stood empty.\n',
};
const breadText =
  'Mix flour, water and salt. Let the dough rise overnight, then bake it in a hot oven for forty minutes.';
const bread: DocumentInput = {
  name: 'bread.txt',
  content: breadText,
};
const planets: DocumentInput = {
  name: 'planets.html',
  content: '<title>Planets</title><h1>Mars</h1><p>Mars looks red because of rust in its soil.</p>',
};

let engine: Engine;
beforeAll(async () => {
  engine = realEngine();
  await engine.open({ name: 'test' }, context());
});
afterAll(() => engine.close(undefined, context()));

describe('the way end to end', () => {
  test('documents go in, each with what was read of it', async () => {
    const progress: Progress[] = [];
    const result = await engine.add(
      [trade, bread, planets],
      context((p) => progress.push(p)),
    );
    expect(result.failed).toEqual([]);
    expect(result.added.map(({ name }) => name)).toEqual(['trade.md', 'bread.txt', 'planets.html']);
    expect(result.added[2]).toMatchObject({ title: 'Planets', mediaType: 'text/html', truncatedChunks: 0 });
    expect(progress.at(-1)).toMatchObject({ done: 3, total: 3, unit: 'files' });
  });

  test.each([
    ['why did traders leave the port', 'trade.md'],
    ['how to make a loaf', 'bread.txt'],
    ['the colour of a planet', 'planets.html'],
  ])('"%s" finds %s', async (query, name) => {
    const { hits, considered } = await engine.search({ query, options: { k: 3 } }, context());
    expect(considered).toBe(3);
    expect(hits[0]!.documentName).toBe(name);
    expect(hits[0]!.relative).toBe(1);
  });

  test('a hit says where it is, and its lit words are words of the passage', async () => {
    const { hits, words } = await engine.search({ query: 'old harbour', options: {} }, context());
    const [hit] = hits;
    expect(hit!.place).toBe('The old port');
    const text = await engine.text(hit!.documentId, context());
    const lit = hit!.lit.map(({ start, end }) => text.text.slice(start, end));
    expect(lit).toContain('harbour');
    expect(hit!.why.find(({ matched }) => matched === 'harbour')).toMatchObject({ verdict: 'same-word' });
    expect(hit!.excerpt.some((segment) => segment.text === 'harbour' && segment.strength === 2)).toBe(true);
    expect(words.map(({ text: word, strength }) => [word, strength])).toEqual([
      ['old', 2],
      ['harbour', 2],
    ]);
  });

  test('a filter narrows what is compared', async () => {
    const [document] = await engine.documents(undefined, context());
    const { hits, considered } = await engine.search(
      { query: 'harbour', options: { filter: { documentIds: [document!.id] } } },
      context(),
    );
    expect(considered).toBe(1);
    expect(hits.map(({ documentId }) => documentId)).toEqual([document!.id]);
  });

  test('removed is gone, restored is back with the same score', async () => {
    const query = { query: 'why did traders leave the port', options: { k: 1 } };
    const [before] = (await engine.search(query, context())).hits;
    const { removed, undo } = await engine.remove([before!.documentId], context());
    expect(removed).toBe(1);
    expect((await engine.search(query, context())).hits[0]!.documentName).not.toBe('trade.md');
    expect(await engine.restore(undo!, context())).toBe(1);
    expect((await engine.search(query, context())).hits[0]).toEqual(before);
    await expect(engine.restore(undo!, context())).rejects.toMatchObject({ code: 'not-found' });
  });

  test('bad files are named, and the rest goes on', async () => {
    const result = await engine.add(
      [
        { name: 'empty.txt', content: '  \n ' },
        { name: 'again.txt', content: bread.content },
        { name: 'image.png', content: new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 0]) },
        { name: 'fine.txt', content: 'Lighthouses warn ships of rocks at night.' },
      ],
      context(),
    );
    expect(result.failed.map(({ name, code }) => [name, code])).toEqual([
      ['empty.txt', 'file-empty'],
      ['again.txt', 'file-duplicate'],
      ['image.png', 'file-binary'],
    ]);
    expect(result.failed.every(({ name, message }) => message.includes(name))).toBe(true);
    expect(result.added.map(({ name }) => name)).toEqual(['fine.txt']);
    expect(result.remaining).toEqual([]);
  });

  test('a cancel keeps what is stored and names what is not', async () => {
    const controller = new AbortController();
    const many = Array.from({ length: 60 }, (_, i) => ({
      name: `note-${i}.txt`,
      content: `Note ${i}. ${'The harbour was quiet that morning and the boats lay still. '.repeat(12)}`,
    }));
    const before = (await engine.documents(undefined, context())).length;
    const result = await engine.add(many, {
      signal: controller.signal,
      onProgress: ({ phase, done }) => {
        if (phase === 'reading' && done > 0) controller.abort();
      },
    });
    expect(result.stopped?.code).toBe('aborted');
    expect(result.added.length).toBeGreaterThan(0);
    expect(result.remaining).toEqual(
      Array.from({ length: 60 - result.added.length }, (_, i) => i + result.added.length),
    );
    expect((await engine.documents(undefined, context())).length).toBe(before + result.added.length);
  });

  test('the same passage scores the same whatever was added with it', async () => {
    const alone = realEngine();
    await alone.open({ name: 'alone' }, context());
    await alone.add([trade], context());
    const query = { query: 'why did traders leave the port', options: { k: 1, match: 'meaning' as const } };
    const [here] = (await engine.search(query, context())).hits;
    const [there] = (await alone.search(query, context())).hits;
    expect(here!.documentName).toBe('trade.md');
    expect(there!.score).toBe(here!.score);
    await alone.close(undefined, context());
  });

  test('an empty query finds nothing, a long one says what was left out', async () => {
    expect((await engine.search({ query: '  ', options: {} }, context())).hits).toEqual([]);
    const long = await engine.search({ query: 'water '.repeat(60), options: {} }, context());
    expect(long.droppedQueryTokens).toBe(60 - 29); // 32 less [CLS], marker and [SEP]
  });

  test('rerank and embed', async () => {
    const ranked = await engine.rerank(
      { query: 'red planet', documents: [breadText, 'Mars is called the red planet.'], topN: 1 },
      context(),
    );
    expect(ranked.map(({ index }) => index)).toEqual([1]);
    const [embedded] = await engine.embed(
      { texts: ['Hello World'], options: { inputType: 'query', dimensions: 64 } },
      context(),
    );
    expect(embedded!.rows.length).toBe(32 * 64);
    expect(Math.hypot(...embedded!.rows.subarray(0, 64))).toBeCloseTo(1, 5);
  });

  test('clear leaves nothing', async () => {
    await engine.clear(undefined, context());
    const status: EngineStatus = await engine.status(undefined, context());
    expect(status).toMatchObject({ state: 'ready', documents: 0, chunks: 0, tokens: 0 });
    expect((await engine.search({ query: 'harbour', options: {} }, context())).hits).toEqual([]);
  });
});

test('a large collection can be searched before all of it is loaded, and says so', async () => {
  const store = createMemoryStore('large');
  const before = realEngine({ store });
  await before.open({}, context());
  await before.add([trade], context());
  await before.add([bread], context());

  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const [, second] = await store.blocks();
  const slow = {
    ...store,
    block: (id: string) => (id === second!.id ? released : Promise.resolve()).then(() => store.block(id)),
  };
  const engine = realEngine({ store: slow });
  let changed = 0;
  engine.subscribe(({ type }) => (changed += type === 'changed' ? 1 : 0));
  const status = await engine.open({}, context());
  expect(status).toMatchObject({ state: 'ready', documents: 2, opening: { totalTokens: status.tokens } });
  const query = { query: 'bake bread', options: { match: 'meaning' } } as const;
  const early = await engine.search(query, context());
  expect(early.hits.map(({ documentName }) => documentName)).toEqual(['trade.md']);
  expect(early.searchedShare).toBeCloseTo(status.opening!.tokens / status.tokens, 6);

  const seen = changed;
  release();
  await vi.waitFor(async () => expect((await engine.status(undefined, context())).opening).toBeNull());
  expect(changed).toBeGreaterThan(seen); // whoever shows results asks again
  const late = await engine.search(query, context());
  expect([late.hits[0]!.documentName, late.searchedShare]).toEqual(['bread.txt', 1]);
  await engine.close(undefined, context());
});

test('ways of comparing are measured beside the index, which stays as it is', async () => {
  const fresh = realEngine();
  await fresh.open({ name: 'benchmark', dim: 96 }, context());
  await fresh.add([trade, bread], context());
  const find = () => fresh.search({ query: 'bake a loaf', options: {} }, context()).then(({ hits }) => hits);
  const [before, status] = [await find(), await fresh.status(undefined, context())];
  const phases = new Set<Progress['phase']>();
  const result = await fresh.benchmark(
    { rounds: 1, maxTokens: 512 },
    context(({ phase }) => phases.add(phase)),
  );
  expect(result).toMatchObject({ origin: 'made-up', dim: 96, rounds: 1, gpu: null, failed: [], sameScores: true });
  expect([...phases]).toEqual(['measuring']);
  expect(await find()).toEqual(before);
  expect(await fresh.status(undefined, context())).toEqual(status);
  await fresh.close(undefined, context());
});

test('a file too large to hold is refused before it is read', async () => {
  const fresh = realEngine();
  await fresh.open({ name: 'large' }, context());
  const huge = new Blob(['x']);
  Object.defineProperty(huge, 'size', { value: 600_000_000 });
  Object.defineProperty(huge, 'arrayBuffer', { value: () => Promise.reject(new Error('was read')) });
  const { failed } = await fresh.add([{ name: 'archive.zip', content: huge }], context());
  expect(failed).toMatchObject([
    { code: 'file-too-large', message: 'archive.zip is larger than 500 MB. Split it and add the parts.' },
  ]);
  await fresh.close(undefined, context());
});

test('a passage longer than the model reads is said so on its document', async () => {
  // The embedded model reads more than a passage can hold: the same files, but for a shorter length.
  const folder = await mkdtemp(join(tmpdir(), 'lateral-'));
  const target = join(folder, 'lateral-mini');
  await cp(join(models, 'lateral-mini'), target, { recursive: true, filter: (path) => !path.includes('onnx') });
  await symlink(join(models, 'lateral-mini', 'onnx'), join(target, 'onnx'));
  const settings = join(target, 'artifact.metadata');
  const metadata = JSON.parse(await readFile(settings, 'utf8')) as Record<string, unknown>;
  await writeFile(settings, JSON.stringify({ ...metadata, doc_maxlen: 128 }));

  const fresh = realEngine({}, folder);
  await fresh.open({ name: 'long' }, context());
  const { added } = await fresh.add([{ name: 'odd.txt', content: 'zqxjkv '.repeat(400) }], context());
  expect(added[0]!.truncatedChunks).toBeGreaterThan(0);
  expect(added[0]!.notes.join(' ')).toMatch(/longer than the model reads/);
  await fresh.close(undefined, context());
  await rm(folder, { recursive: true });
});

test('an excerpt begins with running text, unless a heading is lit', async () => {
  const fresh = realEngine();
  await fresh.open({ name: 'excerpt' }, context());
  await fresh.add([trade], context());
  const opening = async (query: string) => {
    const [hit] = (await fresh.search({ query, options: {} }, context())).hits;
    return hit!.excerpt.map(({ text }) => text).join('');
  };
  expect(await opening('merchants and their warehouses')).toMatch(/^When the river silted up/);
  expect(await opening('the old port')).toMatch(/^The old port/); // the heading is lit, and whole
  await fresh.close(undefined, context());
});
