/**
 * How far a run came, so that another goes on there: a line that says what is being made of what, then a line after each step
 * whose bytes are safely in the file of weights. A line that was cut off by a crash is not counted.
 */
import { LateralError } from '../../errors.ts';
import type { ByteFile, ByteSource } from '../byte-source.ts';
import { readRange, type ModelSource } from './bytes.ts';

export interface Journal {
  /** Steps that need not be done again. */
  readonly done: number;
  /** Notes that `steps` steps are done. To be called once their bytes are flushed. */
  note(steps: number): Promise<void>;
  /** Forgets everything, at the end. */
  clear(): Promise<void>;
}

/**
 * @param fingerprint of source and options: a journal of another starts anew
 * @param isIntact whether the file of weights is the one that the journal speaks of
 */
export async function openJournal(file: ByteFile, fingerprint: string, isIntact: boolean): Promise<Journal> {
  const head = `${JSON.stringify({ quantize: 1, fingerprint })}\n`;
  const text = new TextDecoder().decode(await readRange(file, 0, file.size, 'The journal'));
  let done = 0;
  let good = 0;
  if (isIntact && text.startsWith(head)) {
    good = head.length;
    for (const line of text.slice(good).split('\n').slice(0, -1)) {
      const steps = /^done (\d+)$/.exec(line)?.[1];
      if (steps === undefined) break;
      done = Number(steps);
      good += line.length + 1;
    }
  }
  await file.truncate(good);
  if (good === 0) await append(head);
  return {
    done,
    note: (steps) => append(`done ${steps}\n`),
    async clear() {
      await file.truncate(0);
      await file.flush();
    },
  };

  async function append(line: string): Promise<void> {
    await file.write(file.size, new TextEncoder().encode(line));
    await file.flush();
  }
}

/**
 * Names a source and what is to be made of it: the graph without its weights, every file's size, and bytes from sixteen places
 * of each.
 * @param skeleton the graph's bytes without its weights
 */
export async function fingerprintOf(
  source: ModelSource,
  externals: ReadonlyMap<string, ByteSource>,
  skeleton: Uint8Array,
  options: object,
): Promise<string> {
  const files: [string, ByteSource][] = [['', source.graph], ...[...externals].sort(([a], [b]) => (a < b ? -1 : 1))];
  const parts: Uint8Array[] = [skeleton];
  for (const [name, file] of files) {
    parts.push(new TextEncoder().encode(JSON.stringify([name, file.size])));
    const length = Math.min(sampleBytes, file.size);
    for (let i = 0; i < numSamples; i++) {
      const offset = Math.floor(((file.size - length) * i) / (numSamples - 1));
      parts.push(await readRange(file, offset, length, 'A sample of the source'));
    }
  }
  parts.push(new TextEncoder().encode(JSON.stringify(options)));
  const blob = await new Blob(parts as BlobPart[]).arrayBuffer();
  const digest = await subtle().digest('SHA-256', blob);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const numSamples = 16;
const sampleBytes = 4096;

function subtle(): SubtleCrypto {
  if ((globalThis.crypto as Crypto | undefined)?.subtle === undefined) {
    throw new LateralError(
      'storage-unavailable',
      'Models are quantised only on pages that are served over https or from localhost.',
    );
  }
  return crypto.subtle;
}
