/**
 * What is being read, as the page shows it. Each batch goes to the index at once: the index keeps its files, so that a reload
 * cannot lose them, and reads one batch after another. Here their counts become one line of progress. Only where the index
 * keeps no files (a person's choice, or no room) does a cancelled rest stay in this page.
 */
import type {
  AddFailure,
  AddOptions,
  AddResult,
  DocumentInput,
  ErrorCode,
  LateralIndex,
  Progress,
} from '../../index.ts';
import { announce, announceStop } from '../state/announce.tsx';
import { failureOf } from '../state/index-context.tsx';
import { setPreferences } from '../state/preferences.ts';
import { askToKeep } from '../state/storage.ts';
import { outcome, progressLine, stopReason } from '../words.ts';

export interface AddingState {
  readonly phase: 'idle' | 'running' | 'finished' | 'stopped';
  /** What the index does at the moment. */
  readonly step: Progress['phase'];
  /** Files in this run, and of them those dealt with. */
  readonly total: number;
  readonly done: number;
  readonly ready: number;
  readonly etaSeconds?: number;
  readonly current?: NonNullable<Progress['current']>;
  readonly failed: readonly AddFailure[];
  /** Files that were not read and that only this page still holds. */
  readonly remaining: readonly DocumentInput[];
  /** Why it stopped, where a person did not stop it. */
  readonly stoppedBy?: ErrorCode;
}

/** One batch given to the index. */
interface Job {
  readonly total: number;
  readonly inputs: readonly DocumentInput[];
  progress: Progress | null;
  result: AddResult | null;
}

const idle: AddingState = {
  phase: 'idle',
  step: 'reading',
  total: 0,
  done: 0,
  ready: 0,
  failed: [],
  remaining: [],
};
const finishedShownMs = 4000;
/** Progress comes with every batch; the page follows at a pace that can be read. */
const shownEveryMs = 100;
/** A rate over less than this says little about the device. */
const measuredAfterSeconds = 10;

export class Adder {
  #state = idle;
  #jobs: Job[] = [];
  /** Failures of earlier runs, and of files that never reached the index; listed until dismissed. */
  #earlier: readonly AddFailure[] = [];
  #controller = new AbortController();
  #quarter = 0;
  #startedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Set<() => void>();
  #opening: Promise<LateralIndex>;

  constructor(opening: Promise<LateralIndex>) {
    this.#opening = opening;
  }

  readonly state = (): AddingState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  add(inputs: readonly DocumentInput[]): void {
    if (inputs.length > 0) this.#start(inputs.length, inputs, (index, options) => index.add(inputs, options));
  }

  /** Goes on with the files that the index keeps unread. */
  resume(files: number): void {
    this.#start(files, [], (index, options) => index.resume(options));
  }

