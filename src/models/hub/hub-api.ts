/**
 * What a hub publishes of a repository: its commit, its licence, and each file's size and digest. Read from the API, since
 * the headers that carry them with a file (`x-linked-etag`, `x-repo-commit`) are on an answer that redirects, which a page
 * cannot see.
 */
import * as v from 'valibot';
import { LateralError } from '../../errors.ts';
import type { FileRecord, Licence } from '../kept/manifest.ts';
import { request, withRetries, webPageError, looksLikeWebPage, type RequestOptions } from './request.ts';
import { fileUrl, type HubSource, type PathSource } from './source.ts';

export interface Repository {
  /** The commit that the revision means now. */
  readonly commit: string;
  /** Whether the hub sends files only to accounts that agreed to terms. */
  readonly gated: boolean;
  readonly licence: Licence;
}

export type ListedFile = Pick<FileRecord, 'path' | 'size' | 'published'> & {
  /** ETag or date of a plain server's file, where it says one. */
  readonly validator?: string;
};

const sha = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/));
const optionalText = v.fallback(v.optional(v.nullable(v.string())), null);

const repositorySchema = v.object({
  sha,
  gated: v.fallback(v.optional(v.union([v.boolean(), v.string()])), false),
  cardData: v.fallback(
    v.optional(
      v.nullable(
        v.object({
          license: v.fallback(v.optional(v.union([v.string(), v.array(v.string())])), undefined),
          license_name: optionalText,
          license_link: optionalText,
        }),
      ),
    ),
    null,
  ),
  tags: v.fallback(v.optional(v.array(v.string())), []),
});

const entrySchema = v.object({
  type: v.string(),
  path: v.string(),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  oid: v.string(),
  lfs: v.optional(
    v.nullable(
      v.object({
        oid: v.pipe(v.string(), v.regex(/^(sha256:)?[0-9a-f]{64}$/)),
        size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      }),
    ),
  ),
});
const treeSchema = v.array(entrySchema);

/** @throws as `request` does, 'model-unavailable' for an answer that is not a hub's */
export async function readRepository(source: HubSource, options: RequestOptions): Promise<Repository> {
  const url = `${source.endpoint}/api/models/${source.repo}/revision/${encodeURIComponent(source.revision)}`;
  const { json } = await getJson(url, `the model ${source.repo}`, options);
  const { sha: commit, gated, cardData, tags } = parse(repositorySchema, json, url);
  return {
    commit,
    gated: gated !== undefined && gated !== false && gated !== 'false',
    licence: licenceOf(source, cardData ?? {}, tags ?? []),
  };
}

/** All files of the source's revision, which should be a commit. @throws as `readRepository` does */
export async function readTree(source: HubSource, options: RequestOptions): Promise<ReadonlyMap<string, ListedFile>> {
  const base = `${source.endpoint}/api/models/${source.repo}/tree/${encodeURIComponent(source.revision)}?recursive=true`;
  const files = new Map<string, ListedFile>();
  let cursor: string | null = null;
  for (let page = 0; page < 100; page++) {
    const url: string = cursor === null ? base : `${base}&cursor=${encodeURIComponent(cursor)}`;
    const { json, link } = await getJson(url, `the list of files of ${source.repo}`, options);
    for (const entry of parse(treeSchema, json, url)) {
      if (entry.type === 'file') files.set(entry.path, toFile(entry));
    }
    // Only the cursor is taken: a mirror may name the hub's own address here.
    cursor = nextCursor(link, base);
    if (cursor === null) return files;
  }
  throw new LateralError('model-unavailable', `${source.repo} has too many files to be a model.`);
}

/**
 * What a plain server says of a file: its length, where it says so to HEAD.
 * @returns null where there is no such file. @throws as `request` does
 */
