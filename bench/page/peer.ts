/** maxsim-web, a MaxSim in Rust and WebAssembly SIMD, through the quickest of its interfaces: passages loaded ahead. */
import type { Contender } from '../race.ts';
import { dim, type TokenContender } from '../results.ts';
import type { Sample } from './sample.ts';

/** The part of version 0.5 and later that is used here. */
interface MaxsimWeb {
  init(): Promise<void>;
  loadDocuments(vectors: Float32Array, tokenCounts: Uint32Array, dim: number): Promise<void>;
  searchPreloaded(queryRows: readonly Float32Array[]): Float32Array;
}

export async function maxsimWebContender({
  numTokens: amount,
  query,
  f32,
}: Sample): Promise<readonly Contender<TokenContender>[]> {
  const address = '/maxsim-web/maxsim-wasm.js';
  const { MaxSimWasm } = (await import(/* @vite-ignore */ address)) as { MaxSimWasm: new () => MaxsimWeb };
  const peer = new MaxSimWasm();
  await peer.init();
  const { offsets, vectors } = f32;
  const tokenCounts = offsets.slice(1).map((end, i) => end - offsets[i]!);
  await peer.loadDocuments(vectors, tokenCounts, dim);
  const rows = Array.from({ length: query.rows.length / dim }, (_, i) => query.rows.subarray(i * dim, (i + 1) * dim));
  return [{ name: 'maxsimWeb', amount, run: () => peer.searchPreloaded(rows) }];
}
