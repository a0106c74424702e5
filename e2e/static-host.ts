/** The plainest static host: a folder below a sub-path, types by ending, ETags, and no header that Lateral would like. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

export class StaticHost {
  /** What is served; another folder is another deployment. */
  folder: string;
  readonly basePath = '/some/folder/';
  readonly extraHeaders: OutgoingHttpHeaders;
  /** Every request that arrived: path below the folder, status, bytes sent. */
  readonly log: { readonly path: string; readonly status: number; readonly bytes: number }[] = [];
  /** Changes an answer on its way, to play a bad server. */
  alter: (path: string, answer: Answer) => Answer = (_, answer) => answer;
  /** Keeps an answer back until it resolves. */
  before: (path: string) => Promise<void> = () => Promise.resolve();
  #server: Server | null = null;
  #port = 0;

  constructor(folder: string, extraHeaders: OutgoingHttpHeaders = {}) {
    this.folder = folder;
    this.extraHeaders = extraHeaders;
  }

  get url(): string {
    return `http://localhost:${this.#port}${this.basePath}`;
  }

  async start(): Promise<void> {
    const answerTo = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const path = pathname.startsWith(this.basePath) ? pathname.slice(this.basePath.length) || 'index.html' : null;
      await this.before(path ?? pathname);
      let answer = path === null ? notFound : this.alter(path, this.#read(path));
      if (answer.status === 200 && request.headers['if-none-match'] === answer.headers.etag) {
        answer = { status: 304, headers: answer.headers, body: Buffer.alloc(0) };
      }
      this.log.push({ path: path ?? pathname, status: answer.status, bytes: answer.body.length });
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    };
    const server = createServer((request, response) => void answerTo(request, response));
    await new Promise<void>((resolve) => server.listen(this.#port, resolve));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** The network is gone: open connections too. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }

  #read(path: string): Answer {
    const file = join(this.folder, decodeURIComponent(path));
    if (!existsSync(file) || !statSync(file).isFile()) return notFound;
    const body = readFileSync(file);
    const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
    const type = types[extname(file)] ?? 'application/octet-stream';
    return { status: 200, headers: { 'content-type': type, etag, ...this.extraHeaders }, body };
  }
}

const notFound: Answer = {
  status: 404,
  headers: { 'content-type': 'text/html' },
  body: Buffer.from('<!doctype html><title>Not found</title>'),
};
