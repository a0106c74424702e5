/**
 * One error class for the whole of Lateral. The code is the contract (the page chooses its words by it);
 * the message says what happened, with which value, and what to do next.
 */
export const errorCodes = [
  'aborted', // the caller's AbortSignal fired
  'invalid-argument', // a value outside the documented range
  'not-found', // no such document
  'file-empty', // no text in the file
  'file-binary', // bytes that are not text
  'file-unsupported', // a kind of file that is known, but cannot be read yet
  'file-damaged', // the right format, but not readable
  'file-locked', // asks for a password
  'file-scanned', // pictures of pages without text
  'file-too-large', // over the limit, with the limit in `details`
  'file-duplicate', // the same bytes are already in the index
  'storage-full', // quota or disk
  'storage-unavailable', // no IndexedDB here (private window, blocked), or bytes in it that the browser cannot read this time
  'storage-blocked', // another tab holds an older version open
  'storage-closed', // the connection was closed under us
  'storage-corrupt', // a checksum or a record does not fit
  'storage-newer', // written by a later version of Lateral
  'model-unavailable', // files missing or not loadable
  'model-invalid', // files load, but are not what the registry says
  'model-busy', // another tab, or another call, is at work on this model's files
  'model-mismatch', // the index was built with other settings
  'consent-required', // a licence with conditions, to which nobody has agreed yet
  'download-refused', // the hub wants an account for these files
  'reload-needed', // the content security policy lets the host through once the page was loaded again
  'host-blocked', // the content security policy does not let the host through, and loading again would not change that
  'download-interrupted', // the network gave out; what arrived is kept, and the next attempt goes on from there
  'download-damaged', // what arrived is not what the hub says it sent, more than once
  'not-finite', // the model gave infinities, or no numbers, for a text
  'self-test-failed', // numbers differ from the stored reference
  'gpu-unavailable', // no WebGPU, or no adapter
  'gpu-lost', // the device went away
  'out-of-memory',
  'worker-failed', // the worker did not load, or died
  'internal', // a bug of ours
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

export interface LateralErrorOptions {
  readonly cause?: unknown;
  /** Values for the reader's message: the file's name, a limit in bytes, … */
  readonly details?: ErrorDetails;
}

export class LateralError extends Error {
  override readonly name = 'LateralError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: LateralErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** An error as it travels between threads; plain data, so that the code survives structured clone. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly stack?: string;
  readonly cause?: string;
}

/** Any thrown value as a LateralError: ours unchanged, known platform errors by name, the rest 'internal'. */
export function toLateralError(thrown: unknown): LateralError {
  if (thrown instanceof LateralError) return thrown;
  const name = nameOf(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (name === 'AbortError') return new LateralError('aborted', 'Stopped on request.', { cause: thrown });
  if (name === 'QuotaExceededError') {
    return new LateralError(
      'storage-full',
      'This browser is out of space. Nothing was lost. Delete something, then try again.',
      { cause: thrown },
    );
  }
  if (name === 'RangeError' && /alloc|memory|array buffer/i.test(message)) {
    return new LateralError('out-of-memory', `Not enough memory: ${message}`, { cause: thrown });
  }
  return new LateralError('internal', message, { cause: thrown });
}

export function toWireError(thrown: unknown): WireError {
  const error = toLateralError(thrown);
  return {
    code: error.code,
    message: error.message,
    details: error.details,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: describe(error.cause) }),
  };
}

export function fromWireError(wire: WireError): LateralError {
  const error = new LateralError(wire.code, wire.message, {
    details: wire.details,
    ...(wire.cause === undefined ? {} : { cause: wire.cause }),
  });
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}

/** Throws 'aborted' if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new LateralError('aborted', 'Stopped on request.');
}

function nameOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null || !('name' in thrown)) return '';
  return typeof thrown.name === 'string' ? thrown.name : '';
}

function describe(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}
