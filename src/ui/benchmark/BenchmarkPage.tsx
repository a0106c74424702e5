/** How fast this device is: whole searches over the documents that are here, and each way of comparing by itself. */
import { TriangleAlert } from 'lucide-react';
import { useId, useRef, useState } from 'react';
import type { BenchmarkResult } from '../../index.ts';
import { CopyButton } from '../parts/CopyButton.tsx';
import { PageTitle } from '../parts/PageTitle.tsx';
import { announce } from '../state/announce.tsx';
import { failureOf, useDocuments, useIndex } from '../state/index-context.tsx';
import { benchmarkFailure, deviceName, scorerName, words } from '../words.ts';
import './benchmark.css';
import { measure } from './measure.ts';
import type { Step } from './measure.ts';
import { jsonReport, markdownReport } from './report.ts';
import type { Report } from './report.ts';
import { SpeedChart } from './SpeedChart.tsx';
import { millions, sampleSentence, timesJavaScript, wayName } from './ways.ts';

const runs = 10;
const stepNames: Record<Step, string> = {
  encode: 'Reading the question',
  score: 'Comparing passages',
  explain: 'Finding the words',
  total: 'Whole search',
};

/** Searches come first, where there is something to search, and take about this part of the time. */
const searchesShare = 0.5;

interface Going {
  readonly line: string;
  /** How far it is, 0 to 1. */
  readonly share: number;
}

export default function BenchmarkPage() {
  const { index } = useIndex();
  const { documents } = useDocuments();
  const [going, setGoing] = useState<Going | null>(null);
  const [report, setReport] = useState<Report | null>(null);
  const [problem, setProblem] = useState('');
  const controller = useRef<AbortController | null>(null);
  const ready = index !== null && documents !== null;

  const start = async (): Promise<void> => {
    if (!ready) return;
    const { signal } = (controller.current = new AbortController());
    const before = documents.length > 0 ? searchesShare : 0;
    const searching = (done: number): void =>
      setGoing({ line: words.benchmarkSearch(Math.min(done + 1, runs), runs), share: (done / runs) * before });
    const comparing = (done: number, total: number): void =>
      setGoing({
        line: words.benchmarkTurn(Math.min(done + 1, total), total),
        share: before + (done / total) * (1 - before),
      });
    setProblem('');
    try {
      let searches: Report['searches'] = null;
      if (documents.length > 0) {
        searching(0);
        searches = await measure(index, documents, runs, signal, searching);
      }
      comparing(0, 1);
      const ways = await index.benchmark({ signal, onProgress: ({ done, total }) => comparing(done, total) });
      setReport({ at: Date.now(), searches, ways, status: index.status() });
      announce(words.benchmarkDone);
    } catch (thrown) {
      const { code } = failureOf(thrown);
      setProblem(benchmarkFailure(code));
      announce(benchmarkFailure(code));
    } finally {
      setGoing(null);
    }
  };

  return (
    <div className="column">
      <PageTitle title={words.sections.benchmark} lead={words.benchmarkLead}>
        {going === null ? (
          <button type="button" className="button button--primary" disabled={!ready} onClick={() => void start()}>
            {words.benchmarkRun}
          </button>
        ) : (
          <button type="button" className="button" onClick={() => controller.current?.abort()}>
            {words.cancel}
          </button>
        )}
      </PageTitle>
      {going === null ? null : <Progress {...going} />}
      {going === null && problem !== '' ? <p className="benchmark__note">{problem}</p> : null}
      {going === null && problem === '' && documents?.length === 0 && report === null ? (
        <p className="benchmark__note">{words.benchmarkEmpty}</p>
      ) : null}
      {report === null ? null : <Measured report={report} />}
    </div>
  );
}

function Progress({ line, share }: Going) {
  return (
    <div className="progress">
      <p className="progress__line tabular">{line}</p>
      <div
        className="progress__track"
        role="progressbar"
        aria-label={words.benchmarkRunning}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={line}
      >
        <div className="progress__fill" style={{ inlineSize: `${share * 100}%` }} />
      </div>
    </div>
  );
}

function Measured({ report }: { readonly report: Report }) {
  return (
    <>
      {report.searches === null ? null : <Searches searches={report.searches} status={report.status} />}
      <Ways ways={report.ways} />
      <div className="benchmark__copy">
        <CopyButton text={() => markdownReport(report)} label={words.copyReport} />
        <CopyButton text={() => jsonReport(report)} label={words.copyJson} />
      </div>
    </>
  );
}

function Searches({
  searches,
  status,
}: { readonly searches: NonNullable<Report['searches']> } & Pick<Report, 'status'>) {
  const id = useId();
  const reading = deviceName(status).toLowerCase();
  const comparing = status.scorer === null ? reading : scorerName(status.scorer.kind).toLowerCase();
  return (
    <section className="benchmark" aria-labelledby={id}>
      <h2 id={id}>{words.benchmarkSearches}</h2>
      <p className="benchmark__about">
        {words.benchmarkSearched(searches.runs, searches.passages, reading, comparing)}
      </p>
      <table className="benchmark__table" aria-labelledby={id}>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Median</th>
            <th scope="col">95 of 100 within</th>
          </tr>
        </thead>
        <tbody>
          {searches.timings.map(({ step, medianMs, p95Ms }) => (
            <tr key={step} data-total={step === 'total' ? '' : undefined}>
              <th scope="row">{stepNames[step]}</th>
              <td>
                <bdi>{milliseconds(medianMs)}</bdi>
              </td>
              <td>
                <bdi>{milliseconds(p95Ms)}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Ways({ ways }: { readonly ways: BenchmarkResult }) {
  const { figures, gpu, failed, sameScores } = ways;
  const id = useId();
  const quickest = Math.max(...figures.map(({ tokensPerSecond }) => tokensPerSecond));
  return (
    <section className="benchmark" aria-labelledby={id}>
      <h2 id={id}>{words.benchmarkWays}</h2>
      <p className="benchmark__about">{sampleSentence(ways)}</p>
      <figure>
        <figcaption className="speed__unit">{words.benchmarkUnit}</figcaption>
        <SpeedChart figures={figures} gpu={gpu} />
      </figure>
      <table className="benchmark__table" aria-labelledby={id}>
        <thead>
          <tr>
            <th scope="col">Way of comparing</th>
            <th scope="col">Million a second</th>
            <th scope="col">Beside JavaScript</th>
          </tr>
        </thead>
        <tbody>
          {figures.map((figure, i) => {
            const { where, how } = wayName(figure, gpu);
            return (
              <tr key={i} data-total={figure.tokensPerSecond === quickest ? '' : undefined}>
                <th scope="row">
                  {where} <span className="benchmark__how">{how}</span>
                </th>
                <td>{millions(figure)}</td>
                <td>
                  <bdi>{timesJavaScript(figure, figures)}</bdi>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <ul className="benchmark__notes">
        <li>
          {gpu === null
            ? words.benchmarkNoGpu
            : gpu.software
              ? words.benchmarkSoftware(gpu.name)
              : words.benchmarkGpu(gpu.name)}
        </li>
        {sameScores ? (
          <li>{words.benchmarkSame}</li>
        ) : (
          <li className="benchmark__warning">
            <TriangleAlert className="icon" aria-hidden />
            {words.benchmarkDiffer}
          </li>
        )}
        {failed.map(({ way }, i) => {
          const { where, how } = wayName(way, gpu);
          return <li key={i}>{words.benchmarkMissing(`${where} (${how})`)}</li>;
        })}
      </ul>
    </section>
  );
}

const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value).toString()} ms`;
