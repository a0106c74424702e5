/**
 * One file into the store: goes on after what is there, asks again where the connection breaks, and is done only when
 * length and digest are right. Whatever happens, what arrived stays for the next attempt, unless it is wrong.
 */
import { LateralError, throwIfAborted } from '../../errors.ts';
import { piecesOf } from '../byte-source.ts';
import { createDigest, createGitDigest, type Digest } from '../digest.ts';
import type { ByteFolder, StoredSink } from '../kept/byte-folders.ts';
import type { FileRecord } from '../kept/manifest.ts';
import {
  looksLikeWebPage,
  request,
  TryAgain,
  waitOrGiveUp,
  webPageError,
  type Exchange,
  type RequestOptions,
} from './request.ts';

export interface FileJob {
  readonly url: string;
  readonly record: FileRecord;
  readonly folder: ByteFolder;
  /** Name in the folder. */
  readonly name: string;
  /** Keeps what a server said of the file, before its bytes are kept. */
  remember(record: FileRecord): Promise<void>;
  readonly onProgress: (phase: 'checking' | 'downloading', done: number) => void;
  readonly onRetry: (inMs: number, error: LateralError) => void;
}

/** How often a file that turned out wrong is fetched from its beginning again. */
const maxRestarts = 2;
/** An attempt that came so much further than any before was not in vain. */
const worthwhileBytes = 64 * 1024;

/** @returns the record of the whole file. @throws as `request` does, 'download-damaged', 'storage-full' */
export async function downloadFile(job: FileJob, options: RequestOptions): Promise<FileRecord> {
  const { folder, name } = job;
  const present = await hashPresent(job, options.signal);
  const sink = await folder.sink(name);
  const state: FileState = { job, sink, record: job.record, digests: present.digests, restarts: 0 };
  try {
    if (present.bytes !== sink.size) await startOver(state);
    await fetchAll(state, options);
    await sink.flush();
  } finally {
    await sink.close();
  }
  const { record } = state;
  const sha256 = state.digests.sha256.hex();
  const size = await folder.size(name);
  if (size === null || size !== record.size) {
    throw new LateralError('storage-corrupt', `${record.path} was written with ${record.size} bytes and has ${size}.`);
  }
  return { ...record, sha256 };
}

interface Digests {
  readonly sha256: Digest;
  /** Where that is what is published. */
  readonly git: Digest | null;
}

interface FileState {
  readonly job: FileJob;
  readonly sink: StoredSink;
  record: FileRecord;
  /** Of the sink's bytes. */
  digests: Digests;
  restarts: number;
}

/** Whether an answer held the rest of the file, or it begins anew, which is not waited for. */
type Outcome = 'ended' | 'start-over';

async function fetchAll(state: FileState, options: RequestOptions): Promise<void> {
  const { sink, job } = state;
  let furthest = sink.size;
  for (let failures = 0; ;) {
    try {
      const outcome = sink.size === state.record.size ? 'ended' : await fetchOnce(state, options);
      if (outcome === 'ended' && isRight(state)) return;
      if (state.restarts === maxRestarts) throw damaged(state);
      await startOver(state);
      state.restarts++;
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      failures = sink.size - furthest >= worthwhileBytes ? 1 : failures + 1;
      furthest = Math.max(furthest, sink.size);
      await waitOrGiveUp(error, failures, options, job.onRetry);
      if (!canGoOn(state.record)) await startOver(state);
    }
  }
}

async function fetchOnce(state: FileState, options: RequestOptions): Promise<Outcome> {
  const { job, sink } = state;
  const { path } = state.record;
  const from = sink.size;
  const headers: Record<string, string> = from === 0 ? {} : { Range: `bytes=${from}-` };
  const exchange = await request(job.url, path, { headers }, options);
  try {
    const { status } = exchange.response;
    if (status === 416) return 'start-over';
    if (status === 206 && !continues(state, exchange.response, from)) return 'start-over';
    if (status === 200) {
      if (from > 0) await startOver(state); // the server sends all of it
      if (!(await learn(state, exchange.response))) {
        for await (const piece of exchange.pieces()) {
          refuseWebPage(state, piece);
          break;
        }
        return 'start-over';
      }
    }
    return await receive(state, exchange, options.signal);
  } finally {
    exchange.end();
  }
}

