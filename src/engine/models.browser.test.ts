/** A folder dropped on a real page: copied into the private file system, checked in a worker, opened by the engine, searched with. */
import { afterEach, expect, test } from 'vitest';
import { LateralError, openIndex, openModels } from '../index.ts';

/** Lateral's own model, as if it were another's: it is quantised already. */
const paths = [
  ...['config.json', 'artifact.metadata', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'],
  'onnx/model_q4.onnx',
];
const name = 'a copy';
const id = `folder:${name}`;

afterEach(async () => {
  await openModels().remove(id);
});

async function folder(): Promise<{ path: string; blob: Blob }[]> {
  const files = paths.map(async (path) => ({
    path: `mini/${path}`,
    blob: await (await fetch(`/models/lateral-mini/${path}`)).blob(),
  }));
  return Promise.all(files);
}

test('a folder becomes a model that an index opens', { timeout: 240_000 }, async () => {
  const models = openModels();
  const phases: string[] = [];
  const ready = await models.importFolder(
    { name, files: await folder() },
    { onProgress: ({ phase }) => phases.at(-1) !== phase && phases.push(phase) },
  );
  expect(phases).toEqual(['copying', 'quantizing', 'checking']);
  expect(ready).toMatchObject({ id, state: 'ready', dims: [128], check: { passed: true, device: 'wasm' } });
  expect((await models.list()).find((info) => info.id === id)).toEqual(ready);

  const options = { storage: 'memory', scorer: 'wasm' } as const;
  const [own, copy] = [
    await openIndex({ ...options, name: 'own' }),
    await openIndex({ ...options, name: 'copy', model: id }),
  ];
  try {
    const text = 'When the river silted up, the merchants moved their warehouses to the coast.';
    for (const index of [own, copy]) {
      await index.add([
        { name: 'trade.md', content: text },
        { name: 'bread.md', content: 'Bake the loaf for forty minutes.' },
      ]);
    }
    expect(copy.status().model).toMatch(/^folder:a copy@[0-9a-f]{8}$/);
    expect(copy.status().selfTests).toMatchObject([{ device: 'wasm', passed: true }]);
    const question = 'why did the traders leave the port';
    const meaning = { match: 'meaning' } as const;
    const [hits, same] = [await copy.search(question, meaning), await own.search(question, meaning)];
    expect(hits[0]!.documentName).toBe('trade.md');
    // The same weights, so the same scores.
    expect(hits.map(({ score }) => score)).toEqual(same.map(({ score }) => score));
  } finally {
    await own.close();
    await copy.close();
  }
});

test('a folder that is none says what it lacks; a model that is not here says what to do', async () => {
  const models = openModels();
  const few = (await folder()).filter(({ path }) => !path.endsWith('.onnx'));
  const failed = models.importFolder({ name, files: few });
  await expect(failed).rejects.toMatchObject({ code: 'model-unavailable' });
  await expect(openIndex({ model: id, storage: 'memory' })).rejects.toThrow(LateralError);
  await expect(openIndex({ model: id, storage: 'memory' })).rejects.toMatchObject({ code: 'model-unavailable' });
});
