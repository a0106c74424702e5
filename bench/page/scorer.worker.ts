/** A thread with scorers of its own, over collections that it makes itself: nothing large is ever sent. */
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
  const scorer = await createWasmScorer({ int8: request.int8 });
  for (const block of int8Blocks(request.tokens, request.seed)) await scorer.load(block);
  collections.set(request.collection, scorer);
}
