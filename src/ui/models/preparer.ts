/**
 * Models on their way here, as the page shows them: downloads and folders, several at a time if a person wants that. Lives outside
 * the Models page, so that other sections can be opened meanwhile. What stops, by whatever cause, can be gone on with.
 */
import type { AddOptions, ImportRequest, LateralModels, ModelInfo, Progress } from '../../index.ts';
import { LateralError } from '../../index.ts';
import { announce, announceStop } from '../state/announce.tsx';
import { type PreparationKind, shareOfPreparing } from './describe.ts';
import { modelFailure, type ModelProblem, modelWords, preparingLine, preparingValue } from './words.ts';

export interface Preparation {
  readonly model: string;
  readonly title: string;
  readonly kind: PreparationKind;
  readonly progress: Progress | null;
  /** Whether a person has stopped it, and the work is not at a point yet where it can end. */
  readonly stopping: boolean;
  /** Why it stopped, where a person did not stop it; null while it runs. */
  readonly problem: ModelProblem | null;
}

export interface PreparerState {
  /** Null until first known. */
  readonly list: readonly ModelInfo[] | null;
  /** Why the list is not known, or not known anew. */
  readonly listProblem: ModelProblem | null;
  /** By model; those that run, and those that failed until they are gone on with or dismissed. */
  readonly preparations: ReadonlyMap<string, Preparation>;
  /** A folder that was dropped and would take another's place: asked about first. */
  readonly dropped: ImportRequest | null;
  /** Of those that ended well since the page began. */
  readonly finished: ReadonlySet<string>;
}

export interface PrepareOptions {
  readonly dim?: number;
  readonly consent?: boolean;
  /** Of one that is ready: only its check, again. Not remembered. */
  readonly recheck?: boolean;
}

const nothing: PreparerState = {
  ...{ list: null, listProblem: null, dropped: null },
  ...{ preparations: new Map(), finished: new Set() },
};
/** Progress comes often; the page follows at a pace that can be read. */
const shownEveryMs = 100;

export class Preparer {
  #state = nothing;
  #models: () => LateralModels;
  #keep: () => unknown;
  #controllers = new Map<string, AbortController>();
  #quarters = new Map<string, number>();
  #shownAt = new Map<string, number>();
  /** What a person agreed to in this page, for when it is gone on with. */
  #options = new Map<string, PrepareOptions>();
  #reading: Promise<void> | null = null;
  #listeners = new Set<() => void>();

  /**
   * @param models made anew for each call: where they come from may have been changed in Settings
   * @param keep asks the browser not to clear what is stored
   */
  constructor(models: () => LateralModels, keep: () => unknown) {
    this.#models = models;
    this.#keep = keep;
  }

  readonly state = (): PreparerState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Reads the list anew. Nothing is asked of the network. */
  readonly refresh = (): Promise<void> => {
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  };

  /** Downloads a model, or goes on with it. */
  readonly prepare = ({ id, title }: Pick<ModelInfo, 'id' | 'title'>, options: PrepareOptions = {}): Promise<void> => {
    const { recheck, ...asked } = options;
    const chosen = { ...this.#options.get(id), ...asked };
    this.#options.set(id, chosen);
    const kind = recheck === true ? 'check' : id.startsWith('folder:') ? 'folder' : 'download';
    return this.#run({ model: id, title, kind }, (models, call) =>
      models.prepare(id, { ...chosen, ...(recheck === true ? { recheck } : {}), ...call }),
    );
  };

  /** Goes on with what stopped; a check is done again. */
  readonly goOn = (info: Pick<ModelInfo, 'id' | 'title'>): Promise<void> =>
    this.prepare(info, this.#state.preparations.get(info.id)?.kind === 'check' ? { recheck: true } : {});

  readonly importFolder = (request: ImportRequest): Promise<void> =>
    this.#run({ model: `folder:${request.name}`, title: request.name, kind: 'folder' }, (models, call) =>
      models.importFolder(request, call),
    );

  /** A folder, by picker or drop: at once, unless it would take another's place. One that was interrupted is gone on with. */
  readonly offerFolder = (request: ImportRequest): void => {
    const here = this.#state.list?.find(({ id }) => id === `folder:${request.name}`);
    if (here?.state === 'ready' || here?.state === 'failed') this.#set({ dropped: request });
    else void this.importFolder(request);
  };

