/**
 * What is known of a model's files: one record a model, in two slots that are written in turn. A crash while one is written
 * leaves the other, so that nothing has to be renamed, which not every browser's private file system can do.
 */
import * as v from 'valibot';
import { crc32c } from '../../store/checksum.ts';
import type { ByteFolder } from './byte-folders.ts';
import { nameOf } from './names.ts';

const text = v.pipe(v.string(), v.maxLength(2_000));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{40,64}$/));

const sourceSchema = v.variant('kind', [
  v.object({ kind: v.literal('hub'), endpoint: text, repo: text, revision: text }),
  v.object({ kind: v.literal('path'), baseUrl: text }),
  v.object({ kind: v.literal('folder'), name: text }),
]);

const licenceSchema = v.object({
  /** As the hub names it, lower-case: 'cc-by-nc-4.0'; '' where it does not. */
  id: text,
  /** Where its text is, or ''. */
  url: text,
  /** Whether consent has to be asked for. */
  conditions: v.boolean(),
});

const fileSchema = v.object({
  /** In the repository, with `/`. */
  path: text,
  /** Bytes; null until a server has said. */
  size: v.nullable(count),
  /** What the hub publishes: of LFS files their SHA-256, of others what Git calls them. Null where nothing is. */
  published: v.nullable(v.object({ kind: v.picklist(['sha256', 'git-sha1']), hex })),
  /** ETag or date of the answer that a partial file is of; '' where there was none. */
  validator: text,
  /** SHA-256 of the whole file; null until it is whole. */
  sha256: v.nullable(hex),
});

const derivedSchema = v.object({
  path: text,
  /** What made it: 'q4-onnx', … */
  kind: text,
  options: v.record(text, v.union([text, v.number(), v.boolean()])),
  /** Paths of downloads that are not needed any more once this is there. */
  replaces: v.array(text),
  size: count,
  sha256: hex,
  /** Milliseconds since the epoch. */
  madeAt: count,
});

const manifestSchema = v.object({
  format: v.literal(1),
  /** Which was written last. */
  sequence: count,
  key: text,
  /** With the commit in place of a branch. */
  source: sourceSchema,
  /** The revision that was asked for: a branch, or the commit itself; '' where there are none. */
  requested: text,
  licence: v.nullable(licenceSchema),
  /** When a person agreed to the licence's conditions, in milliseconds since the epoch; null where none were asked for. */
  consentedAt: v.nullable(count),
  addedAt: count,
  lastUsedAt: count,
  files: v.array(fileSchema),
  derived: v.array(derivedSchema),
  /** What is to be made of the files: bits, dimension, … */
  wanted: v.optional(v.record(text, v.number())),
  /** Paths of files that are being made, or were when it broke off: a later run goes on with them. */
  making: v.optional(v.array(text)),
});

export type Licence = Readonly<v.InferOutput<typeof licenceSchema>>;
/** What is to be made of a model's files, kept from the first byte on: who goes on later need not be asked again. */
export type Wanted = Readonly<Record<string, number>>;
export type FileRecord = Readonly<v.InferOutput<typeof fileSchema>>;
export type DerivedRecord = Readonly<v.InferOutput<typeof derivedSchema>>;
export type Manifest = Readonly<v.InferOutput<typeof manifestSchema>>;

/** Names in its folder of all files that it speaks of, and its own. */
export function namesListed({ files, derived, making = [] }: Manifest): ReadonlySet<string> {
  const paths = [...[...files, ...derived].map(({ path }) => path), ...making];
  return new Set<string>([...paths.map(nameOf), ...manifestSlots]);
}

export const manifestSlots = ['manifest-0.json', 'manifest-1.json'] as const;

/** The newest whole record, or null where there is none. */
export async function readManifest(folder: ByteFolder): Promise<Manifest | null> {
  const first = await readSlot(folder, manifestSlots[0]);
  const second = await readSlot(folder, manifestSlots[1]);
  if (first === null || second === null) return first ?? second;
  return first.sequence > second.sequence ? first : second;
}

/** Writes over the older slot; resolves once it would survive a crash. @returns what was written */
export async function writeManifest(folder: ByteFolder, manifest: Manifest): Promise<Manifest> {
  const sequence = ((await readManifest(folder))?.sequence ?? 0) + 1;
  const next = { ...manifest, sequence };
  const body = new TextEncoder().encode(JSON.stringify(next));
  const sink = await folder.sink(manifestSlots[sequence % 2 === 0 ? 0 : 1]);
  try {
    await sink.truncate(0);
    await sink.append(new TextEncoder().encode(`${crc32c(body).toString(16).padStart(8, '0')}\n`));
    await sink.append(body);
    await sink.flush();
  } finally {
    await sink.close();
  }
  return next;
}

/** Eight digits of checksum, a line's end, JSON. Anything else is as if it were not there. */
async function readSlot(folder: ByteFolder, name: string): Promise<Manifest | null> {
  try {
    const size = await folder.size(name);
    if (size === null || size < 10 || size > 16 * 2 ** 20) return null;
    const bytes = await (await folder.source(name)).read(0, size);
    const body = bytes.subarray(9);
    if (Number.parseInt(new TextDecoder().decode(bytes.subarray(0, 8)), 16) !== crc32c(body)) return null;
    const parsed = v.safeParse(manifestSchema, JSON.parse(new TextDecoder().decode(body)));
    return parsed.success ? parsed.output : null;
  } catch {
    return null; // being written by another tab just now, or damaged: the other slot is whole
  }
}
