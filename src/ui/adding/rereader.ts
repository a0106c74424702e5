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
  #shownAt = 0;
  #listeners = new Set<() => void>();

  readonly state = (): RereadingState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly cancel = (): void => this.#controller.abort();

  readonly run = async (index: LateralIndex): Promise<void> => {
    if (this.#state.phase === 'running') return;
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#set({ phase: 'running', progress: null, problem: '' });
    announce(words.rereadingWhy);
    try {
      await index.reencode({ signal, onProgress: (progress) => this.#show(progress) });
      this.#set({ ...idle, phase: 'finished' });
      announce(words.readAgain);
      setTimeout(() => {
        if (this.#state.phase === 'finished') this.#set(idle);
      }, finishedShownMs);
    } catch (thrown) {
      const problem = signal.aborted ? '' : stopReason(failureOf(thrown).code);
      this.#set({ phase: 'stopped', progress: null, problem });
      if (problem !== '') announceStop(problem);
    }
  };

  #show(progress: Progress): void {
    const now = performance.now();
    const text = this.#state.progress === null ? '' : rereadingLine(this.#state.progress);
    if (now - this.#shownAt < shownEveryMs && text === rereadingLine(progress)) return;
    this.#shownAt = now;
    this.#set({ phase: 'running', progress, problem: '' });
  }

  #set(state: RereadingState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
