/**
 * An index that lives in memory and pretends to read: for designing the page without the engine (`vite --mode mock`).
 * `?mock=` chooses the scene: '' (documents), empty, slow, full, failed, private, starting.
 */
import type {
  AddFailure,
  AddOptions,
  AddResult,
  CallOptions,
  Chunk,
  DocumentInput,
  DocumentRecord,
  EngineStatus,
  ExtractedText,
  IndexStats,
  LateralIndex,
  SearchOptions,
  Section,
  TextBlock,
} from '../../index.ts';
import { LateralError } from '../../index.ts';
import { mockDocuments } from './mock-documents.ts';
import { mockSearch } from './mock-search.ts';

export interface MockEntry {
  readonly record: DocumentRecord;
  readonly extracted: ExtractedText;
  readonly chunks: readonly Chunk[];
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const dayMs = 86_400_000;

export async function openMockIndex(scene: string): Promise<LateralIndex> {
  await wait(scene === 'starting' ? 600_000 : 150);
  if (scene === 'failed') throw new LateralError('worker-failed', 'engine.worker.ts could not be fetched (404).');
  return new MockIndex(scene);
}

class MockIndex implements LateralIndex {
  readonly name = 'mock';
  #scene: string;
  #entries: MockEntry[] = [];
  #removed = new Map<string, MockEntry[]>();
  #statusListeners = new Set<(status: EngineStatus) => void>();
  #changeListeners = new Set<() => void>();
  #status: EngineStatus;

  constructor(scene: string) {
    this.#scene = scene;
    if (scene !== 'empty' && scene !== 'private') {
      this.#entries = mockDocuments
        .map((document) => ({
          ...entryOf({ ...document, content: document.text }, document.text),
          ...{},
        }))
        .map((entry, at) => ({
          ...entry,
          record: { ...entry.record, addedAt: Date.now() - mockDocuments[at]!.daysAgo * dayMs },
        }));
    }
    this.#status = this.#statusNow();
  }

  status = (): EngineStatus => this.#status;
  subscribe = (listener: (status: EngineStatus) => void): (() => void) => {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  };
  onChange = (listener: () => void): (() => void) => {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  };

  async add(documents: readonly DocumentInput[], { signal, onProgress }: AddOptions = {}): Promise<AddResult> {
    const added: DocumentRecord[] = [];
    const failed: AddFailure[] = [];
    const slow = this.#scene === 'slow';
    for (const [done, input] of documents.entries()) {
      for (let passage = 0; passage < (slow ? 24 : 2); passage += 1) {
        onProgress?.({
          phase: 'reading',
          done,
          total: documents.length,
          unit: 'files',
          current: { name: input.name, done: passage, total: slow ? 24 : 2 },
          ...(done > 0 ? { etaSeconds: (documents.length - done) * (slow ? 22 : 0.1) } : {}),
        });
        await wait(slow ? 120 : 20);
        if (signal?.aborted === true) {
          return { added, failed, remaining: documents.map((_, at) => at).slice(done) };
        }
      }
      if (this.#scene === 'full' && done === 1) {
        const stopped = { code: 'storage-full', message: 'quota' } as const;
        return { added, failed, remaining: documents.map((_, at) => at).slice(done), stopped };
      }
      const failure = await this.#take(input);
      if (typeof failure === 'string') failed.push({ name: input.name, code: failure, message: failure });
      else added.push(failure);
    }
    return { added, failed, remaining: [] };
  }

  async #take(input: DocumentInput): Promise<DocumentRecord | AddFailure['code']> {
    const text =
      typeof input.content === 'string' ? input.content : await new Response(input.content as BodyInit).text();
    if (text.trim() === '') return 'file-empty';
    if (text.includes('\u0000') || input.name.endsWith('.bin')) return 'file-binary';
    if (input.name.includes('damaged')) return 'file-damaged';
    if (this.#entries.some((entry) => entry.extracted.text === text)) return 'file-duplicate';
    const entry = entryOf(input, text);
    this.#entries.push(entry);
    this.#changed();
    return entry.record;
  }

  search = async (query: string, options: SearchOptions & CallOptions = {}) => (await this.query(query, options)).hits;

