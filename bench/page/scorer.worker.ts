/** Scorers over collections that are made here, in the worker: nothing large is ever sent. */
import type { Scorer } from '../../src/maxsim/scorer.ts';
import { createWasmScorer } from '../../src/maxsim/wasm.ts';
import { benchQuery, int8Blocks } from './sample.ts';
import type { ScorerReply, ScorerRequest } from './scorer-protocol.ts';

const collections = new Map<string, Scorer>();
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
    await collections.get(request.collection)!.score(query);
    return;
  }
  const { collection, tokens, int8, threads } = request;
  const scorer = await createWasmScorer({ int8, threads, createThread, calibrate: false });
  for (const block of int8Blocks(tokens, 5)) await scorer.load(block);
  if (scorer.threads !== threads) throw new Error(`Wanted ${threads} threads; ${scorer.threads} started.`);
  collections.set(collection, scorer);
}

function createThread(): Worker {
  return new Worker(new URL('../../workers/maxsim.worker.ts', import.meta.url), { type: 'module' });
}
