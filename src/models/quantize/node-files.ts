/** A model's files on disk for the quantiser, in Node. */
import { dirname, join } from 'node:path';
import type { ByteSource } from '../byte-source.ts';
import { openDiskFile } from '../disk-file.ts';
import type { ModelSource } from './bytes.ts';

/** A model on disk; its external files are opened when they are asked for, and closed with it. */
export async function openDiskModel(graphPath: string): Promise<ModelSource & { close(): Promise<void> }> {
  const opened = [await openDiskFile(graphPath, 'read')];
  return {
    graph: opened[0]!,
    async external(name): Promise<ByteSource> {
      const file = await openDiskFile(join(dirname(graphPath), name), 'read');
      opened.push(file);
      return file;
    },
    async close() {
      for (const file of opened) await file.close();
    },
  };
}
