/**
 * What is published about the vectors of models whose weights cannot be had where Lateral is built: the first five components of
 * a few rows, by fp32 weights, and a question with its answer. A model that was quantised on the user's machine proves itself by
 * these. Where a model has none, the question stands alone.
 */
import type { SelfTestFile, SelfTestOrdering } from './self-test.ts';

/** Every model here ranks the second first (jina's and vLLM's documentation asks it so). */
const planets: SelfTestOrdering = {
  query: 'Which planet is known as the Red Planet?',
  documents: [
    "Venus is often called Earth's twin because of its similar size and proximity.",
    'Mars, known for its reddish appearance, is often referred to as the Red Planet.',
    'Jupiter, the largest planet in our solar system, has a prominent red spot.',
    'Saturn, famous for its rings, is sometimes mistaken for the Red Planet.',
  ],
  best: 1,
};

/** Rows of fp32 weights against rows of 4-bit ones: less than that is another model, or a driver's mistake. */
const tolerance = { cosine: 0.98 };

const rowsOf = (length: number, known: Readonly<Record<number, readonly number[]>>): (readonly number[] | null)[] =>
  Array.from({ length }, (_, position) => known[position] ?? null);

const helloWorld = 'Hello World';

const cases: Readonly<Record<string, SelfTestFile['cases']>> = {
  'jina-colbert-v2': [
    { kind: 'document', text: helloWorld, rows: rowsOf(5, { 0: [0.0742, 0.0591, -0.2403, -0.1774, 0.02] }) },
    {
      kind: 'query',
      text: helloWorld,
      rows: rowsOf(32, {
        0: [0.0477, 0.0255, -0.2224, -0.1085, -0.03],
        31: [0.0204, -0.0856, -0.0386, -0.1232, -0.0332],
      }),
    },
  ],
  'answerai-colbert-small-v1': [
    { kind: 'document', text: helloWorld, rows: rowsOf(5, { 0: [-0.07281, 0.04632, -0.04711, 0.00762, -0.07374] }) },
  ],
  'colbertv2.0': [
    { kind: 'document', text: helloWorld, rows: rowsOf(5, { 0: [0.0759, 0.0841, -0.0299, 0.0374, 0.0254] }) },
  ],
};

/**
 * @param id of a model of hub-models.ts, or of any other
 * @param model with its version: what the test is said to be of
 * @param hasLargestDim whether it serves its largest dimension: published rows are of that one, and other heads have others
 */
export function publishedSelfTest(id: string, model: string, hasLargestDim: boolean): SelfTestFile {
  return { model, tolerance, cases: hasLargestDim ? (cases[id] ?? []) : [], orderings: [planets] };
}
