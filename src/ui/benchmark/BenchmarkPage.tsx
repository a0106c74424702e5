/** How long a search takes on this device, over the documents that are here. */
import { useRef, useState } from 'react';
import type { EngineStatus } from '../../index.ts';
import { count } from '../format.ts';
import { CopyButton } from '../parts/CopyButton.tsx';
import { PageTitle } from '../parts/PageTitle.tsx';
import { announce } from '../state/announce.tsx';
import { failureOf, useDocuments, useIndex, useStatus } from '../state/index-context.tsx';
import { deviceName, scorerName, searchFailure, words } from '../words.ts';
import './benchmark.css';
import { measure } from './measure.ts';
import type { Measured, Step } from './measure.ts';

const runs = 10;
const stepNames: Record<Step, string> = {
  encode: 'Reading the question',
  score: 'Comparing passages',
  explain: 'Finding the words',
  total: 'Whole search',
};

export default function BenchmarkPage() {
  const { index } = useIndex();
  const { documents } = useDocuments();
  const status = useStatus();
  const [done, setDone] = useState<number | null>(null);
  const [measured, setMeasured] = useState<Measured | null>(null);
  const [problem, setProblem] = useState('');
  const controller = useRef<AbortController | null>(null);
  const ready = index !== null && documents !== null && documents.length > 0;

  const start = async (): Promise<void> => {
    if (!ready) return;
    controller.current = new AbortController();
    setDone(0);
    setProblem('');
    try {
      const result = await measure(index, documents, runs, controller.current.signal, setDone);
      setMeasured(result);
      announce(words.benchmarkDone);
    } catch (thrown) {
      const { code } = failureOf(thrown);
      if (code !== 'aborted') setProblem(searchFailure(code));
    } finally {
      setDone(null);
    }
  };

  return (
    <div className="column">
      <PageTitle title={words.sections.benchmark} lead={words.benchmarkLead}>
        {done === null ? (
          <button type="button" className="button button--primary" disabled={!ready} onClick={() => void start()}>
            {words.benchmarkRun}
          </button>
        ) : (
          <button type="button" className="button" onClick={() => controller.current?.abort()}>
            {words.cancel}
          </button>
        )}
      </PageTitle>
      {ready ? null : <p className="benchmark__note">{words.benchmarkEmpty}</p>}
      {done === null ? null : <p className="benchmark__note">{`Search ${Math.min(done + 1, runs)} of ${runs}`}</p>}
      {problem === '' ? null : <p className="benchmark__note">{problem}</p>}
      {measured === null || status === null ? null : <Report measured={measured} status={status} />}
    </div>
  );
}

function Report({ measured, status }: { readonly measured: Measured; readonly status: EngineStatus }) {
  const where = [
    `reading on the ${deviceName(status).toLowerCase()}`,
    status.scorer === null
      ? ''
      : `comparing on the ${scorerName(status.scorer.kind).toLowerCase()} (${status.scorer.kind})`,
  ].filter(Boolean);
  const caption = `${measured.runs} searches over ${count(measured.passages, 'passage')}, ${where.join(', ')}.`;
  return (
    <>
      <table className="benchmark">
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Median</th>
            <th scope="col">95 of 100 within</th>
          </tr>
        </thead>
        <tbody>
          {measured.timings.map(({ step, medianMs, p95Ms }) => (
            <tr key={step} data-total={step === 'total' ? '' : undefined}>
              <th scope="row">{stepNames[step]}</th>
              <td>{milliseconds(medianMs)}</td>
              <td>{milliseconds(p95Ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <CopyButton text={reportOf(measured, status, caption)} label={words.copyReport} />
    </>
  );
}

const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value).toString()} ms`;

function reportOf(measured: Measured, status: EngineStatus, caption: string): string {
  const rows = measured.timings.map(
    ({ step, medianMs, p95Ms }) => `| ${step} | ${medianMs.toFixed(1)} | ${p95Ms.toFixed(1)} |`,
  );
  return [
    `Lateral benchmark, ${new Date().toISOString()}`,
    caption,
    `Model ${status.model}; ${status.chunks} passages, ${status.tokens} token vectors; ${status.threads} threads encoding, ${status.scoringThreads} comparing; ${status.gpu?.name ?? 'no graphics card'}.`,
    navigator.userAgent,
    '',
    '| step | median ms | p95 ms |',
    '|---|---|---|',
    ...rows,
  ].join('\n');
}
