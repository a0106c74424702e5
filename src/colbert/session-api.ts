/** What an encoder needs of a runtime: ids in, rows out. colbert/session.ts (browser) and session-node.ts implement it. */
import type { EncoderDevice } from '../types.ts';

export interface Session {
  readonly device: EncoderDevice;
  readonly threads: number;
  /**
   * @param inputIds [batch, length] @param attentionMask [batch, length]
   * @returns [batch, length, dim]
   * @throws 'gpu-lost', 'out-of-memory'
   */
  run(
    inputIds: BigInt64Array,
    attentionMask: BigInt64Array,
    batch: number,
    length: number,
  ): Promise<{ readonly rows: Float32Array; readonly dim: number }>;
  release(): Promise<void>;
}

export interface SessionFactory {
  /** The runtime's files that it loads, by name; none where it is not fetched. */
  readonly files: readonly string[];
  create(model: Uint8Array, device: EncoderDevice): Promise<Session>;
}
