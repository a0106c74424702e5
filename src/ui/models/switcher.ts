/**
 * From one model to another while the first goes on serving: the new one reads all documents aside, in an engine of its own, and
 * takes over once it is done. What was begun goes on after a reload; cancelled, it leaves nothing behind.
 */
import type { AddOptions, Progress } from '../../index.ts';
import { announce, announceStop } from '../state/announce.tsx';
import type { ModelChoice } from '../state/preferences.ts';
import { problemOf } from './preparer.ts';
import { modelWords, switchFailure, switchingLine } from './words.ts';

export interface SwitchState {
  readonly phase: 'idle' | 'running' | 'stopped';
  /** Null while idle. */
  readonly to: ModelChoice | null;
  readonly progress: Progress | null;
  /** Why it stopped; '' else. */
  readonly problem: string;
}

/** The index with the new model, beside the one in use. */
export interface NextIndex {
  /** What the documents' vectors were made with, until this one has taken over; null from then on. */
  status(): { readonly switchingFrom: object | null };
  /** Reads all documents aside, then takes over. */
  reencode(options: AddOptions): Promise<unknown>;
  /** Lets go of what was made aside. */
  discardAside(): Promise<unknown>;
  close(): Promise<void>;
}

export interface SwitcherParts<Next extends NextIndex> {
  /** Opens the documents with another model, without changing anything for the one in use. */
  readonly open: (to: ModelChoice, onProgress: (progress: Progress) => void) => Promise<Next>;
  /** Takes it in place of the one in use. */
  readonly adopt: (next: Next, to: ModelChoice) => void;
  /** Lets go of what was made aside, by the index in use. */
  readonly discard: () => Promise<unknown>;
  /** Keeps what a reload has to go on with; null for nothing. */
  readonly remember: (to: ModelChoice | null) => void;
}

const idle: SwitchState = { phase: 'idle', to: null, progress: null, problem: '' };
const shownEveryMs = 100;

export class Switcher<Next extends NextIndex = NextIndex> {
  #state = idle;
  #parts: SwitcherParts<Next>;
  #controller = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #quarter = 0;
  #shownAt = 0;
  #listeners = new Set<() => void>();

  constructor(parts: SwitcherParts<Next>) {
    this.#parts = parts;
  }

  readonly state = (): SwitchState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Begins, or goes on with, a switch. One to another model that is under way ends first. */
  readonly begin = async (to: ModelChoice): Promise<void> => {
    await this.cancel();
    this.#controller = new AbortController();
    this.#running = this.#run(to, this.#controller.signal);
    await this.#running;
  };

  readonly retry = (): void => {
    const { to } = this.#state;
    if (this.#state.phase === 'stopped' && to !== null) void this.begin(to);
  };

  /** Ends it. The model in use stays, and what was made for the other is let go of. */
  readonly cancel = async (): Promise<void> => {
    const { phase } = this.#state;
    this.#controller.abort();
    if (phase !== 'idle') {
      this.#parts.remember(null);
      this.#set(idle); // at once, though a large model that is being loaded is let go of only once it is there
    }
    await this.#running; // also where it was cancelled before, and is still ending
    if (phase === 'stopped') await this.#parts.discard().catch(() => undefined); // the next switch lets go of it too
  };

  async #run(to: ModelChoice, signal: AbortSignal): Promise<void> {
    this.#quarter = 0;
    this.#parts.remember(to);
    this.#set({ phase: 'running', to, progress: null, problem: '' });
    announce(modelWords.switching(to.title));
    const onProgress = (progress: Progress): void => this.#show(to, progress, signal);
    let next: Next | null = null;
    try {
      next = await this.#parts.open(to, onProgress);
      await next.reencode({ signal, onProgress });
      this.#finish(to, next);
    } catch (thrown) {
      // once it has taken over there is no way back: what is left of the change is done by the index as it is
      if (next?.status().switchingFrom === null) this.#finish(to, next);
      else await this.#end(to, next, thrown, signal);
    }
  }

  #finish(to: ModelChoice, next: Next): void {
    this.#parts.remember(null);
    this.#set(idle);
    this.#parts.adopt(next, to);
    announce(modelWords.switched(to.title));
  }

  async #end(to: ModelChoice, next: Next | null, thrown: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      await next?.discardAside().catch(() => undefined); // the next switch lets go of it too
      announce(modelWords.switchStopped(to.title));
    } else {
      const problem = switchFailure(problemOf(thrown), to.title);
      this.#set({ phase: 'stopped', to, progress: null, problem });
      announceStop(problem);
    }
    await next?.close().catch(() => undefined);
  }

  #show(to: ModelChoice, progress: Progress, signal: AbortSignal): void {
    if (signal.aborted) return;
    const now = performance.now();
    const before = this.#state.progress;
    if (before?.phase === progress.phase && before.done === progress.done && now - this.#shownAt < shownEveryMs) return;
    this.#shownAt = now;
    this.#set({ phase: 'running', to, progress, problem: '' });
    if (progress.phase === 'loading-model') return;
    const quarter = Math.floor((4 * progress.done) / Math.max(1, progress.total));
    if (quarter > this.#quarter && quarter < 4) announce(switchingLine(progress));
    this.#quarter = Math.max(this.#quarter, quarter);
  }

  #set(state: SwitchState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
