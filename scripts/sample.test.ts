/** The sample library as it is served: made if need be, imported, and asked its own questions. */
import { openAsBlob, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../src/engine/engine-api.ts';
import { createNodeEngine } from '../src/engine/node.ts';
import { foldWord, functionWordsOf } from '../src/ranking/words.ts';
import { wordRanges } from '../src/text/words.ts';
import type { DocumentRecord } from '../src/types.ts';
import { buildSample, libraryFile, questionsFile } from './build-sample.ts';
import { context, modelsFolder, sampleQuestions, sampleTexts } from './sample.ts';

const texts = sampleTexts();
const questions = sampleQuestions();

describe('the texts', () => {
  test('are many, in many languages, and say which', () => {
    expect(texts.length).toBeGreaterThanOrEqual(72);
    expect(new Set(texts.map(({ language }) => language)).size).toBeGreaterThanOrEqual(13);
    for (const { content, language } of texts) {
      expect(content).toMatch(new RegExp(`^---\nlanguage: ${language}\n---\n\n# \\S`));
    }
  });

  test.each(texts.map(({ name, language, content }) => [`${language} ${name}`, language, content] as const))(
    '%s is short',
    (_, language, content) => {
      const body = content.replace(/^---[\s\S]*?---/, '');
      // A word of Chinese or Japanese is about two characters.
      const words = ['zh', 'ja'].includes(language) ? body.length / 2 : body.trim().split(/\s+/).length;
      expect(words).toBeGreaterThanOrEqual(80);
      expect(words).toBeLessThanOrEqual(220);
    },
  );
});

describe('the library', () => {
  let engine: Engine;
  let documents: DocumentRecord[];
  beforeAll(async () => {
    await buildSample();
    engine = createNodeEngine(modelsFolder);
    await engine.open({ name: 'sample' }, context());
    const file = await openAsBlob(libraryFile);
    expect(await engine.import(file, context())).toEqual({ documents: texts.length, skipped: 0, unencoded: 0 });
    documents = await engine.documents(undefined, context());
  }, 300_000);
  afterAll(() => engine.close(undefined, context()));

  test('is small, and whole', () => {
    expect(statSync(libraryFile).size).toBeLessThanOrEqual(4e6);
    expect(documents.map(({ name }) => name).sort()).toEqual(texts.map(({ name }) => name).sort());
    for (const { title, tags, truncatedChunks, language } of documents) {
      expect(title).not.toBe('');
      expect(language).not.toBe('');
      expect(tags).toEqual(['sample']);
      expect(truncatedChunks).toBe(0);
    }
  });

  test('holds the originals', async () => {
    const { id, name } = documents[0]!;
    const source = await engine.source(id, context());
    expect(await source!.text()).toBe(texts.find((text) => text.name === name)!.content);
  });

  test('has eight questions or more, served beside it', async () => {
    expect(questions.length).toBeGreaterThanOrEqual(8);
    expect(JSON.parse(await readFile(questionsFile, 'utf8'))).toEqual(questions);
  });

  test.each(questions.map(({ question, answer }) => [question, answer] as const))(
    '"%s" is answered first by %s, which has none of its words',
    async (question, answer) => {
      const { id } = documents.find(({ name }) => name === answer)!;
      const { text } = await engine.text(id, context());
      expect(sharedWords(question, text)).toEqual([]);
      // As the page asks at first: whoever clicks on a question is to see what it is good for.
      const { hits } = await engine.search({ query: question, options: { k: 1 } }, context());
      expect(hits[0]!.documentName).toBe(answer);
      expect(hits[0]!.relevant).toBe(true);
      expect(hits[0]!.lit.length).toBeGreaterThan(0);
    },
  );

  test('a shared word would be noticed, with its endings', () => {
    expect(sharedWords('The ports of merchants', 'A merchant came into port, and into the airport.')).toEqual([
      'ports',
      'merchants',
    ]);
  });
});

/** Words that carry meaning and stand in the text too, the same or with up to three letters more at the end of one. */
function sharedWords(question: string, text: string): string[] {
  const folded = (source: string): string[] => {
    const words = wordRanges(source).map(({ start, end }) => foldWord(source.slice(start, end)));
    const isFunctionWord = functionWordsOf(words);
    return words.filter((word) => !isFunctionWord(word));
  };
  const words = folded(text);
  const isEnding = (long: string, short: string): boolean =>
    short.length >= 4 && long.startsWith(short) && long.length - short.length <= 3;
  return folded(question).filter((word) =>
    words.some((other) => other === word || isEnding(other, word) || isEnding(word, other)),
  );
}
