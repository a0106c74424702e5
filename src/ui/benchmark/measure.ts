/** Times searches over a person's own documents, with sentences of theirs as the questions. */
import type { DocumentRecord, LateralIndex, SearchResult } from '../../index.ts';

export type Step = 'encode' | 'score' | 'explain' | 'total';
export interface Timing {
  readonly step: Step;
  readonly medianMs: number;
  readonly p95Ms: number;
}
export interface Measured {
  readonly runs: number;
  readonly passages: number;
  readonly timings: readonly Timing[];
}

const warmups = 2;
const steps: readonly Step[] = ['encode', 'score', 'explain', 'total'];

export async function measure(
  index: LateralIndex,
  documents: readonly DocumentRecord[],
  runs: number,
  signal: AbortSignal,
  onRun: (done: number) => void,
): Promise<Measured> {
  const questions = await questionsFrom(index, documents, runs);
  const taken: Record<Step, number[]> = { encode: [], score: [], explain: [], total: [] };
  let last: SearchResult | null = null;
  for (let run = -warmups; run < runs; run += 1) {
    const started = performance.now();
    last = await index.query(questions[(run + warmups) % questions.length]!, { k: 10, signal });
    if (run < 0) continue;
    taken.encode.push(last.elapsedMs.encode);
    taken.score.push(last.elapsedMs.score);
    taken.explain.push(last.elapsedMs.explain);
    taken.total.push(performance.now() - started);
    onRun(run + 1);
  }
  const timings = steps.map((step) => ({
    step,
    medianMs: quantile(taken[step], 0.5),
    p95Ms: quantile(taken[step], 0.95),
  }));
  return { runs, passages: last?.considered ?? 0, timings };
}

/** Sentences from the middles of up to `wanted` documents. */
async function questionsFrom(
  index: LateralIndex,
  documents: readonly DocumentRecord[],
  wanted: number,
): Promise<string[]> {
  const step = Math.max(1, Math.floor(documents.length / wanted));
  const chosen = documents.filter((_, at) => at % step === 0).slice(0, wanted);
  const texts = await Promise.all(chosen.map((record) => index.text(record.id)));
  return texts.map(({ text }) => sentenceNear(text, text.length / 2));
}

function sentenceNear(text: string, offset: number): string {
  const from = text.lastIndexOf('\n', offset) + 1;
  const words = text
    .slice(from, from + 400)
    .trim()
    .split(/\s+/)
    .slice(0, 12)
    .join(' ');
  return words === '' ? text.slice(0, 80) : words;
}

/** The nearest-rank quantile. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
}
