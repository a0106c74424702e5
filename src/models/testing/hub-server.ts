/**
 * A hub on this machine: its API, redirects to another path for large files, ranges and ETags; and whatever goes wrong with
 * real ones, on demand. Below /plain/ it is a server of plain files instead, which publishes nothing.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';

export type Fault =
  /** The body ends after this share of the bytes, and the headers say that this is all. */
  | { readonly kind: 'truncate'; readonly at: number }
  /** The connection breaks after this share. */
  | { readonly kind: 'drop'; readonly at: number }
  /** Nothing more comes after this share, and the connection stays. */
  | { readonly kind: 'stall'; readonly at: number }
  /** One bit of the byte at this share is another. */
  | { readonly kind: 'flip'; readonly at: number }
  /** More bytes come than the file has. */
  | { readonly kind: 'longer' }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** A web page, with status 200. @param typed whether its Content-Type says so */
  | { readonly kind: 'html'; readonly typed: boolean }
  /** All of it, whatever part was asked for. */
  | { readonly kind: 'no-range' }
  /** A part, but not the one that was asked for. */
  | { readonly kind: 'wrong-range' };

export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | null;
  readonly status: number;
  /** Of the body. */
  readonly bytes: number;
}

export interface HubServerOptions {
  readonly repo?: string;
  readonly licence?: string;
  readonly gated?: 'auto' | false;
  /** Files an answer of the list holds at most, before it names a next page. */
  readonly pageSize?: number;
  /** Files from this size on are in LFS: their SHA-256 is published, and they come from another path. Default 1,000. */
  readonly lfsBytes?: number;
  /** Whether answers have an ETag. */
  readonly etags?: boolean;
  /** Whether answers say how long they are. */
  readonly lengths?: boolean;
  /** Large files come from the same server by another name of this machine, thus from another origin: 'localhost'. */
  readonly cdnHost?: string | null;
}

export type Files = Readonly<Record<string, Uint8Array>>;

export class HubServer {
  readonly repo: string;
  /** All requests so far, in order; faults and redirects too. */
  readonly log: LoggedRequest[] = [];
  private readonly commits = new Map<string, Files>();
  /** The newest commit of each repository. */
  private readonly main = new Map<string, string>();
  private readonly faults = new Map<string, Fault[]>();
  private readonly options: Required<HubServerOptions>;
  private readonly server = createServer((request, response) => {
    void this.answer(request, response).catch(() => response.destroy());
  });

