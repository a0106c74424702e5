/**
 * The queue of what is to be read. One job at a time goes to the index; what comes meanwhile joins the same count.
 * What a cancel leaves unread is kept here, so that "Add the rest" can go on.
 */
import type { AddFailure, AddResult, DocumentInput, ErrorCode, LateralIndex, Progress } from '../../index.ts';
import { announce, announceStop } from '../state/announce.tsx';
import { failureOf } from '../state/index-context.tsx';
import { outcome, progressLine, stopReason } from '../words.ts';

export interface AddingState {
  readonly phase: 'idle' | 'running' | 'finished' | 'stopped';
  /** Files in this run, and of them those dealt with. */
  readonly total: number;
  readonly done: number;
  readonly ready: number;
  readonly etaSeconds?: number;
  readonly current?: NonNullable<Progress['current']>;
  readonly failed: readonly AddFailure[];
  readonly remaining: readonly DocumentInput[];
  /** Why it stopped, where a person did not stop it. */
  readonly stoppedBy?: ErrorCode;
}

const idle: AddingState = { phase: 'idle', total: 0, done: 0, ready: 0, failed: [], remaining: [] };
const finishedShownMs = 4000;

export class Adder {
  #state = idle;
  #queue: DocumentInput[][] = [];
  #controller: AbortController | null = null;
  #quarter = 0;
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
    if (inputs.length === 0) return;
    this.#queue.push([...inputs]);
    if (this.#state.phase === 'running') {
      this.#set({ ...this.#state, total: this.#state.total + inputs.length });
      return;
    }
    // failures stay listed until dismissed; a finished run's count does not
    this.#set({ ...idle, phase: 'running', total: inputs.length, failed: this.#state.failed });
    void this.#run();
  }

  /** Lists files that never came as far as the index. */
  addFailures(failures: readonly AddFailure[]): void {
    if (failures.length > 0) this.#set({ ...this.#state, failed: [...this.#state.failed, ...failures] });
  }

  cancel(): void {
    this.#controller?.abort();
  }

  addRest(): void {
    const { remaining } = this.#state;
    this.#set({ ...idle, failed: this.#state.failed });
    this.add(remaining);
  }

  dismiss(): void {
    if (this.#state.phase === 'running') this.#set({ ...this.#state, failed: [] });
    else this.#set(idle);
  }

  async #run(): Promise<void> {
    this.#quarter = 0;
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    announce(progressLine(0, this.#state.total, undefined));
    while (this.#queue.length > 0) {
      const inputs = this.#queue.shift()!;
      const before = this.#state.done;
      const result = await this.#read(inputs, before, signal);
      const remaining = [
        ...result.remaining.map((at) => inputs[at]!),
        ...(signal.aborted || result.stopped ? this.#queue.flat() : []),
      ];
      const state: AddingState = {
        ...omitProgress(this.#state),
        done: before + inputs.length - result.remaining.length,
        ready: this.#state.ready + result.added.length,
        failed: [...this.#state.failed, ...result.failed],
      };
      if (signal.aborted || result.stopped !== undefined) {
        this.#queue = [];
        this.#stop(state, remaining, signal.aborted ? undefined : result.stopped?.code);
        return;
      }
      this.#set(state);
    }
    this.#finish();
  }

  async #read(inputs: readonly DocumentInput[], before: number, signal: AbortSignal): Promise<AddResult> {
    try {
      const index = await this.#opening;
      return await index.add(inputs, {
        signal,
        onProgress: (progress) => {
          this.#progress(progress, before);
        },
      });
    } catch (thrown) {
      const { code, message } = failureOf(thrown);
      // Which of them were stored is not known: adding all of them again costs nothing, the index knows its own.
      const remaining = inputs.map((_, at) => at);
      return { added: [], failed: [], remaining, ...(code === 'aborted' ? {} : { stopped: { code, message } }) };
    }
  }

  #progress(progress: Progress, before: number): void {
    const done = progress.unit === 'files' ? before + progress.done : this.#state.done;
    this.#set({
      ...omitProgress(this.#state),
      done,
      ...(progress.etaSeconds === undefined ? {} : { etaSeconds: progress.etaSeconds }),
      ...(progress.current === undefined ? {} : { current: progress.current }),
    });
    const quarter = Math.floor((4 * done) / this.#state.total);
    if (quarter > this.#quarter && quarter < 4) {
      this.#quarter = quarter;
      announce(progressLine(done, this.#state.total, progress.etaSeconds));
    }
  }

  #stop(state: AddingState, remaining: readonly DocumentInput[], stoppedBy: ErrorCode | undefined): void {
    this.#set({ ...state, phase: 'stopped', remaining, ...(stoppedBy === undefined ? {} : { stoppedBy }) });
    if (stoppedBy === undefined) announce(outcome(state.ready, 0, true));
    else announceStop(stopReason(stoppedBy));
  }

  #finish(): void {
    const finished: AddingState = { ...omitProgress(this.#state), phase: 'finished' };
    this.#set(finished);
    announce(outcome(finished.ready, finished.failed.length, false));
    if (finished.failed.length > 0) return; // stays until dismissed
    setTimeout(() => {
      if (this.#state === finished) this.#set(idle);
    }, finishedShownMs);
  }

  #set(state: AddingState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function omitProgress(state: AddingState): AddingState {
  const { phase, total, done, ready, failed, remaining } = state;
  return { phase, total, done, ready, failed, remaining };
}
