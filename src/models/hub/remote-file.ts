/** A part of a file on a hub: what a linear layer of a few hundred kilobytes takes out of gigabytes. */
import { LateralError } from '../../errors.ts';
import { requireWithin, type ByteSource } from '../byte-source.ts';
import { probeFile, readRepository, readTree } from './hub-api.ts';
import { requestOptions, type NetworkOptions } from './plan.ts';
import { request, TryAgain, withRetries, type RequestOptions } from './request.ts';
import { fileUrl, type RemoteSource } from './source.ts';

/**
 * @returns bytes that are asked for when they are read, of the commit that the revision means now
 * @throws 'model-unavailable' where there is no such file, or its length is not known; as `planDownload` does
 */
export async function openRemoteFile(source: RemoteSource, path: string, options: NetworkOptions): Promise<ByteSource> {
  const network = requestOptions(options);
  const pinned =
    source.kind === 'hub' ? { ...source, revision: (await readRepository(source, network)).commit } : source;
  const listed =
    pinned.kind === 'hub' ? (await readTree(pinned, network)).get(path) : await probeFile(pinned, path, network);
  const size = listed?.size ?? null;
  if (size === null) {
    const where = source.kind === 'hub' ? source.repo : source.baseUrl;
    throw new LateralError('model-unavailable', `${where} has no ${path}, or does not say how long it is.`, {
      details: { file: path },
    });
  }
  const url = fileUrl(pinned, path);
  return {
    size,
    async read(offset, length) {
      requireWithin(offset, length, size);
      return length === 0
        ? new Uint8Array(0)
        : withRetries(() => readPart(url, path, offset, length, network), network);
    },
  };
}

async function readPart(
  url: string,
  path: string,
  offset: number,
  length: number,
  network: RequestOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const range = `bytes=${offset}-${offset + length - 1}`;
  const exchange = await request(url, path, { headers: { Range: range } }, network);
  try {
    const { status, headers } = exchange.response;
    const said = headers.get('content-range');
    const isPart = status === 206 && (said === null || said.startsWith(`bytes ${offset}-${offset + length - 1}/`));
    if (!isPart) {
      throw new LateralError(
        'model-unavailable',
        `${new URL(url).host} does not send parts of a file, and ${path} is too large to be fetched whole.`,
        { details: { file: path, url, status } },
      );
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for await (const piece of exchange.pieces()) {
      if (at + piece.length > length) throw cut(url, path);
      bytes.set(piece, at);
      at += piece.length;
    }
    if (at < length) throw cut(url, path);
    return bytes;
  } finally {
    exchange.end();
  }
}

const cut = (url: string, path: string): TryAgain =>
  new TryAgain(
    new LateralError('download-interrupted', `${new URL(url).host} sent another part of ${path} than was asked for.`, {
      details: { file: path, url },
    }),
  );
