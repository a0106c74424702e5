/** Turns what a person drops, picks or pastes into documents, folders read to their depths with paths kept. */
import type { AddFailure, DocumentInput } from '../../index.ts';

/** Files that a system leaves in folders and nobody means. */
const ignored = /^(\.DS_Store|Thumbs\.db|desktop\.ini|\._.*)$/i;

export function fromFiles(files: Iterable<File>): DocumentInput[] {
  return [...files]
    .filter((file) => !ignored.test(file.name))
    .map((file) => fromFile(file, folderOf(file.webkitRelativePath)));
}

export function fromText(text: string, name: string): DocumentInput {
  return { name: name.trim() === '' ? firstWords(text) : name.trim(), content: text, mediaType: 'text/plain' };
}

export interface Dropped {
  readonly inputs: readonly DocumentInput[];
  /** What the browser would not hand over: broken links, folders without permission. */
  readonly unreadable: readonly AddFailure[];
}

/** The entries must be taken before the first await: the browser empties a drop's data once its event is over. */
export async function fromDrop(data: DataTransfer): Promise<Dropped> {
  const entries = [...data.items].filter((item) => item.kind === 'file').map((item) => item.webkitGetAsEntry());
  const files = [...data.files];
  const text = data.getData('text/plain');
  const known = entries.filter((entry) => entry !== null);
  if (known.length > 0) {
    const unreadable: AddFailure[] = [];
    const inputs = await Promise.all(known.map((entry) => walk(entry, '', unreadable)));
    return { inputs: inputs.flat(), unreadable };
  }
  if (files.length > 0) return { inputs: fromFiles(files), unreadable: [] };
  return { inputs: text.trim() === '' ? [] : [fromText(text, '')], unreadable: [] };
}

/** Files below an entry. One that cannot be read is named in `unreadable`; the rest goes on. */
async function walk(entry: FileSystemEntry, path: string, unreadable: AddFailure[]): Promise<DocumentInput[]> {
  if (ignored.test(entry.name)) return [];
  const found: DocumentInput[] = [];
  try {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      return [fromFile(file, path)];
    }
    const inner = path === '' ? entry.name : `${path}/${entry.name}`;
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      // at most 100 entries come at once; an empty answer is the end
      const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (entries.length === 0) return found;
      for (const next of entries) found.push(...(await walk(next, inner, unreadable)));
    }
  } catch {
    unreadable.push({ name: entry.name, code: 'file-damaged', message: `${entry.name} could not be read.` });
    return found;
  }
}

function fromFile(file: File, path: string): DocumentInput {
  return {
    name: file.name,
    content: file,
    ...(file.type === '' ? {} : { mediaType: file.type }),
    ...(path === '' ? {} : { path }),
  };
}

const folderOf = (relativePath: string): string => relativePath.split('/').slice(0, -1).join('/');

function firstWords(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  const words = line.slice(0, 48).trim();
  return words.length < line.length ? `${words}…` : words;
}
