/**
 * Texts → token vectors. Batches hold only sequences of one padded length, and the padded length follows from the text
 * alone, so that a text's vectors never depend on what shared its batch. One session, one run at a time; queries go first.
 */
import { LateralError, throwIfAborted } from '../errors.ts';
import { normalizeRows } from '../vectors/matryoshka.ts';
import type { ColbertConfig } from './config.ts';
import { documentSequence, querySequence, type Sequence } from './sequence.ts';
import type { Session } from './session-api.ts';
import type { TextTokenizer } from './tokenizer.ts';

export interface EncodedText {
  /** [numTokens, dim] unit rows: the kept positions, in order. */
  readonly rows: Float32Array;
  readonly numTokens: number;
  /** Tokens of the text that did not fit the model's length. */
  readonly truncatedTokens: number;
  readonly sequence: Sequence;
}

export interface EncodeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the texts done so far and the tokens that the batch read. */
  readonly onBatch?: ((done: number, tokens: number) => void) | undefined;
}

export interface Encoder {
  readonly config: ColbertConfig;
  readonly tokenizer: TextTokenizer;
  readonly dim: number;
  readonly device: Session['device'];
  /** Whether products and attention are computed in fp16. */
  readonly half?: boolean | undefined;
  readonly threads: number;
  /** In the order given. @throws 'aborted', 'not-finite', and what the session throws */
  encodeDocuments(texts: readonly string[], options?: EncodeOptions): Promise<EncodedText[]>;
  /** The same of texts that the tokenizer has read already: [CLS], the document marker and [SEP] are put around them here. */
  encodeIds(texts: readonly (readonly number[])[], options?: EncodeOptions): Promise<EncodedText[]>;
  encodeQuery(text: string, signal?: AbortSignal): Promise<EncodedText>;
  /** Once the run that is under way is done. */
  release(): Promise<void>;
}

export interface EncoderOptions {
  /**
   * Tokens of one batch at most (a longer text is a batch of its own). A query waits for the batch that is running, so
   * that the processor, which takes about a millisecond a token, gets a passage at a time. Default 128 there, else 512.
   */
  readonly batchTokens?: number;
  /** Documents wait until no query has come for this long: who types is not held up at each key. Default 250 ms. */
  readonly quietMs?: number;
  /** However many queries come, documents get a turn after this time. Default 4,000 ms. */
  readonly longestWaitMs?: number;
}

/** Lengths are padded up to a multiple of this, which makes for few distinct shapes. */
const lengthStep = 16;

export function createEncoder(
  tokenizer: TextTokenizer,
  config: ColbertConfig,
  session: Session,
  options: EncoderOptions = {},
): Encoder {
  const batchTokens = options.batchTokens ?? (session.device === 'wasm' ? 128 : 512);
  const turn = createTurns(options.quietMs ?? 250, options.longestWaitMs ?? 4000);

  async function run(sequences: readonly Sequence[], priority: Priority): Promise<EncodedText[]> {
    const length = paddedLength(sequences[0]!);
    const inputIds = new BigInt64Array(sequences.length * length).fill(BigInt(config.padId));
    const attentionMask = new BigInt64Array(sequences.length * length);
    sequences.forEach((sequence, b) => {
      sequence.inputIds.forEach((id, i) => (inputIds[b * length + i] = BigInt(id)));
      sequence.attentionMask.forEach((bit, i) => (attentionMask[b * length + i] = BigInt(bit)));
    });
    const { rows, dim } = await turn(priority, () => session.run(inputIds, attentionMask, sequences.length, length));
    if (dim !== config.dim) {
      throw new LateralError(
        'model-invalid',
        `The model gives ${dim} dimensions where ${config.dim} are expected: its export lacks the projection, or is another model.`,
      );
    }
    return sequences.map((sequence, b) => {
      const kept = new Float32Array(sequence.kept.length * dim);
      sequence.kept.forEach((position, i) => {
        const start = (b * length + position) * dim;
        kept.set(rows.subarray(start, start + dim), i * dim);
      });
      if (!kept.every(Number.isFinite)) throw notFinite(session);
      normalizeRows(kept, dim);
      return { rows: kept, numTokens: sequence.kept.length, truncatedTokens: sequence.truncatedTokens, sequence };
    });
  }

  async function encodeIds(
    texts: readonly (readonly number[])[],
    { signal, onBatch }: EncodeOptions = {},
  ): Promise<EncodedText[]> {
    throwIfAborted(signal);
    const sequences = texts.map((ids) => documentSequence(ids, config));
    const results = new Array<EncodedText>(texts.length);
    let done = 0;
    for (const batch of batches(sequences, batchTokens)) {
      throwIfAborted(signal);
      const encoded = await run(
        batch.map((i) => sequences[i]!),
        'document',
      );
      batch.forEach((i, b) => (results[i] = encoded[b]!));
      done += batch.length;
      onBatch?.(
        done,
        batch.reduce((sum, i) => sum + sequences[i]!.inputIds.length, 0),
      );
    }
    return results;
  }

  return {
    config,
    tokenizer,
    dim: config.dim,
    device: session.device,
    half: session.half,
    threads: session.threads,
    encodeIds,

    async encodeDocuments(texts, options) {
      throwIfAborted(options?.signal);
      return encodeIds(
        texts.map((text) => tokenizer.encode(text)),
        options,
      );
    },

    async encodeQuery(text, signal) {
      throwIfAborted(signal);
      const [encoded] = await run([querySequence(tokenizer.encode(text), config)], 'query');
      throwIfAborted(signal);
      return encoded!;
    },

    // In its turn: one that overflowed is let go of while another search may be in it.
    release: () => turn('query', () => session.release()),
  };
}

