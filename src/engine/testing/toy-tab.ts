/** For tests: tabs over one store, with toy encoders, so that what is tested is who reads what and when. Runs in browsers too. */
import { createEncoder } from '../../colbert/encoder.ts';
import type { TextTokenizer } from '../../colbert/tokenizer.ts';
import type { ColbertConfig } from '../../colbert/config.ts';
import type { IndexStore } from '../../store/index-store.ts';
import type { DocumentInput, EngineStatus } from '../../types.ts';
import type { CallContext, Engine, OpenOptions } from '../engine-api.ts';
import { context, engineOver, type EngineOverOptions } from './engine-over.ts';

export interface Tab {
  readonly engine: Engine;
  status(): Promise<EngineStatus>;
  /** Texts encoded so far. */
  encoded(): number;
}

export interface Toy extends EngineOverOptions {
  /** Called before texts are encoded; what it throws, encoding throws. */
  readonly onEncode?: (texts: number) => Promise<void> | void;
}

export type OpenTab = (store: IndexStore, options?: OpenOptions, toy?: Toy) => Promise<Tab>;

const dim = 128;

/** Rows that follow from the tokens, and from the model: here from what is asked of it. */
function toyRows(ids: BigInt64Array, seed: number): Float32Array {
  return Float32Array.from({ length: ids.length * dim }, (_, i) => {
    let hash =
      Math.imul(Number(ids[Math.floor(i / dim)]) + 7919 * seed, 2_654_435_761) ^ Math.imul((i % dim) + 1, 40_503);
    hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_519);
    return ((hash >>> 8) & 1023) / 512 - 1;
  });
}

export function toyTabs(tokenizer: TextTokenizer, config: ColbertConfig): OpenTab {
  return async (store, options = {}, { onEncode, ...parts } = {}) => {
    let encoded = 0;
    const encoder = createEncoder(
      tokenizer,
      { ...config, dim },
      {
        device: 'wasm',
        threads: 1,
        async run(ids, _mask, batch) {
          await onEncode?.(batch);
          encoded += batch;
          return { rows: toyRows(ids, options.dim ?? dim), dim };
        },
        release: () => Promise.resolve(),
      },
    );
    const engine = engineOver(store, () => Promise.resolve(encoder), parts);
    await engine.open(options, context());
    return { engine, status: () => engine.status(undefined, context()), encoded: () => encoded };
  };
}

/** Of one passage each, but every fifth, which has several. */
export function notes(count: number, prefix = 'note'): DocumentInput[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `${prefix}-${i}.txt`,
    content: `About the ${prefix} number ${i}. ${i % 5 === 4 ? `The toll of ship ${i} was paid in full. `.repeat(40) : ''}`,
  }));
}

export const add = (tab: Tab, documents: readonly DocumentInput[]) => tab.engine.add(documents, context());
export const reencode = (tab: Tab, given: Partial<CallContext> = {}) => tab.engine.reencode(undefined, context(given));

/** What is stored of each document that follows from its encoding, by name. */
export async function vectors(store: IndexStore) {
  const documents = await store.documents();
  const parts = await Promise.all(documents.map(({ id }) => store.parts(id)));
  const found = parts.map((part) => {
    const { record, vectors: rows, offsets, tokenRows } = part!;
    const { tokenCount, truncatedChunks, notes: said } = record;
    return [record.name, { tokenCount, truncatedChunks, said, rows, offsets, tokenRows }] as const;
  });
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
