/**
 * The sample library: sample/texts read, cut and encoded by the same engine as everywhere, and saved as a collection. With
 * it come the example questions, each with the document that answers it.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../src/engine/engine-api.ts';
import { createNodeEngine } from '../src/engine/node.ts';
import type { DocumentInput } from '../src/types.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
export const modelsFolder = join(root, 'public', 'models');
const texts = join(root, 'sample', 'texts');

export interface SampleQuestion {
  readonly question: string;
  readonly language: string;
  /** Name of the document that answers it. */
  readonly answer: string;
}

/** In languages by their folder, files by their name. The language stands in each file, too, for those who copy it out. */
export function sampleTexts(): (DocumentInput & { readonly content: string; readonly language: string })[] {
  return readdirSync(texts)
    .sort()
    .flatMap((language) =>
      readdirSync(join(texts, language))
        .sort()
        .map((name) => ({
          name,
          path: 'Sample library',
          language,
          tags: ['sample'],
          content: readFileSync(join(texts, language, name), 'utf8'),
        })),
    );
}

export function sampleQuestions(): readonly SampleQuestion[] {
  return JSON.parse(readFileSync(join(root, 'sample', 'questions.json'), 'utf8')) as SampleQuestion[];
}

/** @throws where a text cannot be read, or a question names a document that is not there */
export async function makeLibrary(): Promise<Blob> {
  const inputs = sampleTexts();
  const names = new Set(inputs.map(({ name }) => name));
  if (names.size !== inputs.length) throw new Error('Two sample texts have the same name.');
  for (const { answer } of sampleQuestions()) {
    if (!names.has(answer)) throw new Error(`A question is answered by ${answer}, which is not there.`);
  }
  return withEngine(async (engine) => {
    const { failed, stopped } = await engine.add(inputs, context());
    const problem = failed[0] ?? stopped;
    if (problem !== undefined) throw new Error(problem.message);
    return engine.export({}, context());
  });
}

/** An engine with an empty index, closed afterwards. */
export async function withEngine<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = createNodeEngine(modelsFolder);
  await engine.open({ name: 'sample' }, context());
  try {
    return await work(engine);
  } finally {
    await engine.close(undefined, context());
  }
}

export function context() {
  return { signal: new AbortController().signal, onProgress: () => undefined };
}
