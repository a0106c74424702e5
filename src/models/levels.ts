/**
 * From which cosine on a word is called close, and a passage relevant: every model has its own. Measured when a model is checked, on
 * questions with their answers, written for this and of no test set.
 */
import type { EncodedText, Encoder } from '../colbert/encoder.ts';
import { firstTextPosition } from '../colbert/sequence.ts';
import type { SimilarityLevels } from './registry.ts';
import type { TextCalls } from './self-test.ts';

/** Answers share few words with their questions, since equal words are called the same without any level. */
const pairs: readonly (readonly [question: string, answer: string])[] = [
  ['How do I keep bread fresh?', 'A loaf stays soft for days in a cloth bag, away from sunlight and damp.'],
  ['Why did the shop close?', 'The store had lost customers for years and could no longer pay its rent.'],
  ['when does the train leave', 'Departure of the express from platform four is at ten past eight.'],
  [
    'What makes the sea salty?',
    'Rivers carry minerals from rocks into the ocean, where they stay behind when water evaporates.',
  ],
  ['treatment of a broken arm', 'The doctor sets the fractured bone and puts the limb in plaster for six weeks.'],
  [
    'Who pays for the repair of the roof?',
    'According to the lease, the landlord bears the costs of mending the building.',
  ],
  ['how to read a file line by line', 'with open(path) as handle: for row in handle: print(row.strip())'],
  ['How were the pyramids built?', 'Workers dragged limestone blocks on sledges up long ramps of earth and wood.'],
  ['symptoms of the flu', 'Patients complain of fever, a sore throat, aching muscles and tiredness.'],
  ['Can plants grow without soil?', 'In hydroponics, roots hang in water with nutrients dissolved in it.'],
  ['cheap ways to heat a house', 'Insulating the attic saves more money on warmth than any new boiler.'],
  ['Which animals sleep in winter?', 'Hedgehogs, dormice and some bats hibernate from November until spring.'],
];

/** Texts that are encoded for it. */
export const levelTexts = 2 * pairs.length;

/**
 * All of it from passages that answer another question. In the nearest of them for each question, `close` is what a quarter of its
 * words reach by their best token (tokens of the same id left out), `strong` what one in twenty does, and `relevant` the mean over
 * the words that one of ten such passages reaches. `baseline` is what three in four passages reach in the mean over all rows.
 * (lateral-mini gives .43, .57, .40 and .38; the registry's levels of it, from whole sets, are .44, .6, .43 and .38.)
 */
export async function measureLevels(encoder: Encoder, { signal, onText }: TextCalls = {}): Promise<SimilarityLevels> {
  const questions: EncodedText[] = [];
  for (const [question] of pairs) {
    questions.push(await encoder.encodeQuery(question, signal));
    onText?.();
  }
  const answers: EncodedText[] = [];
  for (const [, answer] of pairs) {
    answers.push(...(await encoder.encodeDocuments([answer], { signal })));
    onText?.();
  }
  const chance: number[] = [];
  const nearest: number[] = [];
  const anyRow: number[] = [];
  questions.forEach((question, q) => {
    const matches = answers.map((answer) => match(question, answer, encoder.dim));
    const others = matches.filter((_, a) => a !== q).sort((a, b) => b.mean - a.mean);
    nearest.push(others[0]!.mean);
    chance.push(...others[0]!.otherWords);
    anyRow.push(...others.map(({ meanOfRows }) => meanOfRows));
  });
  return {
    close: rounded(quantile(chance, 0.75)),
    strong: rounded(quantile(chance, 0.95)),
    relevant: rounded(quantile(nearest, 0.9)),
    baseline: rounded(quantile(anyRow, 0.25)),
  };
}

interface Match {
  /** Of the question's words. */
  readonly mean: number;
  /** Of all rows of the question, the fill too. */
  readonly meanOfRows: number;
  /** Of each word whose own token is not in the passage. */
  readonly otherWords: readonly number[];
}

function match(question: EncodedText, answer: EncodedText, dim: number): Match {
  const { kept, inputIds, textTokens } = question.sequence;
  const words: number[] = [];
  const otherWords: number[] = [];
  let sum = 0;
  kept.forEach((position, row) => {
    let best = -1;
    let bestOther = -1;
    const own = { present: false };
    answer.sequence.kept.forEach((at, column) => {
      let dot = 0;
      for (let k = 0; k < dim; k++) dot += question.rows[row * dim + k]! * answer.rows[column * dim + k]!;
      best = Math.max(best, dot);
      if (answer.sequence.inputIds[at] === inputIds[position]) own.present = true;
      else bestOther = Math.max(bestOther, dot);
    });
    sum += best;
    if (position < firstTextPosition || position >= firstTextPosition + textTokens) return;
    words.push(best);
    if (!own.present) otherWords.push(bestOther);
  });
  return { mean: words.reduce((a, b) => a + b, 0) / words.length, meanOfRows: sum / kept.length, otherWords };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0; // no words at all: texts without a letter
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
