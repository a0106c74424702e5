/**
 * The list of chunks that the GPU shall score, cut into dispatches. Its length follows the selection, so a filtered
 * search costs what it reads. The list of everything is kept between searches.
 */
import type { GpuKernel } from './gpu-kernel.ts';
import { largestShardBytes, type PlacedRun, type Shard } from './gpu-vectors.ts';
import { tileTokens } from './interleave.ts';
import type { ResidentBlock, ResidentBlocks } from './resident.ts';

/** firstSlot, numTokens, sum, unused: as in maxsim.wgsl. */
const itemWords = 4;
const itemBytes = itemWords * 4;
/** Binding offsets are multiples of 256 bytes at worst. */
const alignedItems = 256 / itemBytes;

/** The chunks of one shard. */
export interface ShardWork {
  /** Its second binding shows as many chunks as a dispatch may have, from a dynamic offset on. */
  readonly group: GPUBindGroup;
  readonly numItems: number;
  /** Of their tokens' rows as they are multiplied. */
  readonly bytes: number;
}

export interface Work {
  readonly shards: readonly ShardWork[];
  destroy(): void;
}

/**
 * @param maxItems workgroups per dispatch, as `itemsPerDispatch` gives it
 * @param selection of chunks, or all
 */
export function buildWork(
  device: GPUDevice,
  kernel: GpuKernel,
  resident: ResidentBlocks<readonly PlacedRun[]>,
  maxItems: number,
  selection: Uint32Array | undefined,
): Work {
  const lists = listByShard(resident, selection);
  if (lists.size === 0) return { shards: [], destroy: () => undefined };

  const counts = Array.from(lists.values(), ({ words }) => alignUp(words.length / itemWords));
  const window = Math.min(maxItems, Math.max(...counts));
  const buffer = device.createBuffer({
    label: 'maxsim chunk list',
    // The window may begin at the last chunk.
    size: (counts.reduce((sum, count) => sum + count, 0) + window) * itemBytes,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
  });
  const shards: ShardWork[] = [];
  let firstItem = 0;
  for (const [shard, { words, numTokens }] of lists) {
    device.queue.writeBuffer(buffer, firstItem * itemBytes, Uint32Array.from(words));
    const group = device.createBindGroup({
      label: 'maxsim work',
      layout: kernel.workLayout,
      entries: [
        { binding: 0, resource: { buffer: shard.buffer } },
        { binding: 1, resource: { buffer, offset: firstItem * itemBytes, size: window * itemBytes } },
      ],
    });
    const numItems = words.length / itemWords;
    shards.push({ group, numItems, bytes: numTokens * kernel.unpackedRowBytes });
    firstItem += alignUp(numItems);
  }
  return { shards, destroy: () => buffer.destroy() };
}

/** The largest number of chunks that a dispatch may have here, such that every dispatch's list is aligned. */
export function itemsPerDispatch(limit: number): number {
  return Math.max(alignedItems, alignDown(Math.min(limit, 32768)));
}

/**
 * Chunks of each dispatch, so that none takes longer than one query over a whole shard, on slow devices too.
 * @param numBlocks that each chunk is compared with
 */
export function itemsPerStep({ numItems, bytes }: ShardWork, numBlocks: number, maxItems: number): number {
  const share = alignDown((numItems * largestShardBytes) / (bytes * numBlocks));
  return Math.max(alignedItems, Math.min(share, maxItems));
}

/** In bytes, of a chunk in its list. */
export const offsetOf = (item: number): number => item * itemBytes;

/** Where a chunk's tokens lie; undefined for a chunk without tokens. */
export function slotsOf(
  block: ResidentBlock<readonly PlacedRun[]>,
  chunk: number,
): { readonly run: PlacedRun; readonly firstSlot: number; readonly numTokens: number } | undefined {
  const firstToken = block.offsets[chunk]!;
  const numTokens = block.offsets[chunk + 1]! - firstToken;
  if (numTokens === 0) return undefined;
  const run = block.storage.find(({ firstChunk, endChunk }) => firstChunk <= chunk && chunk < endChunk)!;
  return { run, firstSlot: run.firstTile * tileTokens + firstToken - run.firstToken, numTokens };
}

interface List {
  readonly words: number[];
  numTokens: number;
}

function listByShard(
  resident: ResidentBlocks<readonly PlacedRun[]>,
  selection: Uint32Array | undefined,
): Map<Shard, List> {
  const lists = new Map<Shard, List>();
  resident.visit(selection, (block, chunk, position) => {
    const slots = slotsOf(block, chunk);
    if (slots === undefined) return;
    let list = lists.get(slots.run.shard);
    if (list === undefined) lists.set(slots.run.shard, (list = { words: [], numTokens: 0 }));
    list.words.push(slots.firstSlot, slots.numTokens, position, 0);
    list.numTokens += slots.numTokens;
  });
  return lists;
}

function alignUp(items: number): number {
  return Math.ceil(items / alignedItems) * alignedItems;
}

function alignDown(items: number): number {
  return Math.floor(items / alignedItems) * alignedItems;
}