  readonly forgetFolder = (): void => this.#set({ dropped: null });

  readonly cancel = (model: string): void => {
    const preparation = this.#state.preparations.get(model);
    if (preparation !== undefined && this.#controllers.has(model)) this.#put(model, { ...preparation, stopping: true });
    this.#controllers.get(model)?.abort();
  };

  /** Lets go of what is said about a failure. */
  readonly dismiss = (model: string): void => {
    if (!this.#controllers.has(model)) this.#put(model, null);
  };

  /** @returns the bytes freed */
  readonly remove = async (model: string): Promise<number> => {
    const freed = await this.#models().remove(model);
    this.dismiss(model);
    this.#options.delete(model);
    await this.refresh();
    return freed;
  };

  /** Lets go of an import that was interrupted. @returns the bytes freed */
  readonly discardImport = async (model: string): Promise<number> => {
    const freed = await this.#models().discardImport(model);
    await this.refresh();
    return freed;
  };

  async #read(): Promise<void> {
    try {
      this.#set({ list: await this.#models().list(), listProblem: null });
    } catch (thrown) {
      this.#set({ listProblem: problemOf(thrown) });
    }
  }

  async #run(
    subject: Pick<Preparation, 'model' | 'title' | 'kind'>,
    work: (models: LateralModels, call: AddOptions) => Promise<ModelInfo>,
  ): Promise<void> {
    const { model, title } = subject;
    if (this.#controllers.has(model)) return;
    const controller = new AbortController();
    const { signal } = controller;
    this.#controllers.set(model, controller);
    this.#quarters.set(model, 0);
    this.#put(model, { ...subject, progress: null, stopping: false, problem: null });
    announce(modelWords.preparing(title));
    this.#keep();
    try {
      await work(this.#models(), {
        signal,
        onProgress: (progress) => {
          if (!signal.aborted) this.#show({ ...subject, progress, stopping: false, problem: null });
        },
      });
      await this.refresh();
      this.#put(model, null);
      this.#set({ finished: new Set([...this.#state.finished, model]) });
      announce(modelWords.finished(title));
    } catch (thrown) {
      const problem = problemOf(thrown);
      await this.refresh();
      const here = this.#state.list?.find(({ id }) => id === model);
      const kept = keptOf(here);
      const serves = here?.state === 'ready';
      if (signal.aborted || problem.code === 'aborted') {
        this.#put(model, null);
        announce(serves && kept === 0 ? modelWords.unchanged(title) : modelWords.stopped(title, kept));
      } else {
        this.#put(model, { ...subject, progress: null, stopping: false, problem });
        announceStop(`${title}: ${modelFailure(problem, kept, serves)}`);
      }
    } finally {
      this.#controllers.delete(model);
    }
  }

  #show(preparation: Preparation): void {
    const { model, title, kind, progress } = preparation;
    const before = this.#state.preparations.get(model)?.progress ?? null;
    const now = performance.now();
    const sameStep = before?.phase === progress?.phase;
    if (sameStep && now - (this.#shownAt.get(model) ?? 0) < shownEveryMs) return;
    this.#shownAt.set(model, now);
    this.#put(model, preparation);
    const quarter = Math.floor(4 * shareOfPreparing(kind, progress));
    if (quarter > (this.#quarters.get(model) ?? 0) && quarter < 4) {
      this.#quarters.set(model, quarter);
      announce(`${title}: ${preparingValue(progress)}`);
    } else if (!sameStep && progress?.phase === 'retrying') announce(`${title}: ${preparingLine(progress)}`);
  }

  /** @param preparation null where there is nothing more to say */
  #put(model: string, preparation: Preparation | null): void {
    const preparations = new Map(this.#state.preparations);
    if (preparation === null) preparations.delete(model);
    else preparations.set(model, preparation);
    this.#set({ preparations });
  }

  #set(change: Partial<PreparerState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** Bytes that are here of what is on its way: none of a model that is ready. */
export function keptOf(info: Pick<ModelInfo, 'state' | 'presentBytes' | 'interrupted'> | undefined): number {
  if (info === undefined) return 0;
  return info.interrupted?.presentBytes ?? (info.state === 'ready' ? 0 : info.presentBytes);
}

export function problemOf(thrown: unknown): ModelProblem {
  if (thrown instanceof LateralError) {
    const { code, message, details } = thrown;
    return { code, message, details };
  }
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown), details: {} };
}