  async query(query: string, options: SearchOptions & CallOptions = {}) {
    await wait(this.#scene === 'slow' ? 900 : 12);
    if (options.signal?.aborted === true) throw new LateralError('aborted', 'Stopped on request.');
    return mockSearch(query, this.#entries, options);
  }

  remove(documentIds: readonly string[]) {
    const taken = this.#entries.filter((entry) => documentIds.includes(entry.record.id));
    this.#entries = this.#entries.filter((entry) => !documentIds.includes(entry.record.id));
    const undo = crypto.randomUUID();
    this.#removed.set(undo, taken);
    this.#changed();
    return Promise.resolve({ removed: taken.length, undo });
  }

  restore(undo: string) {
    const back = this.#removed.get(undo) ?? [];
    this.#entries.push(...back);
    this.#changed();
    return Promise.resolve(back.length);
  }

  documents = () => Promise.resolve(this.#entries.map((entry) => entry.record));
  async text(documentId: string): Promise<ExtractedText> {
    await wait(30);
    const entry = this.#entries.find((each) => each.record.id === documentId);
    if (entry === undefined) throw new LateralError('not-found', documentId);
    return entry.extracted;
  }
  source = () => Promise.resolve(null);
  stats(): Promise<IndexStats> {
    const { chunks, tokens } = this.#status;
    return Promise.resolve({
      name: this.name,
      fingerprint: {
        model: 'lateral-mini@0',
        dim: 128,
        precision: 'int8',
        scale: 1 / 127,
        poolFactor: 1,
        longDocument: 'truncate',
        chunker: 1,
      },
      documents: this.#entries.length,
      chunks,
      tokens,
      vectorBytes: tokens * 128,
      blocks: 1,
      usageBytes: 38_400_000 + tokens * 128,
      quotaBytes: 24_000_000_000,
      persisted: false,
    });
  }
  embed = () => Promise.resolve([]);
  rerank = () => Promise.resolve([]);
  clear(): Promise<void> {
    this.#entries = [];
    this.#changed();
    return Promise.resolve();
  }
  close = () => Promise.resolve();

  #changed(): void {
    this.#status = this.#statusNow();
    for (const listener of this.#statusListeners) listener(this.#status);
    for (const listener of this.#changeListeners) listener();
  }

  #statusNow(): EngineStatus {
    const chunks = this.#entries.reduce((sum, entry) => sum + entry.chunks.length, 0);
    const failedGpu = this.#scene === 'private';
    return {
      state: 'ready',
      model: 'lateral-mini@0',
      encoder: failedGpu
        ? { kind: 'wasm', reason: 'WebGPU differed from the reference (lowest cosine 0.91).', forced: false }
        : { kind: 'webgpu', reason: 'Passed its self-test and is 6.1 times as fast as the processor.', forced: false },
      scorer: { kind: 'webgpu', reason: 'Fastest in calibration: 2.3 ms against 9.8 ms.', forced: false },
      selfTests: [
        {
          device: failedGpu ? 'wasm' : 'webgpu',
          passed: true,
          minCosine: 0.9996,
          required: 0.99,
          elapsedMs: 182,
          message: '',
        },
        ...(failedGpu
          ? [{ device: 'webgpu', passed: false, minCosine: 0.91, required: 0.99, elapsedMs: 90, message: '' } as const]
          : []),
      ],
      gpu: { name: 'NVIDIA GeForce RTX 4070', software: false },
      threads: 4,
      storage: 'indexeddb',
      storageWarning: this.#scene === 'private' ? 'IndexedDB is not available here.' : '',
      documents: this.#entries.length,
      chunks,
      tokens: chunks * 96,
      residentBytes: chunks * 96 * 128,
      progress: null,
      error: null,
    };
  }
}

function entryOf(input: DocumentInput, text: string): MockEntry {
  const { blocks, clean } = blocksOf(text);
  const sections: Section[] = blocks
    .filter((block) => block.kind === 'heading')
    .map((block, at, all) => ({
      kind: 'heading',
      label: clean.slice(block.start, block.end),
      level: block.level,
      start: block.start,
      end: all[at + 1]?.start ?? clean.length,
    }));
  const chunks: Chunk[] = blocks
    .filter((block) => block.kind !== 'heading')
    .map((block, ordinal) => ({ ordinal, start: block.start, end: block.end, section: -1 }));
  const mediaType = input.mediaType ?? 'text/plain';
  return {
    extracted: { text: clean, sections, blocks, mediaType, notes: [] },
    chunks,
    record: {
      id: crypto.randomUUID(),
      name: input.name,
      path: input.path ?? '',
      title: sections[0]?.label ?? '',
      mediaType,
      language: input.language ?? '',
      tags: [],
      addedAt: Date.now(),
      byteLength: text.length,
      textLength: text.length,
      contentHash: '',
      chunkCount: chunks.length,
      tokenCount: chunks.length * 96,
      truncatedChunks: 0,
      notes: [],
    },
  };
}

/** Just enough Markdown for the scenes: the marks are dropped, the blocks point into what remains. */
function blocksOf(source: string): { readonly blocks: readonly TextBlock[]; readonly clean: string } {
  const blocks: TextBlock[] = [];
  let clean = '';
  const push = (kind: TextBlock['kind'], level: number, text: string): void => {
    blocks.push({ kind, level, start: clean.length, end: clean.length + text.length });
    clean += `${text}\n\n`;
  };
  for (const part of source.split(/\n\n(?![^`]*```$)/)) {
    const heading = /^(#+) (.*)$/.exec(part);
    if (heading !== null) push('heading', heading[1]!.length, heading[2]!);
    else if (part.startsWith('```')) push('code', 0, part.replace(/```\n?/g, '').trimEnd());
    else if (part.startsWith('> ')) push('quote', 0, part.replace(/^> /gm, ''));
    else if (part.startsWith('- ')) for (const item of part.split('\n')) push('list-item', 1, item.slice(2));
    else if (part.includes(' | '))
      for (const row of part.split('\n')) push('table-row', 0, row.replaceAll(' | ', '\t'));
    else push('paragraph', 0, part);
  }
  return { blocks, clean };
}
