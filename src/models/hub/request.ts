/**
 * One request: an answer that can be used, or an error that says what to do. What may pass by itself (a broken connection, an
 * overloaded server) is a `TryAgain`, and the caller asks again; all else ends the download.
 */
import { LateralError, throwIfAborted } from '../../errors.ts';
import { platform } from '../platform.ts';
import { backOffMs, readRetryAfter, sleep, type RetryOptions } from './retry.ts';

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly retry: Required<RetryOptions>;
  readonly fetch: typeof fetch;
}

/** `error` is what to throw once it is given up. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain';
  readonly error: LateralError;
  /** Where the server asked for a wait. */
  readonly waitMs: number | null;

  constructor(error: LateralError, waitMs: number | null = null) {
    super(error.message, { cause: error });
    this.error = error;
    this.waitMs = waitMs;
  }
}

export interface Exchange {
  readonly response: Response;
  /** The body, piece by piece. @throws TryAgain where it stalls or breaks off; 'aborted' */
  pieces(): AsyncGenerator<Uint8Array>;
  /** Ends the request. Always to be called. */
  end(): void;
}

/**
 * Asks for `what` (a file's name, for messages). 200, 206 and 416 are answers.
 * @throws TryAgain, 'model-unavailable', 'download-refused', 'download-interrupted', 'aborted'
 */
export async function request(
  url: string,
  what: string,
  init: { readonly method?: 'GET' | 'HEAD'; readonly headers?: Readonly<Record<string, string>> },
  options: RequestOptions,
): Promise<Exchange> {
  const { signal, retry } = options;
  throwIfAborted(signal);
  const ending = new AbortController();
  const stop = (): void => ending.abort();
  signal?.addEventListener('abort', stop, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stalled = false;
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      stalled = true;
      stop();
    }, retry.stallMs);
  };
  const end = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    stop();
  };
  const broken = (cause: unknown): Error => {
    if (signal?.aborted === true) return new LateralError('aborted', 'Stopped on request.', { cause });
    return new TryAgain(brokenOff(url, what, stalled ? 'stalled' : 'broken', cause, retry.stallMs));
  };

  try {
    watch();
    const response = await options
      .fetch(url, {
        ...init,
        signal: ending.signal,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        cache: 'no-store', // else gigabytes pass through the browser's cache as well
      })
      .catch((cause: unknown) => {
        throw broken(cause);
      });
    const problem = problemOf(response, url, what, retry);
    if (problem !== null) throw problem;
    return {
      response,
      async *pieces() {
        const reader = response.body?.getReader();
        try {
          for (; reader !== undefined;) {
            watch();
            const { value, done } = await reader.read().catch((cause: unknown) => {
              throw broken(cause);
            });
            clearTimeout(timer);
            if (done) return;
            yield value;
          }
        } finally {
          end();
        }
      },
      end,
    };
  } catch (error) {
    end();
    throw error;
  }
}

/** Does `attempt` until it comes through; waits in between. @throws what it gives up with */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { signal, retry }: Pick<RequestOptions, 'signal' | 'retry'>,
  onWaiting?: (ms: number, error: LateralError) => void,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      await waitOrGiveUp(error, failures, { signal, retry }, onWaiting);
    }
  }
}

/** @throws the error itself, where the attempts are used up or the server asks for too long a wait */
export async function waitOrGiveUp(
  { error, waitMs }: TryAgain,
  failures: number,
  { signal, retry }: Pick<RequestOptions, 'signal' | 'retry'>,
  onWaiting?: (ms: number, error: LateralError) => void,
): Promise<void> {
  if (failures >= retry.attempts) throw error;
  if (waitMs !== null && waitMs > retry.maxAskedMs) {
    const minutes = Math.ceil(waitMs / 60_000);
    throw new LateralError('download-interrupted', `${error.message} It asks to wait ${minutes} minutes: go on then.`, {
      cause: error,
      details: { ...error.details, waitMs },
    });
  }
  const ms = Math.max(waitMs ?? 0, backOffMs(failures, retry));
  onWaiting?.(ms, error);
  await sleep(ms, signal);
}

/** A page of a network that wants a person to log in, or of a server that answers everything with its start page. */
export function webPageError(url: string, what: string): LateralError {
  return new LateralError(
    'model-unavailable',
    `A web page came in place of ${what}. If this network wants you to log in, do so, then go on; else check the address ${hostOf(url)}.`,
    { details: { file: what, url, reason: 'web-page' } },
  );
}

/** Whether a file that is none begins as a web page does. */
export function looksLikeWebPage(bytes: Uint8Array): boolean {
  const start = new TextDecoder().decode(bytes.subarray(0, 256)).trimStart().toLowerCase();
  return start.startsWith('<!doctype html') || start.startsWith('<html');
}

function problemOf(response: Response, url: string, what: string, retry: Required<RetryOptions>): Error | null {
  const { status, headers } = response;
  const details = { file: what, url, status };
  const host = hostOf(url);
  if (status === 200 || status === 206) {
    const page = headers.get('content-type')?.toLowerCase().startsWith('text/html') === true;
    return page && !/\.html?$/i.test(what) ? webPageError(url, what) : null;
  }
  if (status === 416) return null;
  if (status === 401 || status === 403) {
    return new LateralError(
      'download-refused',
      `${host} refuses ${what} (${status}). If the model asks for an account or for agreement to its terms, agree there, download its files with your account, and drop their folder here.`,
      { details },
    );
  }
  if (status === 404 || status === 410) {
    return new LateralError(
      'model-unavailable',
      `${host} has no ${what} (${status}). Check the model's name, its revision and the address of the hub.`,
      { details },
    );
  }
  if (status === 429 || status === 408 || status === 425 || status >= 500) {
    const why = status === 429 ? 'is asked for too much' : 'has a problem of its own';
    const waitMs = readRetryAfter(headers.get('retry-after'));
    return new TryAgain(
      new LateralError(
        'download-interrupted',
        `${host} ${why} (${status}) and did not send ${what}. What arrived is kept: go on later.`,
        { details: { ...details, attempts: retry.attempts } },
      ),
      waitMs,
    );
  }
  return new LateralError('model-unavailable', `${host} answered ${status} for ${what}.`, { details });
}

function brokenOff(
  url: string,
  what: string,
  reason: 'stalled' | 'broken',
  cause: unknown,
  stallMs: number,
): LateralError {
  const offline = platform().onLine === false;
  const host = hostOf(url);
  const happened = offline
    ? `There is no connection, so ${what} could not be loaded.`
    : reason === 'stalled'
      ? `${host} sent nothing of ${what} for ${Math.round(stallMs / 1000)} seconds.`
      : `The connection to ${host} broke, or was not permitted, while ${what} was loaded.`;
  return new LateralError('download-interrupted', `${happened} What arrived is kept: go on once it works again.`, {
    cause,
    details: { file: what, url, reason: offline ? 'offline' : reason },
  });
}

function hostOf(url: string): string {
  return new URL(url).host;
}
