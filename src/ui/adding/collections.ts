/** Whole collections in and out: a saved one, the sample library, and the file that keeps what is here. */
import type { ErrorCode, ImportResult, LateralIndex } from '../../index.ts';
import { announce, announceStop } from '../state/announce.tsx';
import { failureOf } from '../state/index-context.tsx';
import { toasts } from '../parts/toasts.ts';
import { exportFailure, importFailure, words } from '../words.ts';

export type Transfer = 'import' | 'export' | 'sample';

export interface TransferState {
  /** What is under way, or null. */
  readonly running: Transfer | null;
  /** How far, 0 to 1. */
  readonly share: number;
  /** What went wrong last, in a sentence; '' where nothing did. */
  readonly problem: string;
}

const quiet: TransferState = { running: null, share: 0, problem: '' };
const toastMs = 6000;

export class Collections {
  #state = quiet;
  #controller: AbortController | null = null;
  #listeners = new Set<() => void>();
  #opening: Promise<LateralIndex>;

  constructor(opening: Promise<LateralIndex>) {
    this.#opening = opening;
  }

  readonly state = (): TransferState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly import = (file: Blob): Promise<void> =>
    this.#run('import', async (options) => {
      const result = await (await this.#opening).import(file, options);
      done(words.imported(result.documents, result.skipped));
    });

  /** The sample library, from our own origin. */
  readonly openSample = (): Promise<void> =>
    this.#run('sample', async (options) => {
      const response = await fetch(new URL('sample/library.lateral', document.baseURI), { signal: options.signal });
      if (!response.ok) throw new MissingSample();
      const result: ImportResult = await (await this.#opening).import(await response.blob(), options);
      announce(words.imported(result.documents, result.skipped));
    });

  /** Saves the collection as a file among the downloads. */
  readonly export = (): Promise<void> =>
    this.#run('export', async (options) => {
      const file = await (await this.#opening).export(undefined, options);
      const name = `lateral-${localDay(new Date())}.lateral`;
      save(file, name);
      done(words.exported(name));
    });

  readonly cancel = (): void => this.#controller?.abort();
  readonly dismiss = (): void => this.#set(quiet);

  async #run(
    running: Transfer,
    work: (options: {
      readonly signal: AbortSignal;
      readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
    }) => Promise<void>,
  ): Promise<void> {
    if (this.#state.running !== null) return;
    const controller = new AbortController();
    this.#controller = controller;
    this.#set({ running, share: 0, problem: '' });
    announce(runningLine(running));
    try {
      await work({
        signal: controller.signal,
        onProgress: (progress) =>
          this.#set({ running, share: progress.total > 0 ? progress.done / progress.total : 0, problem: '' }),
      });
      this.#set(quiet);
    } catch (thrown) {
      const problem = controller.signal.aborted ? '' : problemOf(running, thrown);
      this.#set({ ...quiet, problem });
      if (problem !== '') announceStop(problem);
    }
  }

  #set(state: TransferState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

class MissingSample extends Error {}

export const runningLine = (running: Transfer): string =>
  ({ import: words.importing, export: words.exporting, sample: words.sampleOpening })[running];

function problemOf(running: Transfer, thrown: unknown): string {
  // fetch fails with a TypeError where there is no way to the server
  if (thrown instanceof MissingSample || thrown instanceof TypeError) return words.sampleMissing;
  const code: ErrorCode = failureOf(thrown).code;
  return running === 'export' ? exportFailure(code) : importFailure(code);
}

function done(description: string): void {
  toasts.add({ description, timeout: toastMs });
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the download has its own hold on it by then
}

/** `2026-11-23`, in this place's time. */
const localDay = (date: Date): string =>
  [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
