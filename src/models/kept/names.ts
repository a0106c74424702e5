/** What models, their folders and their files are called in the store. */
import { digestOfText } from '../digest.ts';
import { checkPath, type ModelSource } from '../hub/source.ts';

/**
 * One key per model and commit: two revisions of a model are two models. So are two imports of one name.
 * @param addedAt of an import, when it began
 */
export function modelKey(source: ModelSource, addedAt = 0): string {
  switch (source.kind) {
    case 'hub':
      return `${source.repo}@${source.revision}`;
    case 'path':
      return `path:${source.baseUrl}`;
    case 'folder':
      return `folder:${source.name}@${addedAt}`;
  }
}

/** Flat, and never the name of a manifest. */
export function nameOf(path: string): string {
  return `f-${encodeURIComponent(checkPath(path))}`;
}

/** Readable, and apart where file systems do not tell upper from lower case. */
export async function folderName(key: string): Promise<string> {
  return `${key.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 60)}-${(await digestOfText(key)).slice(0, 16)}`;
}
