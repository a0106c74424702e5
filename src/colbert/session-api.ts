/** What an encoder needs of a runtime: ids in, rows out. colbert/session.ts (browser) and session-node.ts implement it. */
import type { EncoderDevice } from '../types.ts';

export interface Session {
  readonly device: EncoderDevice;
  /** Whether products and attention are computed in fp16. */
  readonly half?: boolean | undefined;
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

/** A graph, with the files of weights that it names. */
export interface ModelWeights {
  readonly graph: Uint8Array;
  /** None where the graph holds its weights itself. */
  readonly external: readonly ExternalWeights[];
  /** Of a graph that computes in fp16: for graphics cards with 'shader-f16'. */
  readonly half?: boolean | undefined;
}

export interface ExternalWeights {
  /** As the graph names it. */
  readonly path: string;
  /** In memory, at most 2 GiB, as everything in one ArrayBuffer; or where they lie, to be read tensor by tensor. */
  readonly bytes: Uint8Array | WeightsFile;
}

/** A file that can be read where it lies, at once: the runtime does not wait while it builds a session. */
export interface WeightsFile {
  /** Bytes. */
  readonly size: number;
  readonly readSync: (offset: number, length: number) => Uint8Array;
}

export interface SessionFactory {
  /** The runtime's files that it loads, by name; none where it is not fetched. */
  readonly files: readonly string[];
  /** @throws 'model-invalid', 'out-of-memory', 'gpu-unavailable', 'gpu-lost' */
  create(model: ModelWeights, device: EncoderDevice): Promise<Session>;
}