  /** Goes on after a stop: with the files that the index keeps, and then with those that only this page holds. */
  async addRest(): Promise<void> {
    const { remaining } = this.#state;
    const { files } = (await this.#opening).status().pending;
    if (files > 0) this.resume(files);
    if (remaining.length > 0)
      this.#start(remaining.length, remaining, (index, options) => addAgain(index, remaining, options));
    if (files === 0 && remaining.length === 0) this.dismiss();
  }

  /** Lists files that never came as far as the index. */
  addFailures(failures: readonly AddFailure[]): void {
    this.#earlier = [...this.#earlier, ...failures];
    this.#set({ ...this.#state, failed: [...this.#state.failed, ...failures] });
  }

  cancel(): void {
    this.#controller.abort();
  }

  dismiss(): void {
    this.#earlier = [];
    if (this.#state.phase === 'running') {
      for (const job of this.#jobs) if (job.result !== null) job.result = { ...job.result, failed: [] };
      this.#show();
    } else this.#set(idle);
  }

  #start(
    total: number,
    inputs: readonly DocumentInput[],
    read: (index: LateralIndex, options: AddOptions) => Promise<AddResult>,
  ): void {
    if (this.#state.phase !== 'running') {
      this.#earlier = this.#state.failed; // they stay listed until dismissed; a finished run's count does not
      this.#jobs = [];
      this.#quarter = 0;
      this.#startedAt = performance.now();
      this.#controller = new AbortController();
    }
    const job: Job = { total, inputs, progress: null, result: null };
    this.#jobs.push(job);
    this.#show();
    if (this.#jobs.length === 1) announce(progressLine(this.#state));
    void this.#run(job, read);
  }

  async #run(job: Job, read: (index: LateralIndex, options: AddOptions) => Promise<AddResult>): Promise<void> {
    const { signal } = this.#controller;
    try {
      const index = await this.#opening;
      job.result = await read(index, {
        signal,
        onProgress: (progress) => {
          job.progress = progress;
          this.#timer ??= setTimeout(() => this.#show(), shownEveryMs);
        },
      });
      this.#measure(job);
      if (job.result.added.length > 0) void askToKeep();
    } catch (thrown) {
      const { code, message } = failureOf(thrown);
      // Which of them were stored is not known: adding all of them again costs nothing, the index knows its own.
      const remaining = job.inputs.map((_, at) => at);
      job.result = { added: [], failed: [], remaining, stopped: { code, message } };
    }
    if (job.result.stopped !== undefined) this.#controller.abort(); // what stopped one would stop the next
    if (this.#jobs.every(({ result }) => result !== null)) await this.#settle();
    else this.#show();
  }

  /** Shows where all batches together are. */
  #show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#jobs.length === 0) return;
    const unfinished = this.#jobs.filter(({ result }) => result === null);
    const reading = unfinished.find(({ progress }) => progress !== null)?.progress ?? null;
    const state: AddingState = {
      phase: 'running',
      step: reading?.phase ?? (unfinished.length > 0 ? 'keeping' : 'reading'),
      ...this.#counts(),
      remaining: [],
      ...(reading?.etaSeconds === undefined || unfinished.length > 1 ? {} : { etaSeconds: reading.etaSeconds }),
      ...(reading?.current === undefined ? {} : { current: reading.current }),
    };
    this.#set(state);
    const quarter = Math.floor((4 * state.done) / state.total);
    if (quarter > this.#quarter && quarter < 4) {
      this.#quarter = quarter;
      announce(progressLine(state));
    }
  }

  #counts(): Pick<AddingState, 'total' | 'done' | 'ready' | 'failed'> {
    const failed = [...this.#earlier];
    let [total, done, ready] = [0, 0, 0];
    for (const { total: files, progress, result } of this.#jobs) {
      total += files;
      if (result !== null) {
        done += Math.max(0, files - result.remaining.length);
        ready += result.added.length;
        failed.push(...result.failed);
      } else if (progress !== null) {
        if (progress.unit === 'files' && progress.phase === 'reading') done += progress.done;
        failed.push(...(progress.failed ?? []));
      }
    }
    return { total, done: Math.min(done, total), ready, failed };
  }

  async #settle(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const jobs = this.#jobs;
    const stops = jobs.flatMap(({ result }) => (result?.stopped === undefined ? [] : [result.stopped.code]));
    const unread = jobs.flatMap(({ inputs, result }) => (result?.remaining ?? []).flatMap((at) => inputs[at] ?? []));
    const counts = this.#counts();
    this.#jobs = [];
    this.#earlier = [];
    if (stops.length > 0 || unread.length > 0) {
      const kept = await this.#opening.then(
        (index) => index.status().pending.files,
        () => 0,
      );
      const stoppedBy = stops.find((code) => code !== 'aborted');
      this.#set({
        phase: 'stopped',
        step: 'reading',
        ...counts,
        remaining: kept >= unread.length ? [] : unread,
        ...(stoppedBy === undefined ? {} : { stoppedBy }),
      });
      if (stoppedBy === undefined) announce(outcome(counts.ready, 0, true));
      else announceStop(stopReason(stoppedBy));
      return;
    }
    const finished: AddingState = { phase: 'finished', step: 'reading', ...counts, remaining: [] };
    this.#set(finished);
    announce(outcome(counts.ready, counts.failed.length, false));
    if (counts.failed.length > 0) return; // stays until dismissed
    setTimeout(() => {
      if (this.#state === finished) this.#set(idle);
    }, finishedShownMs);
  }

  #measure({ progress }: Job): void {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    if (progress?.tokensPerSecond === undefined || seconds < measuredAfterSeconds) return;
    setPreferences({ tokensPerSecond: Math.round(progress.tokensPerSecond) });
  }

  #set(state: AddingState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** Which of them came in before the stop is not always known: what is here by now is no failure. */
async function addAgain(
  index: LateralIndex,
  inputs: readonly DocumentInput[],
  options: AddOptions,
): Promise<AddResult> {
  const unknown = (failures: readonly AddFailure[]): AddFailure[] =>
    failures.filter(({ code }) => code !== 'file-duplicate');
  const result = await index.add(inputs, {
    ...options,
    onProgress: ({ failed, ...progress }) =>
      options.onProgress?.({ ...progress, ...(failed === undefined ? {} : { failed: unknown(failed) }) }),
  });
  return { ...result, failed: unknown(result.failed) };
}
