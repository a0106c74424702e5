/** What was measured, to be sent or kept: for people as Markdown, for programs as one JSON object. Nothing about documents but their number. */
import { version } from '../../../package.json';
import type { BenchmarkResult, EngineStatus } from '../../index.ts';
import type { Measured } from './measure.ts';
import { millions, sampleSentence, timesJavaScript, wayName } from './ways.ts';

/** Both measurements with the state they were made in. */
export interface Report {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Null where there are no documents to search. */
  readonly searches: Measured | null;
  readonly ways: BenchmarkResult;
  readonly status: EngineStatus;
}

export function jsonReport({ at, searches, ways, status }: Report): string {
  const { model, documents, chunks, tokens, threads, scoringThreads, encoder, scorer } = status;
  const report = {
    report: 'lateral-benchmark',
    lateral: version,
    measuredAt: new Date(at).toISOString(),
    browser: navigator.userAgent,
    device: {
      processorThreads: navigator.hardwareConcurrency,
      crossOriginIsolated,
      graphics: ways.gpu ?? status.gpu,
    },
    index: {
      ...{ model, documents, passages: chunks, tokens },
      encoder: encoder === null ? null : { kind: encoder.kind, threads },
      scorer: scorer === null ? null : { kind: scorer.kind, threads: scoringThreads },
    },
    searches,
    comparing: ways,
  };
  return JSON.stringify(report, null, 2);
}

export function markdownReport({ at, searches, ways, status }: Report): string {
  const { gpu, figures, failed } = ways;
  const graphics = gpu === null ? 'no graphics card' : `${gpu.name}${gpu.software ? ' (software)' : ''}`;
  const isolated = crossOriginIsolated ? 'isolated' : 'not isolated';
  const lines = [
    `Lateral ${version} benchmark, ${new Date(at).toISOString()}`,
    navigator.userAgent,
    `${navigator.hardwareConcurrency} processor threads, ${isolated}; ${graphics}.`,
    `Model ${status.model}; ${status.chunks} passages, ${status.tokens} token vectors; ${status.threads} threads encoding, ${status.scoringThreads} comparing.`,
  ];
  if (searches !== null) {
    lines.push(
      '',
      `${searches.runs} searches over ${searches.passages} passages, encoding by ${status.encoder?.kind ?? '–'}, comparing by ${status.scorer?.kind ?? '–'}.`,
      '',
      '| step | median ms | p95 ms |',
      '|---|---|---|',
      ...searches.timings.map(
        ({ step, medianMs, p95Ms }) => `| ${step} | ${medianMs.toFixed(1)} | ${p95Ms.toFixed(1)} |`,
      ),
    );
  }
  lines.push(
    '',
    sampleSentence(ways),
    '',
    '| way of comparing | million token vectors a second | beside JavaScript |',
    '|---|---|---|',
    ...figures.map((figure) => {
      const { where, how } = wayName(figure, gpu);
      return `| ${where}: ${how} | ${millions(figure)} | ${timesJavaScript(figure, figures)} |`;
    }),
    '',
    ways.sameScores ? 'All int8 ways gave the same scores, bit for bit.' : 'NOT all int8 ways gave the same scores.',
    ...failed.map(
      ({ way, message }) => `Not measured: ${wayName(way, gpu).where}, ${wayName(way, gpu).how}. ${message}`,
    ),
  );
  return lines.join('\n');
}
