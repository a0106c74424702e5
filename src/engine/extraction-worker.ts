/**
 * Extraction in workers of its own: one reads PDFs, one other files, one draws pages, so that none waits for another, and nothing
 * they do stops a search. Each does one thing at a time. A worker that gives no sign of life, or dies, is ended and made
 * anew for the next request; one without work is ended after a while, so that its memory comes back.
 */
import { fromWireError, LateralError, throwIfAborted } from '../errors.ts';
import { foreignKind } from '../extract/kinds.ts';
import type { ExtractionRequest, ExtractionResponse, ExtractionValues } from '../extract/service.ts';
import type { ExtractedText } from '../types.ts';
import type { Extraction, PagedDocument } from './extraction.ts';

export interface WorkerExtractionOptions {
  /** Where pdf.js's own folders are served from, with a slash at its end; asked for at each request. */
  readonly pdfFilesUrl: () => string;
  /** Without a sign of life for so long, a worker is ended. Default 30,000. */
  readonly deadlineMs?: number;
  /** A worker without work is ended after so long. Default 60,000. */
  readonly idleMs?: number;
  /** Other workers, for tests. */
  readonly createWorker?: () => Worker;
}

/** PDFs held open for their pages. */
const heldPdfs = 3;

const fileWorker = (): Worker =>
  new Worker(new URL('../../workers/extract.worker.ts', import.meta.url), { type: 'module', name: 'extract' });
const pdfWorker = (): Worker =>
  new Worker(new URL('../../workers/pdf.worker.ts', import.meta.url), { type: 'module', name: 'pdf' });

export function createWorkerExtraction({
  pdfFilesUrl,
  deadlineMs = 30_000,
  idleMs = 60_000,
  createWorker,
}: WorkerExtractionOptions): Extraction {
  const reader = new WorkerLine(createWorker ?? fileWorker, deadlineMs, idleMs);
  const pdfReader = new WorkerLine(createWorker ?? pdfWorker, deadlineMs, idleMs);
  const viewer = new WorkerLine(createWorker ?? pdfWorker, deadlineMs, idleMs);

  /** Opens the document in the viewer's worker if it is not, and lets go of the one that was used longest ago. */
  async function hold(document: PagedDocument, work: WorkerAtWork): Promise<void> {
    const { held } = work;
    const key = document.documentId;
    if (held.has(key)) {
      held.delete(key);
      held.add(key);
      return;
    }
    const bytes = await document.bytes();
    for (const other of [...held].slice(0, Math.max(0, held.size - heldPdfs + 1))) {
      held.delete(other);
      await work.ask({ type: 'close', key: other });
    }
    await work.ask({ type: 'open', key, name: document.name, bytes, pdfFilesUrl: pdfFilesUrl() }, [bytes.buffer]);
    held.add(key);
  }

  return {
    extract(input, signal) {
      const { buffer } = input.bytes;
      const line = foreignKind(input.name, input.bytes) === 'PDF' ? pdfReader : reader;
      return line.run(input.name, signal, 'end', (work) =>
        work.ask({ type: 'extract', input, pdfFilesUrl: pdfFilesUrl() }, buffer instanceof ArrayBuffer ? [buffer] : []),
      );
    },

    pageImage(document, page, pixelWidth, signal) {
      return viewer.run(document.name, signal, 'cancel', async (work) => {
        await hold(document, work);
        throwIfAborted(signal);
        return work.ask({ type: 'image', key: document.documentId, page, pixelWidth });
      });
    },

    pagePlaces(document, page, text, ranges, signal) {
      const section = pageSection(text, page);
      if (section === undefined) {
        return Promise.reject(
          new LateralError('not-found', `${document.name} has ${text.pages?.length ?? 0} pages, and no page ${page}.`),
        );
      }
      const { start, end } = section;
      const onPage = ranges.map((range) => ({ start: range.start - start, end: range.end - start }));
      return viewer.run(document.name, signal, 'cancel', async (work) => {
        await hold(document, work);
        const pageText = text.text.slice(start, end);
        const places = await work.ask({
          type: 'places',
          key: document.documentId,
          page,
          text: pageText,
          ranges: onPage,
        });
        return places.map(({ boxes }, i) => ({ ...ranges[i]!, boxes }));
      });
    },

    close() {
      reader.close();
      pdfReader.close();
      viewer.close();
    },
  };
}

function pageSection({ sections, pages }: ExtractedText, page: number): { start: number; end: number } | undefined {
  return pages === undefined ? undefined : sections.filter(({ kind }) => kind === 'page')[page - 1];
}

// ─── one worker ─────────────────────────────────────────────────────────────────────────────────────

type Asked = Exclude<ExtractionRequest, { type: 'cancel' }>;
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** The worker as a piece of work sees it. */
interface WorkerAtWork {
  /** Keys of the PDFs that this worker holds, the one used longest ago first. */
  readonly held: Set<string>;
  ask<T extends Asked['type']>(
    request: Extract<WithoutId<Asked>, { type: T }>,
    transfer?: Transferable[],
  ): Promise<ExtractionValues[T]>;
}

/** How a stop on request reaches the worker: by ending it, or by asking it to leave off. */
type Stop = 'end' | 'cancel';

/** The watch looks this often within a deadline. Looks, not time, are counted: they stop while our own thread is busy. */
const looks = 8;