/** Writes a body to the file's end. @throws TryAgain where it ends too early, 'aborted' */
async function receive(state: FileState, exchange: Exchange, signal: AbortSignal | undefined): Promise<Outcome> {
  const { job, sink, digests } = state;
  const { size } = state.record;
  for await (const piece of exchange.pieces()) {
    throwIfAborted(signal); // what has arrived already comes piece after piece, without a wait that an abort would end
    if (sink.size === 0) refuseWebPage(state, piece);
    if (size !== null && sink.size + piece.length > size) return 'start-over';
    await sink.append(piece);
    digests.sha256.update(piece);
    digests.git?.update(piece);
    job.onProgress('downloading', sink.size);
  }
  if (size === null) state.record = { ...state.record, size: sink.size };
  else if (sink.size < size) {
    throw new TryAgain(
      new LateralError(
        'download-interrupted',
        `${state.record.path} broke off at ${sink.size} of ${size} bytes. What arrived is kept: go on later.`,
        { details: { file: state.record.path, url: job.url, reason: 'truncated', done: sink.size, size } },
      ),
    );
  }
  return 'ended';
}

function refuseWebPage({ record: { path }, job }: FileState, start: Uint8Array): void {
  if (looksLikeWebPage(start) && !/\.html?$/i.test(path)) throw webPageError(job.url, path);
}

/** Takes over what a whole answer says of the file. @returns whether that agrees with what is known */
async function learn(state: FileState, response: Response): Promise<boolean> {
  const declared = declaredLength(response);
  const { size, published } = state.record;
  if (declared !== null && declared !== size) {
    if (size !== null && published !== null) return false;
    state.record = { ...state.record, size: declared };
  }
  const validator = validatorOf(response);
  if (validator !== state.record.validator || state.record.size !== size) {
    state.record = { ...state.record, validator };
    await state.job.remember(state.record);
  }
  return true;
}

/** Whether a partial answer is the rest of what is here. */
function continues({ record }: FileState, response: Response, from: number): boolean {
  // Without a published digest only the answer's ETag or date tells that the file is still the same one.
  const validator = validatorOf(response);
  if (record.published === null && (validator === '' || validator !== record.validator)) return false;
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  if (range !== null) {
    const total = range[3] === '*' ? record.size : Number(range[3]);
    return Number(range[1]) === from && total === record.size;
  }
  // Servers elsewhere may not show that header to a page.
  const declared = declaredLength(response);
  return declared === null ? record.published !== null : from + declared === record.size;
}

function isRight({ digests, record: { published } }: FileState): boolean {
  if (published === null) return true;
  return (published.kind === 'sha256' ? digests.sha256.hex() : digests.git?.hex()) === published.hex;
}

async function startOver(state: FileState): Promise<void> {
  await state.sink.truncate(0);
  state.digests = await createDigests(state.record);
  state.job.onProgress('downloading', 0);
}

/** What is here already, if the download can go on from there, and its digests. */
async function hashPresent(
  { folder, name, record, onProgress }: FileJob,
  signal: AbortSignal | undefined,
): Promise<{ readonly digests: Digests; readonly bytes: number }> {
  const digests = await createDigests(record);
  const present = (await folder.size(name)) ?? 0;
  if (present === 0 || !canGoOn(record) || present > record.size!) return { digests, bytes: 0 };
  let bytes = 0;
  for await (const piece of piecesOf(await folder.source(name))) {
    throwIfAborted(signal);
    digests.sha256.update(piece);
    digests.git?.update(piece);
    bytes += piece.length;
    onProgress('checking', bytes);
  }
  return { digests, bytes };
}

/** Whether it could be told that the rest is of the same file as what is here. */
function canGoOn({ size, published, validator }: FileRecord): boolean {
  return size !== null && (published !== null || validator !== '');
}

async function createDigests({ size, published }: FileRecord): Promise<Digests> {
  const [sha256, git] = await Promise.all([
    createDigest('sha256'),
    published?.kind === 'git-sha1' && size !== null ? createGitDigest(size) : null,
  ]);
  return { sha256, git };
}

/** Of the bytes as they arrive here; null where a coding on the way hides it. */
function declaredLength({ headers }: Response): number | null {
  const length = headers.get('content-length');
  const encoding = headers.get('content-encoding');
  return length !== null && encoding === null && /^\d+$/.test(length) ? Number(length) : null;
}

function validatorOf({ headers }: Response): string {
  return (headers.get('etag') ?? headers.get('last-modified') ?? '').slice(0, 1_000);
}

function damaged({ record, job }: FileState): LateralError {
  return new LateralError(
    'download-damaged',
    `${record.path} arrived ${maxRestarts + 1} times and was never the file that is listed. Try again later, or from another address of the hub.`,
    { details: { file: record.path, url: job.url } },
  );
}
