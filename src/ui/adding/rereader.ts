/**
 * Documents that another model has read are read again from what is stored, without being asked for: found by their words
 * meanwhile. Stopped by a person it stays so until they go on, or until the next start.
 */
import type { LateralIndex, Progress } from '../../index.ts';
import { announce, announceStop } from '../state/announce.tsx';
import { failureOf } from '../state/index-context.tsx';
import { rereadingLine, stopReason, words } from '../words.ts';

export interface RereadingState {
  readonly phase: 'idle' | 'running' | 'stopped' | 'finished';
  readonly progress: Progress | null;
  /** Why it stopped, where a person did not stop it; '' else. */
  readonly problem: string;
}

const idle: RereadingState = { phase: 'idle', progress: null, problem: '' };
const finishedShownMs = 6000;
/** Progress comes with every passage; the page follows at a pace that can be read. */
const shownEveryMs = 100;

export class Rereader {
  #state = idle;
  #controller = new AbortController();
  #channel = openChannel();
  #name = '';
  #stoppedByPerson = false;
  #quarter = 0;
  #shownAt = 0;
  #listeners = new Set<() => void>();

  readonly state = (): RereadingState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  constructor() {
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (data === this.#name) this.#controller.abort();
    });
  }

  /** Stops it here and in the other tabs of the collection, one of which would take over. */
  readonly cancel = (): void => {
    this.#controller.abort();
    this.#channel?.postMessage(this.#name);
  };

  /** Begins by itself: not where a person has stopped it. */
  readonly begin = (index: LateralIndex): void => {
    if (!this.#stoppedByPerson) void this.run(index);
  };

  readonly run = async (index: LateralIndex): Promise<void> => {
    if (this.#state.phase === 'running') return;
    this.#controller = new AbortController();
    this.#name = index.name;
    this.#quarter = 0;
    this.#stoppedByPerson = false;
    const { signal } = this.#controller;
    this.#set({ phase: 'running', progress: null, problem: '' });
    announce(words.rereadingWhy);
    try {
      await index.reencode({ signal, onProgress: (progress) => this.#show(progress) });
      this.#end(index.status().unencoded);
    } catch (thrown) {
      this.#stoppedByPerson = signal.aborted;
      const problem = signal.aborted ? '' : stopReason(failureOf(thrown).code);
      this.#set({ phase: 'stopped', progress: null, problem });
      if (problem === '') announce(words.stillToReadAgain(index.status().unencoded));
      else announceStop(problem);
    }
  };

  /** @param left documents that could not be read again */
  #end(left: number): void {
    const finished = left === 0;
    this.#set({ ...idle, phase: finished ? 'finished' : 'stopped' });
    announce(finished ? words.readAgain : words.stillToReadAgain(left));
    if (!finished) return;
    setTimeout(() => {
      if (this.#state.phase === 'finished') this.#set(idle);
    }, finishedShownMs);
  }

  #show(progress: Progress): void {
    const now = performance.now();
    const text = this.#state.progress === null ? '' : rereadingLine(this.#state.progress);
    if (now - this.#shownAt < shownEveryMs && text === rereadingLine(progress)) return;
    this.#shownAt = now;
    this.#set({ phase: 'running', progress, problem: '' });
    const quarter = Math.floor((4 * progress.done) / Math.max(1, progress.total));
    if (quarter > this.#quarter && quarter < 4) announce(rereadingLine(progress));
    this.#quarter = Math.max(this.#quarter, quarter);
  }

  #set(state: RereadingState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** What a person stops in one tab stops in all; where tabs cannot talk, in this one. */
function openChannel(): BroadcastChannel | null {
  try {
    return new BroadcastChannel('lateral-rereading');
  } catch {
    return null;
  }
}
