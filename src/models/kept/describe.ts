/** A model as a person sees it in a list: what is here, by the files' real sizes. */
import type { ModelSource } from '../hub/source.ts';
import type { ByteFolder } from './byte-folders.ts';
import type { DerivedRecord, FileRecord, Licence, Manifest, Wanted } from './manifest.ts';
import { nameOf } from './names.ts';

export interface StoredFile {
  readonly path: string;
  /** Bytes of the whole file; null where no server has said. */
  readonly size: number | null;
  /** Bytes that are here. */
  readonly bytes: number;
  /** 'replaced': deleted, since a derived file stands in its place. */
  readonly state: 'missing' | 'partial' | 'whole' | 'replaced';
  /** SHA-256 of a whole file. */
  readonly sha256: string | null;
  /** Whether it was compared with a digest that the hub publishes, and not by its length alone. */
  readonly verified: boolean;
}

export interface StoredDerived extends Omit<DerivedRecord, 'replaces'> {
  readonly bytes: number;
  readonly state: 'missing' | 'whole';
}

export interface StoredModel {
  readonly key: string;
  /** With the commit, not the branch. */
  readonly source: ModelSource;
  /** The revision that was asked for; '' where there are none. */
  readonly requested: string;
  readonly licence: Licence | null;
  /** Milliseconds since the epoch. */
  readonly addedAt: number;
  readonly lastUsedAt: number;
  readonly files: readonly StoredFile[];
  readonly derived: readonly StoredDerived[];
  /** What is to be made of the files, as it was asked for. */
  readonly wanted: Wanted;
  /** Bytes on disk, partial files too. */
  readonly bytes: number;
  /** Whether every file is whole, or replaced. */
  readonly complete: boolean;
}

export async function describeModel(folder: ByteFolder, manifest: Manifest): Promise<StoredModel> {
  const listed = await folder.list();
  const sizes = new Map(listed.map(({ name, size }) => [name, size]));
  const bytesOf = (path: string): number => sizes.get(nameOf(path)) ?? 0;
  const derived = manifest.derived.map(({ path, kind, options, size, sha256, madeAt }): StoredDerived => {
    const file = { path, kind, options, size, sha256, madeAt };
    const bytes = bytesOf(file.path);
    return { ...file, bytes, state: isWhole(file, sizes.get(nameOf(file.path)) ?? null) ? 'whole' : 'missing' };
  });
  const replaced = new Set(
    manifest.derived.flatMap(({ replaces }, i) => (derived[i]?.state === 'whole' ? replaces : [])),
  );
  const files = manifest.files.map((file): StoredFile => {
    const bytes = bytesOf(file.path);
    const whole = isWhole(file, sizes.get(nameOf(file.path)) ?? null);
    const state = whole ? 'whole' : bytes > 0 ? 'partial' : replaced.has(file.path) ? 'replaced' : 'missing';
    return { path: file.path, size: file.size, bytes, state, sha256: file.sha256, verified: file.published !== null };
  });
  return {
    key: manifest.key,
    source: manifest.source,
    requested: manifest.requested,
    licence: manifest.licence,
    addedAt: manifest.addedAt,
    lastUsedAt: manifest.lastUsedAt,
    files,
    derived,
    wanted: manifest.wanted ?? {},
    bytes: listed.reduce((sum, { size }) => sum + size, 0),
    complete: files.every(({ state }) => state === 'whole' || state === 'replaced'),
  };
}

/** @param bytes of the real file, or null where there is none */
export function isWhole(file: Pick<FileRecord, 'size' | 'sha256'>, bytes: number | null): boolean {
  return file.sha256 !== null && bytes !== null && bytes === file.size;
}
