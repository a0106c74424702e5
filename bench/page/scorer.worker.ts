/** Scorers over collections that are made here, in the worker: nothing large is ever sent. */
import type { Scorer } from '../../src/maxsim/scorer.ts';
import { createWasmScorer } from '../../src/maxsim/wasm.ts';
import { benchQuery, int8Blocks } from './sample.ts';
import type { ScorerReply, ScorerRequest } from './scorer-protocol.ts';

interface Collection {
  readonly scorer: Scorer;
  readonly selection: (every: number) => Uint32Array;
}

const collections = new Map<string, Collection>();
const query = benchQuery();

self.onmessage = ({ data }: MessageEvent<ScorerRequest>) => {
  const answer = (error: string | null): void => self.postMessage({ error } satisfies ScorerReply);
  handle(data).then(
    () => answer(null),
    (error: unknown) => answer(String(error)),
  );
};

async function handle(request: ScorerRequest): Promise<void> {
  if (request.kind === 'score') {
    const { scorer, selection } = collections.get(request.collection)!;
    await scorer.score(query, request.every === 1 ? undefined : selection(request.every));
    return;
  }
  const { collection, tokens, int8, threads } = request;
  const scorer = await createWasmScorer({ int8, threads, createThread, calibrate: false });
  for (const block of int8Blocks(tokens, 5)) await scorer.load(block);
  if (scorer.threads !== threads) throw new Error(`Wanted ${threads} threads; ${scorer.threads} started.`);
  const numChunks = scorer.blocks.reduce((sum, block) => sum + block.numChunks, 0);
  const selections = new Map<number, Uint32Array>(); // made once: a search only uses them
  const selection = (every: number): Uint32Array => {
    let own = selections.get(every);
    if (own === undefined) {
      own = Uint32Array.from({ length: Math.floor(numChunks / every) }, (_, i) => i * every);
      selections.set(every, own);
    }
    return own;
  };
  collections.set(collection, { scorer, selection });
}

function createThread(): Worker {
  return new Worker(new URL('../../workers/maxsim.worker.ts', import.meta.url), { type: 'module' });
}