/** Indices grouped by padded length, longest first, each group cut to at most `batchTokens` tokens. */
function batches(sequences: readonly Sequence[], batchTokens: number): number[][] {
  const byLength = new Map<number, number[]>();
  sequences.forEach((sequence, i) => {
    const length = paddedLength(sequence);
    const group = byLength.get(length);
    if (group === undefined) byLength.set(length, [i]);
    else group.push(i);
  });
  return [...byLength.entries()]
    .sort(([a], [b]) => b - a)
    .flatMap(([length, group]) => {
      const size = Math.max(1, Math.floor(batchTokens / length));
      return Array.from({ length: Math.ceil(group.length / size) }, (_, i) => group.slice(i * size, (i + 1) * size));
    });
}

function notFinite({ device, half }: Session): LateralError {
  const why = half === true ? 'they left the range of half precision' : 'a driver or the weights are at fault';
  return new LateralError('not-finite', `The model gave something else than numbers for a text on ${device}: ${why}.`, {
    details: { device, half: half === true },
  });
}

function paddedLength(sequence: Sequence): number {
  return Math.ceil(sequence.inputIds.length / lengthStep) * lengthStep;
}

type Priority = 'query' | 'document';

/**
 * A queue for one session: one run at a time, waiting queries before waiting documents, and documents only after a quiet
 * time without queries; a failure does not poison it. Who is next is decided in a task of its own: a run holds the thread,
 * and the messages (a query, a cancel) that came meanwhile must be seen before the next one begins.
 */
function createTurns(
  quietMs: number,
  longestWaitMs: number,
): <T>(priority: Priority, work: () => Promise<T>) => Promise<T> {
  const waiting: Record<Priority, (() => void)[]> = { query: [], document: [] };
  let busy = false;
  let quietFrom = -Infinity;
  let documentsSince = 0; // when the foremost document began to wait
  let timer: ReturnType<typeof setTimeout> | undefined;
  const choose = (): void => {
    if (busy) return;
    const now = performance.now();
    const turnAt = waiting.document.length === 0 ? Infinity : documentsSince + longestWaitMs;
    const start = now < turnAt ? waiting.query.shift() : undefined;
    if (start === undefined && waiting.document.length === 0) return;
    const left = start === undefined ? Math.min(quietFrom, turnAt) - now : 0;
    if (left > 0) {
      schedule(left);
      return;
    }
    busy = true;
    (start ?? waiting.document.shift()!)();
  };
  const schedule = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(choose, ms);
  };
  return async (priority, work) => {
    await new Promise<void>((resolve) => {
      if (priority === 'document' && waiting.document.length === 0) documentsSince = performance.now();
      waiting[priority].push(resolve);
      schedule(0);
    });
    try {
      return await work();
    } finally {
      busy = false;
      if (priority === 'query') quietFrom = performance.now() + quietMs;
      else documentsSince = performance.now(); // those behind it begin to wait now
      schedule(0);
    }
  };
}
