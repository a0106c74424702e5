/** Where a model comes from: a hub or a mirror of one, a path of plain files, or a folder that a person dropped. */
import { LateralError } from '../../errors.ts';

export const defaultEndpoint = 'https://huggingface.co';

/** A repository of a hub. */
export interface HubSource {
  readonly kind: 'hub';
  /** The hub or a mirror that answers as it does; no `/` at the end. */
  readonly endpoint: string;
  /** `owner/name` */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** Plain files in the hub's layout below a URL, without its API: nothing is published about them. */
export interface PathSource {
  readonly kind: 'path';
  /** Ends with `/`. */
  readonly baseUrl: string;
}

/** Files that a person has on their disk. */
export interface FolderSource {
  readonly kind: 'folder';
  readonly name: string;
}

export type ModelSource = HubSource | PathSource | FolderSource;
export type RemoteSource = HubSource | PathSource;

/** @throws 'invalid-argument' for a repository, revision or endpoint that cannot be one */
export function hubSource(repo: string, revision = 'main', endpoint = defaultEndpoint): HubSource {
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(repo)) {
    throw new LateralError('invalid-argument', `"${repo}" is not a repository: those are written owner/name.`);
  }
  if (!/^[\w-][\w./-]*$/.test(revision) || revision.includes('..')) {
    throw new LateralError('invalid-argument', `"${revision}" is not a branch, a tag or a commit.`);
  }
  return { kind: 'hub', endpoint: checkEndpoint(endpoint), repo, revision };
}

/**
 * @param path a URL, or a path below `origin`
 * @throws 'invalid-argument'
 */
export function pathSource(path: string, origin?: string): PathSource {
  return { kind: 'path', baseUrl: `${checkBase(path, 'path for models', origin)}/` };
}

/** As a person types it, with or without `/` at the end. @returns without. @throws 'invalid-argument' */
export function checkEndpoint(endpoint: string): string {
  return checkBase(endpoint.trim(), 'address of a hub');
}

/** Where a file of the source is. @param path in the source, with `/` */
export function fileUrl(source: RemoteSource, path: string): string {
  const encoded = checkPath(path).split('/').map(encodeURIComponent).join('/');
  if (source.kind === 'path') return source.baseUrl + encoded;
  return `${source.endpoint}/${source.repo}/resolve/${encodeURIComponent(source.revision)}/${encoded}`;
}

/**
 * What `connect-src` has to permit before this source is asked for anything. The hub sends large files from hosts of its own,
 * to which mirrors send on as well.
 */
export function connectSources(source: RemoteSource): readonly string[] {
  if (source.kind === 'path') return [new URL(source.baseUrl).origin];
  return [...new Set([new URL(source.endpoint).origin, 'https://*.hf.co', 'https://cdn-lfs.huggingface.co'])];
}

/** @returns the path. @throws 'invalid-argument' for one that leads out of its folder, or that no store could hold */
export function checkPath(path: string): string {
  const parts = path.split('/');
  const odd = (part: string): boolean => part === '' || part === '.' || part === '..';
  if (parts.some(odd) || /[\\\u0000-\u001f\u007f]/.test(path) || encodeURIComponent(path).length > 200) {
    throw new LateralError('invalid-argument', `"${path.slice(0, 100)}" cannot be the path of a model's file.`);
  }
  return path;
}

const localHosts = ['localhost', '127.0.0.1', '[::1]'];

function checkBase(text: string, what: string, origin?: string): string {
  let url: URL;
  try {
    url = new URL(text, origin);
  } catch (cause) {
    throw new LateralError('invalid-argument', `"${text}" is not an ${what}: write it as https://….`, { cause });
  }
  const own = origin !== undefined && url.origin === new URL(origin).origin;
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && (own || localHosts.includes(url.hostname)));
  if (!secure) {
    throw new LateralError('invalid-argument', `"${text}" must begin with https:// (http:// only on this machine).`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new LateralError('invalid-argument', `"${text}" must be an address alone, without a name, "?" or "#".`);
  }
  return url.href.replace(/\/+$/, '');
}
