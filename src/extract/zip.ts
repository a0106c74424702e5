/**
 * Unpacks what is needed of a zip (DOCX, EPUB) within limits that hold before memory is used: the directory says how large
 * each file becomes, and no file gets more room than it says.
 */
import { unzipSync, zipSync } from 'fflate';
import { LateralError } from '../errors.ts';

/** Larger archives are refused, in bytes. */
export const maxZipBytes = 200_000_000;
/** What is unpacked of one archive together, in bytes. */
export const maxUnzippedBytes = 128 * 1024 * 1024;
/** Text packs 3 to 20 times smaller; what is packed far smaller than that is a trap. Small files may. */
const maxRatio = 200;
const smallBytes = 4 * 1024 * 1024;
const maxFiles = 20_000;

export type Files = ReadonlyMap<string, Uint8Array>;

/**
 * @param name the archive's name, for messages
 * @param wanted by a file's path inside the archive
 * @throws 'file-too-large', 'file-damaged'
 */
export function unzip(name: string, bytes: Uint8Array, wanted: (path: string) => boolean): Files {
  if (bytes.length > maxZipBytes) throw tooLarge(name, 'is', maxZipBytes);
  let total = 0;
  let count = 0;
  try {
    const unpacked = unzipSync(bytes, {
      filter: ({ name: path, size, originalSize }) => {
        if (++count > maxFiles) throw damaged(name);
        // fflate gathers the files in a plain object.
        if (path === '__proto__' || path.endsWith('/') || !wanted(path)) return false;
        total += originalSize;
        if (total > maxUnzippedBytes) throw tooLarge(name, 'unpacks to', maxUnzippedBytes);
        if (originalSize > smallBytes && originalSize > size * maxRatio) throw damaged(name);
        return true;
      },
    });
    return new Map(Object.entries(unpacked));
  } catch (thrown) {
    throw thrown instanceof LateralError ? thrown : damaged(name, thrown);
  }
}

/** Files as an archive again, not compressed: for a reader that knows no limits. */
export function zip(files: Files): Uint8Array<ArrayBuffer> {
  return zipSync(Object.fromEntries(files), { level: 0 });
}

export function damaged(name: string, cause?: unknown): LateralError {
  return new LateralError('file-damaged', `${name} is damaged and could not be read. Try exporting it again.`, {
    cause,
    details: { name },
  });
}

function tooLarge(name: string, verb: string, limitBytes: number): LateralError {
  const limit = `${Math.round(limitBytes / 1e6)} MB`;
  return new LateralError(
    'file-too-large',
    `${name} ${verb} ${verb === 'is' ? 'larger than' : 'more than'} ${limit}. Split it and add the parts.`,
    { details: { name, limitBytes } },
  );
}
