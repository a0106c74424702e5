/**
 * The list of chunks that the GPU shall score, cut into dispatches. Its length follows the selection, so a filtered
 * search costs what it reads. The list of everything is kept between searches.
 */
import type { GpuKernel } from './gpu-kernel.ts';
import type { PlacedRun, Shard } from './gpu-vectors.ts';
import { tileTokens } from './interleave.ts';
import type { ResidentBlock, ResidentBlocks } from './resident.ts';

/** firstSlot, numTokens, sum, unused: as in maxsim-int8.wgsl. */
const itemWords = 4;
const itemBytes = itemWords * 4;
/** Binding offsets are multiples of 256 bytes at worst. */
const alignedItems = 256 / itemBytes;

export interface Dispatch {
  readonly group: GPUBindGroup;
  readonly numItems: number;
}

export interface Work {
  readonly dispatches: readonly Dispatch[];
  destroy(): void;
}

/**
 * @param maxItems workgroups per dispatch, a multiple of 16
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
  const total = [...lists.values()].reduce((items, list) => items + alignUp(list.length / itemWords), 0);
  if (total === 0) return { dispatches: [], destroy: () => undefined };

  const buffer = device.createBuffer({
    label: 'maxsim chunk list',
    size: total * itemBytes,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
  });
  const dispatches: Dispatch[] = [];
  let firstItem = 0;
  for (const [shard, list] of lists) {
    device.queue.writeBuffer(buffer, firstItem * itemBytes, Uint32Array.from(list));
    const count = list.length / itemWords;
    for (let done = 0; done < count; done += maxItems) {
      const numItems = Math.min(maxItems, count - done);
      const group = device.createBindGroup({
        label: 'maxsim work',
        layout: kernel.workLayout,
        entries: [
          { binding: 0, resource: { buffer: shard.buffer } },
          { binding: 1, resource: { buffer, offset: (firstItem + done) * itemBytes, size: numItems * itemBytes } },
        ],
      });
      dispatches.push({ group, numItems });
    }
    firstItem += alignUp(count);
  }
  return { dispatches, destroy: () => buffer.destroy() };
}

/** The largest number of workgroups that a dispatch may have here, such that every dispatch's list is aligned. */
export function itemsPerDispatch(limit: number): number {
  return Math.max(alignedItems, Math.floor(Math.min(limit, 32768) / alignedItems) * alignedItems);
}

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

function listByShard(
  resident: ResidentBlocks<readonly PlacedRun[]>,
  selection: Uint32Array | undefined,
): Map<Shard, number[]> {
  const lists = new Map<Shard, number[]>();
  resident.visit(selection, (block, chunk, position) => {
    const slots = slotsOf(block, chunk);
    if (slots === undefined) return;
    let list = lists.get(slots.run.shard);
    if (list === undefined) lists.set(slots.run.shard, (list = []));
    list.push(slots.firstSlot, slots.numTokens, position, 0);
  });
  return lists;
}

function alignUp(items: number): number {
  return Math.ceil(items / alignedItems) * alignedItems;
}