export async function probeFile(source: PathSource, path: string, options: RequestOptions): Promise<ListedFile | null> {
  const url = fileUrl(source, path);
  try {
    const exchange = await withRetries(() => request(url, path, { method: 'HEAD' }, options), options);
    exchange.end();
    const { response } = exchange;
    const length = response.headers.get('content-length');
    const encoded = response.headers.get('content-encoding');
    const size = length === null || encoded !== null || !/^\d+$/.test(length) ? null : Number(length);
    const validator = response.headers.get('etag') ?? response.headers.get('last-modified') ?? '';
    return { path, size, published: null, validator };
  } catch (error) {
    if (error instanceof LateralError && error.code === 'model-unavailable') {
      const { status } = error.details;
      if (status === 404 || status === 410) return null;
      if (status === 405 || status === 501) return { path, size: null, published: null };
    }
    throw error;
  }
}

const nonCommercial = /(^|-)(nc|noncommercial|non-commercial|research)(-|$)/;
const free =
  /^(apache-2\.0|mit|mit-0|bsd(-[23]-clause.*)?|isc|cc0-1\.0|cc-by-4\.0|unlicense|zlib|artistic-2\.0|mpl-2\.0)$/;

/** Whether consent has to be asked for: for all but licences that permit any use. An unknown one may have conditions. */
export function hasConditions(licence: string): boolean {
  return nonCommercial.test(licence.toLowerCase()) || !free.test(licence.toLowerCase());
}

function licenceOf(
  source: HubSource,
  card: NonNullable<v.InferOutput<typeof repositorySchema>['cardData']>,
  tags: readonly string[],
): Licence {
  const tag = tags.find((text) => text.startsWith('license:'))?.slice('license:'.length);
  const said = (Array.isArray(card.license) ? card.license.join(', ') : card.license) ?? tag ?? '';
  const id = (said === 'other' ? (card.license_name ?? said) : said).toLowerCase().slice(0, 200);
  const link = card.license_link ?? '';
  const url = link.startsWith('https://') ? link : `${source.endpoint}/${source.repo}`;
  return { id, url: url.slice(0, 1_000), conditions: hasConditions(id) };
}

function toFile({ path, size, oid, lfs }: v.InferOutput<typeof entrySchema>): ListedFile {
  if (lfs !== undefined && lfs !== null) {
    return { path, size: lfs.size, published: { kind: 'sha256', hex: lfs.oid.replace('sha256:', '') } };
  }
  return { path, size, published: /^[0-9a-f]{40}$/.test(oid) ? { kind: 'git-sha1', hex: oid } : null };
}

function nextCursor(link: string | null, base: string): string | null {
  const next = /<([^>]+)>\s*;\s*rel="next"/.exec(link ?? '')?.[1];
  return next === undefined ? null : new URL(next, base).searchParams.get('cursor');
}

const maxJsonBytes = 16 * 2 ** 20;

async function getJson(
  url: string,
  what: string,
  options: RequestOptions,
): Promise<{ json: unknown; link: string | null }> {
  return withRetries(async () => {
    const exchange = await request(url, what, {}, options);
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const piece of exchange.pieces()) {
      parts.push(piece);
      size += piece.length;
      if (size > maxJsonBytes) throw notAHub(url, 'more than can be');
    }
    const text = await new Blob(parts as BlobPart[]).text();
    if (looksLikeWebPage(new TextEncoder().encode(text.slice(0, 256)))) throw webPageError(url, what);
    try {
      return { json: JSON.parse(text) as unknown, link: exchange.response.headers.get('link') };
    } catch (cause) {
      throw notAHub(url, 'no JSON', cause);
    }
  }, options);
}

function parse<Schema extends v.GenericSchema>(schema: Schema, json: unknown, url: string): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw notAHub(url, `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
}

function notAHub(url: string, what: string, cause?: unknown): LateralError {
  return new LateralError(
    'model-unavailable',
    `${new URL(url).host} does not answer as a hub does (${what}). Check the address of the hub.`,
    { details: { url, reason: 'not-a-hub' }, ...(cause === undefined ? {} : { cause }) },
  );
}
