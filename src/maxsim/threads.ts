/** Further threads for the WebAssembly scorer, which share its memory. What a thread itself does is at the end. */
import { work, type Job, type Scratch } from './job.ts';
import { loadKernels, type Int8Choice } from './wasm-kernels.ts';

/** What of a Worker is used here. */
export interface ThreadWorker {
  postMessage(message: ToThread): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error' | 'messageerror', listener: () => void): void;
  terminate(): void;
}

type ToThread =
  | {
      readonly type: 'start';
      readonly memory: WebAssembly.Memory;
      readonly int8: Int8Choice;
      readonly scratch: Scratch;
    }
  | { readonly type: 'work'; readonly job: Job };

type FromThread = 'ready' | 'done';

export class Threads {
  readonly #workers: readonly ThreadWorker[];
  /** One for each worker: told of the next message, or of its end. */
  readonly #waiting: ((alive: boolean) => void)[] = [];
  #alive = true;

  private constructor(workers: readonly ThreadWorker[]) {
    this.#workers = workers;
    workers.forEach((worker, i) => {
      worker.addEventListener('message', () => this.#waiting[i]?.(true));
      const fail = (): void => {
        this.#alive = false;
        this.#waiting[i]?.(false);
      };
      worker.addEventListener('error', fail);
      worker.addEventListener('messageerror', fail);
    });
  }

  /** @returns null where one of them does not start */
  static async start(
    workers: readonly ThreadWorker[],
    memory: WebAssembly.Memory,
    int8: Int8Choice,
    scratch: (thread: number) => Scratch,
  ): Promise<Threads | null> {
    const threads = new Threads(workers);
    const ready = await threads.#ask((i) => ({ type: 'start', memory, int8, scratch: scratch(i) }));
    if (ready) return threads;
    threads.destroy();
    return null;
  }

  /**
   * @param count of these threads that take part
   * @param own the caller's share, done meanwhile
   * @returns false where a thread has died: sums are then missing, and these threads are of no more use
   */
  async work(job: Job, count: number, own: () => void): Promise<boolean> {
    const done = this.#ask(() => ({ type: 'work', job }), count);
    own();
    return done;
  }

  destroy(): void {
    this.#alive = false;
    for (const worker of this.#workers) worker.terminate();
    for (const answer of this.#waiting) answer(false);
  }

  /** Sends a message to each of the first `count` and waits for their answers. */
  async #ask(message: (index: number) => ToThread, count = this.#workers.length): Promise<boolean> {
    if (!this.#alive) return false;
    const answers = this.#workers.slice(0, count).map(
      (worker, i) =>
        new Promise<boolean>((resolve) => {
          this.#waiting[i] = resolve;
          worker.postMessage(message(i));
        }),
    );
    return (await Promise.all(answers)).every(Boolean);
  }
}

/** What of a worker's global scope is used here. */
export interface ThreadScope {
  postMessage(message: FromThread): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

/** The other side: a worker that does what it is told. */
export function serveThread(scope: ThreadScope): void {
  let working: Promise<(job: Job) => void> | null = null;
  const start = async ({ memory, int8, scratch }: Extract<ToThread, { type: 'start' }>) => {
    const kernels = await loadKernels(memory, int8);
    return (job: Job): void => work(job, kernels, memory, scratch);
  };
  scope.addEventListener('message', ({ data }) => {
    const message = data as ToThread;
    if (message.type === 'start') {
      working = start(message);
      working.then(() => scope.postMessage('ready')).catch(failed);
    } else {
      working
        ?.then((run) => {
          run(message.job);
          scope.postMessage('done');
        })
        .catch(failed);
    }
  });
}

/** Seen by the other side as the worker's error event. */
function failed(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