/** A worker, made when it is needed, and the work that waits for it. */
class WorkerLine {
  private readonly createWorker: () => Worker;
  private readonly deadlineMs: number;
  private readonly idleMs: number;
  private worker: RunningWorker | null = null;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private idle: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(createWorker: () => Worker, deadlineMs: number, idleMs: number) {
    this.createWorker = createWorker;
    this.deadlineMs = deadlineMs;
    this.idleMs = idleMs;
  }

  /** Does the work when what came before is through. @throws 'aborted' at once when the signal fires, work or none */
  run<T>(name: string, signal: AbortSignal, stop: Stop, work: (worker: WorkerAtWork) => Promise<T>): Promise<T> {
    const turn = this.last.then(() => this.doWork(name, signal, stop, work));
    this.waiting++;
    this.last = turn.then(
      () => this.rest(),
      () => this.rest(),
    );
    return orAborted(turn, signal);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.idle);
    this.end(new LateralError('aborted', 'Stopped on request.'));
  }

  private async doWork<T>(
    name: string,
    signal: AbortSignal,
    stop: Stop,
    work: (worker: WorkerAtWork) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal);
    if (this.closed) throw new LateralError('aborted', 'Stopped on request.');
    clearTimeout(this.idle);
    const worker = (this.worker ??= new RunningWorker(this.createWorker()));
    const aborted = (): void => {
      if (stop === 'end') this.end(new LateralError('aborted', 'Stopped on request.'));
      else worker.cancel();
    };
    signal.addEventListener('abort', aborted, { once: true });
    const endWatch = this.watch(name, worker);
    try {
      return await work(worker);
    } catch (thrown) {
      // A part that did not load once is not asked for again by the same worker.
      if (thrown instanceof LateralError && thrown.code === 'worker-failed') worker.end(thrown);
      if (worker.broken !== null && this.worker === worker) this.worker = null;
      throw thrown instanceof WorkerDied ? thrown.inWords(name) : thrown;
    } finally {
      endWatch();
      signal.removeEventListener('abort', aborted);
    }
  }

  /** Ends the worker when it has given no sign of life for the deadline. */
  private watch(name: string, worker: RunningWorker): () => void {
    let silent = 0;
    const timer = setInterval(() => {
      silent = worker.tookSign() || !worker.isAsked ? 0 : silent + 1;
      if (silent <= looks) return;
      this.end(
        new LateralError('file-damaged', `${name} took too long to read. Try exporting it again, or split it.`, {
          details: { name, deadlineMs: this.deadlineMs },
        }),
      );
    }, this.deadlineMs / looks);
    return () => clearInterval(timer);
  }

  private rest(): void {
    this.waiting--;
    if (this.waiting > 0 || this.worker === null) return;
    this.idle = setTimeout(() => this.end(new LateralError('aborted', 'Stopped on request.')), this.idleMs);
  }

  private end(reason: LateralError): void {
    const worker = this.worker;
    this.worker = null;
    worker?.end(reason);
  }
}

class RunningWorker implements WorkerAtWork {
  readonly held = new Set<string>();
  /** Why it answers no more. */
  broken: Error | null = null;
  private readonly worker: Worker;
  private lastId = 0;
  private sign = false;
  private asked: { readonly id: number; resolve(value: never): void; reject(error: Error): void } | null = null;

  constructor(worker: Worker) {
    this.worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<Partial<ExtractionResponse> | null>) => {
      this.sign = true;
      if (this.asked === null || data?.id !== this.asked.id) return;
      const response = data as ExtractionResponse;
      if (response.type === 'result') this.asked.resolve(response.value as never);
      else if (response.type === 'error') this.asked.reject(fromWireError(response.error));
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.end(new WorkerDied(event.message));
    });
    worker.addEventListener('messageerror', () => this.end(new WorkerDied('An answer could not be read.')));
  }

  get isAsked(): boolean {
    return this.asked !== null;
  }

  /** Whether it said anything since the last time this was asked. */
  tookSign(): boolean {
    const { sign } = this;
    this.sign = false;
    return sign;
  }

  async ask<T extends Asked['type']>(
    request: Extract<WithoutId<Asked>, { type: T }>,
    transfer: Transferable[] = [],
  ): Promise<ExtractionValues[T]> {
    if (this.broken !== null) throw this.broken;
    const id = ++this.lastId;
    try {
      return await new Promise<ExtractionValues[T]>((resolve, reject) => {
        this.sign = true;
        this.asked = { id, resolve, reject };
        this.worker.postMessage({ ...request, id }, transfer);
      });
    } finally {
      this.asked = null;
    }
  }

  /** Asks the worker to leave off what it does. */
  cancel(): void {
    if (this.asked !== null) this.worker.postMessage({ type: 'cancel', id: this.asked.id } satisfies ExtractionRequest);
  }

  end(reason: Error): void {
    if (this.broken !== null) return;
    this.broken = reason;
    this.worker.terminate();
    this.asked?.reject(reason);
  }
}

/** The worker did not load or died; it does not say of what. */
class WorkerDied extends Error {
  /** A worker that runs out of memory reports so, or just ends. */
  inWords(name: string): LateralError {
    if (/memory|alloc/i.test(this.message)) {
      return new LateralError(
        'file-too-large',
        `${name} needs more memory than there is. Split it and add the parts.`,
        {
          cause: this,
          details: { name },
        },
      );
    }
    return new LateralError(
      'worker-failed',
      `Part of Lateral did not load, so ${name} could not be read. Reload the page.`,
      {
        cause: this,
        details: { name },
      },
    );
  }
}

/** The result, or 'aborted' as soon as the signal fires. */
function orAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(new LateralError('aborted', 'Stopped on request.'));
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
