/** Fetches files of a version into the cache: only whole ones, and never a web page in place of something else. */
import { type Build, type BuildFile, pageUrl } from './build-files.ts';
import type { StallReason } from './messages.ts';

/** What arrived is not the file that was asked for. */
export class DamagedError extends Error {}

export type OnBytes = (bytes: number) => void;

/** @throws DamagedError, TypeError without a network, DOMException 'QuotaExceededError' */
export async function download(cache: Cache, build: Build, file: BuildFile, onBytes: OnBytes): Promise<void> {
  // What has a hash in its name may come from the HTTP cache as it is; the rest is asked for, and not sent again if the same.
  const cacheMode = file.revision === null ? 'default' : 'no-cache';
  const response = await fetch(file.href, { cache: cacheMode, credentials: 'same-origin' });
  await keep(cache, build, file, response, onBytes);
}

/** Puts a response into the cache if it is that file, whole. The body streams through. @throws as `download` */
export async function keep(
  cache: Cache,
  build: Build,
  file: BuildFile,
  response: Response,
  onBytes: OnBytes,
): Promise<void> {
  const type = response.headers.get('content-type') ?? '';
  if (response.status !== 200 || response.body === null) {
    throw new DamagedError(`${file.url}: the server answered ${response.status}.`);
  }
  if (file.url === pageUrl) {
    const html = await response.text();
    // Hosts may add to a page; it is ours, and of this version, if it starts a script of this version.
    const scripts = [...build.files.keys()].filter((url) => url.startsWith('assets/') && url.endsWith('.js'));
    if (!scripts.some((url) => html.includes(url))) throw new DamagedError('The start page is of another version.');
    await cache.put(file.key, new Response(html, { headers: keptHeaders(response, null) }));
    onBytes(file.bytes);
    return;
  }
  if (type.includes('text/html')) throw new DamagedError(`${file.url}: the server sent a web page in its place.`);

  const failures: DamagedError[] = [];
  let received = 0;
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(part, controller) {
        received += part.byteLength;
        onBytes(part.byteLength);
        controller.enqueue(part);
      },
      flush(controller) {
        if (received === file.bytes) return;
        failures.push(new DamagedError(`${file.url}: ${received} of ${file.bytes} bytes arrived.`));
        controller.error(failures[0]); // the cache keeps nothing of a body that fails
      },
    }),
  );
  try {
    await cache.put(file.key, new Response(counted, { headers: keptHeaders(response, file.bytes) }));
  } catch (error) {
    onBytes(-received);
    throw failures[0] ?? error;
  }
}

/** As the server set them, but for what told of the transfer: the body is kept decoded. */
function keptHeaders(response: Response, bytes: number | null): Headers {
  const headers = new Headers(response.headers);
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding', 'vary']) headers.delete(name);
  if (bytes !== null) headers.set('content-length', String(bytes));
  return headers;
}

/** Those that are not in the cache with their right length. */
export async function missingFiles(cache: Cache, files: readonly BuildFile[]): Promise<BuildFile[]> {
  const present = await Promise.all(
    files.map(async (file) => {
      const kept = await cache.match(file.key);
      return kept !== undefined && (file.url === pageUrl || kept.headers.get('content-length') === String(file.bytes));
    }),
  );
  return files.filter((_, i) => !present[i]);
}

const parallelDownloads = 4;

/** Downloads all, a few at a time. Stops at the first failure; what was kept until then stays. @throws as `download` */
export async function downloadAll(
  cache: Cache,
  build: Build,
  files: readonly BuildFile[],
  onBytes: OnBytes,
): Promise<void> {
  const rest = files[Symbol.iterator]();
  let failed = false;
  const work = async (): Promise<void> => {
    for (const file of rest) {
      if (failed) return;
      try {
        await download(cache, build, file, onBytes);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: parallelDownloads }, work);
  await Promise.allSettled(workers);
  await Promise.all(workers);
}

export function stallReason(error: unknown): StallReason {
  if (error instanceof DamagedError) return 'damaged';
  return error instanceof DOMException && error.name === 'QuotaExceededError' ? 'space' : 'network';
}