  constructor(files: Files, options: HubServerOptions = {}) {
    this.options = {
      ...{ repo: 'maker/model', licence: 'apache-2.0', gated: false, pageSize: 100, lfsBytes: 1_000 },
      ...{ etags: true, lengths: true, cdnHost: null },
      ...options,
    };
    this.repo = this.options.repo;
    this.publish(files);
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Where large files come from, if not from the same origin. */
  get cdnEndpoint(): string | null {
    const { cdnHost } = this.options;
    return cdnHost === null ? null : this.endpoint.replace('127.0.0.1', cdnHost);
  }

  /** What a plain server of one's own would be. */
  get plainUrl(): string {
    return `${this.endpoint}/plain/`;
  }

  /** A new commit, which `main` is from now on; of another repository too. @returns it */
  publish(files: Files, repo = this.repo): string {
    const hash = createHash('sha1').update(repo);
    for (const [path, bytes] of Object.entries(files)) hash.update(path).update(sha256(bytes));
    const commit = hash.digest('hex');
    this.main.set(repo, commit);
    this.commits.set(commit, files);
    return commit;
  }

  /** What goes wrong with the next requests of `path`: a file's, 'revision' or 'tree' of the API. One fault a request, in order. */
  fail(path: string, ...faults: readonly Fault[]): void {
    this.faults.set(path, [...(this.faults.get(path) ?? []), ...faults]);
  }

  /** Requests of a file's bytes, without redirects. */
  requestsOf(path: string): readonly LoggedRequest[] {
    return this.log.filter((entry) => entry.path.endsWith(`/${path}`) && entry.status !== 302);
  }

  bytesSent(path: string): number {
    return this.requestsOf(path).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.endpoint);
    const path = decodeURIComponent(url.pathname);
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Expose-Headers', 'ETag, Link, Content-Range, Accept-Ranges');
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(path);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const cdn = /^\/cdn\/([0-9a-f]{40})\/(.+)$/.exec(path);
    const plain = /^\/plain\/(.+)$/.exec(path);
    if (api !== null) {
      const commit = this.commitOf(api[1]!, api[3]!);
      return this.answerApi(request, response, url, { repo: api[1]!, kind: api[2] as 'revision' | 'tree', commit });
    }
    if (resolve !== null) {
      const commit = this.commitOf(resolve[1]!, resolve[2]!);
      const name = resolve[3]!;
      const bytes = this.commits.get(commit)?.[name];
      if (bytes !== undefined && bytes.length >= this.options.lfsBytes) {
        // A page never sees these headers: fetch follows the redirect.
        this.end(request, response, 302, '', {
          Location: `${this.cdnEndpoint ?? ''}/cdn/${commit}/${encodeURIComponent(name)}`,
          'X-Linked-Size': String(bytes.length),
          'X-Linked-ETag': `"${sha256(bytes)}"`,
          'X-Repo-Commit': commit,
        });
        return;
      }
      return this.send(request, response, name, bytes);
    }
    if (cdn !== null) return this.send(request, response, cdn[2]!, this.commits.get(cdn[1]!)?.[cdn[2]!]);
    if (plain !== null)
      return this.send(request, response, plain[1]!, this.commits.get(this.commitOf(this.repo, 'main'))?.[plain[1]!]);
    this.end(request, response, 404, 'Not found');
  }

  private async answerApi(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    { repo, kind, commit }: { readonly repo: string; readonly kind: 'revision' | 'tree'; readonly commit: string },
  ): Promise<void> {
    const files = this.commits.get(commit);
    if (files === undefined) {
      this.end(request, response, 404, '{"error":"Invalid rev id"}');
      return;
    }
    const json = { 'Content-Type': 'application/json' };
    let body: string;
    if (kind === 'revision') {
      const { licence, gated } = this.options;
      body = JSON.stringify({ id: repo, sha: commit, gated, cardData: { license: licence }, tags: [] });
    } else {
      const from = Number(url.searchParams.get('cursor') ?? '0');
      const entries = Object.entries(files);
      const next = from + this.options.pageSize;
      if (next < entries.length) {
        // As a mirror does that passes on the hub's own address.
        response.setHeader('Link', `<https://hub.example/tree?recursive=true&cursor=${next}>; rel="next"`);
      }
      body = JSON.stringify([
        { type: 'directory', path: 'onnx', size: 0, oid: '0'.repeat(40) },
        ...entries.slice(from, next).map(([path, bytes]) => this.entryOf(path, bytes)),
      ]);
    }
    return this.deliver(request, response, kind, new TextEncoder().encode(body), json);
  }

