/** Turns what a person drops, picks or pastes into documents, folders read to their depths with paths kept. */
import type { DocumentInput } from '../../index.ts';

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

/** The entries must be taken before the first await: the browser empties a drop's data once its event is over. */
export async function fromDrop(data: DataTransfer): Promise<DocumentInput[]> {
  const entries = [...data.items].filter((item) => item.kind === 'file').map((item) => item.webkitGetAsEntry());
  const files = [...data.files];
  const text = data.getData('text/plain');
  const known = entries.filter((entry) => entry !== null);
  if (known.length > 0) return (await Promise.all(known.map((entry) => walk(entry, '')))).flat();
  if (files.length > 0) return fromFiles(files);
  return text.trim() === '' ? [] : [fromText(text, '')];
}

async function walk(entry: FileSystemEntry, path: string): Promise<DocumentInput[]> {
  if (ignored.test(entry.name)) return [];
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [fromFile(file, path)];
  }
  const inner = path === '' ? entry.name : `${path}/${entry.name}`;
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: DocumentInput[] = [];
  for (;;) {
    // at most 100 entries come at once; an empty answer is the end
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return found;
    for (const next of entries) found.push(...(await walk(next, inner)));
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
