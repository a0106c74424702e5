/** When to ask again: exponential back-off with jitter, or what the server asks for. */
import { LateralError } from '../../errors.ts';

export interface RetryOptions {
  /** Attempts in a row that bring nothing before it is given up. Default 6. */
  readonly attempts?: number;
  /** The first wait; doubled each time. Default 1,000 ms. */
  readonly baseMs?: number;
  /** The longest wait of our own choice. Default 60,000 ms. */
  readonly maxMs?: number;
  /** The longest wait that a server may ask for (`Retry-After`). Default 300,000 ms. */
  readonly maxAskedMs?: number;
  /** A request that brings no byte for so long is ended. Default 30,000 ms. */
  readonly stallMs?: number;
  /** 0 ≤ x < 1 */
  readonly random?: () => number;
}

export const defaultRetry: Required<RetryOptions> = {
  attempts: 6,
  baseMs: 1_000,
  maxMs: 60_000,
  maxAskedMs: 300_000,
  stallMs: 30_000,
  random: Math.random,
};

/**
 * A wait before attempt `failures + 1`: half of it fixed, half by chance, so that many tabs do not come back at once.
 * @param failures in a row so far, from 1
 */
export function backOffMs(failures: number, { baseMs, maxMs, random }: Required<RetryOptions>): number {
  const full = Math.min(maxMs, baseMs * 2 ** (failures - 1));
  return full / 2 + (full / 2) * random();
}

/** `Retry-After`: seconds, or a date. @returns milliseconds from now, or null where there is none that can be read */
export function readRetryAfter(header: string | null, now: number = Date.now()): number | null {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/** @throws 'aborted' */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new LateralError('aborted', 'Stopped on request.'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