  private entryOf(path: string, bytes: Uint8Array): object {
    const entry = { type: 'file', path, size: bytes.length };
    // Of a file in LFS the list has the pointer's digest, which nobody can compare with anything.
    return bytes.length < this.options.lfsBytes
      ? { ...entry, oid: gitSha1(bytes) }
      : { ...entry, oid: '0'.repeat(40), lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } };
  }

  private async send(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    bytes: Uint8Array | undefined,
  ): Promise<void> {
    if (bytes === undefined) {
      this.end(request, response, 404, 'Entry not found');
      return;
    }
    const etag: Record<string, string> = this.options.etags ? { ETag: `"${sha256(bytes)}"` } : {};
    return this.deliver(request, response, path, bytes, { 'Content-Type': 'application/octet-stream', ...etag });
  }

  /** With ranges, and with the fault that is next for `path`. */
  private async deliver(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    whole: Uint8Array,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const fault = this.faults.get(path)?.shift() ?? null;
    if (fault?.kind === 'status') {
      this.end(request, response, fault.status, 'Something is wrong.', fault.headers ?? {});
      return;
    }
    if (fault?.kind === 'html') {
      const type = fault.typed ? 'text/html; charset=utf-8' : 'application/octet-stream';
      const page = '<!DOCTYPE html><title>Log in</title>';
      this.end(request, response, 200, page, {
        'Content-Type': type,
        'Content-Length': String(page.length),
      });
      return;
    }
    const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    let from = asked === null || fault?.kind === 'no-range' ? 0 : Number(asked[1]);
    const status = asked === null || fault?.kind === 'no-range' ? 200 : 206;
    if (status === 206 && from >= whole.length) {
      this.end(request, response, 416, '', { 'Content-Range': `bytes */${whole.length}` });
      return;
    }
    if (fault?.kind === 'wrong-range' && status === 206) from = Math.max(0, from - 1);
    const last = status === 206 && asked?.[2] ? Math.min(Number(asked[2]), whole.length - 1) : whole.length - 1;
    let body: Uint8Array = whole.subarray(from, last + 1);
    if (fault?.kind === 'flip' && body.length > 0) {
      body = body.slice();
      const at = Math.min(body.length - 1, Math.floor(fault.at * body.length));
      body[at] = body[at]! ^ 4;
    }
    if (fault?.kind === 'truncate') body = body.subarray(0, Math.floor(fault.at * body.length));
    if (fault?.kind === 'longer') body = Buffer.concat([body, Buffer.from('and more')]);
    if (status === 206) {
      headers = { ...headers, 'Content-Range': `bytes ${from}-${last}/${whole.length}` };
    }
    if (this.options.lengths) headers = { ...headers, 'Content-Length': String(body.length) };
    const breaks = fault?.kind === 'drop' || fault?.kind === 'stall';
    if (!breaks || request.method === 'HEAD') {
      this.end(request, response, status, body, headers);
      return;
    }

    const sent = body.subarray(0, Math.floor(fault.at * body.length));
    this.record(request, status, sent.length);
    response.writeHead(status, headers);
    response.flushHeaders();
    if (sent.length > 0) await new Promise((resolve) => response.write(sent, resolve));
    if (fault.kind === 'stall') return;
    await wait(50); // a body that breaks drops what nobody has read of it yet
    response.destroy();
  }

  private end(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    body: string | Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    this.record(request, status, request.method === 'HEAD' ? 0 : body.length);
    response.writeHead(status, headers);
    if (request.method === 'HEAD') response.end();
    else if (typeof body === 'string') response.end(body);
    else Readable.from(piecesOf(body)).pipe(response);
  }

  private record(request: IncomingMessage, status: number, bytes: number): void {
    const path = decodeURIComponent((request.url ?? '').split('?')[0]!);
    this.log.push({ method: request.method ?? '', path, range: request.headers.range ?? null, status, bytes });
  }

  private commitOf(repo: string, revision: string): string {
    return revision === 'main' ? (this.main.get(repo) ?? '') : revision;
  }
}

const digests = new WeakMap<Uint8Array, string>();

/** Of each array worked out once: a file may be of gigabytes. */
export function sha256(bytes: Uint8Array): string {
  let digest = digests.get(bytes);
  if (digest === undefined) {
    const hash = createHash('sha256');
    for (const piece of piecesOf(bytes)) hash.update(piece);
    digests.set(bytes, (digest = hash.digest('hex')));
  }
  return digest;
}

export function gitSha1(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

/** Node neither digests nor sends 2 GiB at once. */
function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  const size = 2 ** 24;
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

/** Bytes that follow from the seed; no two files of a test are alike. */
export function someBytes(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
