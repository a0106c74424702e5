/** The quicker int8 kernel over a whole collection, over a tenth of it, and on two threads. Each in a worker, as in the app. */
import type { Contender } from '../race.ts';
import type { TokenContender } from '../results.ts';
import type { ScorerReply, ScorerRequest } from './scorer-protocol.ts';

type Int8 = 'plain' | 'relaxed';

export interface ScaleContenders {
  readonly contenders: readonly Contender<TokenContender>[];
  close(): void;
}

export async function scaleContenders(
  whole: number,
  int8: Int8,
  onProgress: (text: string) => void,
): Promise<ScaleContenders> {
  const tenth = Math.floor(whole / 10);
  onProgress(`making ${whole} tokens`);
  const one = new ScorerThread();
  await one.load('tenth', tenth, int8);
  await one.load('whole', whole, int8);
  onProgress(`making ${whole} tokens for two workers`);
  const two = await startTwoThreads(whole, int8);
  return {
    contenders: [
      { name: 'int8Tenth', amount: tenth, run: () => one.score('tenth') },
      { name: 'int8Whole', amount: whole, run: () => one.score('whole') },
      { name: 'int8TwoWorkers', amount: whole, run: () => two.score() },
    ],
    close() {
      one.close();
      two.close();
    },
  };
}

/** Two threads over one collection. To be swapped for one scorer with two threads once src/maxsim has it. */
async function startTwoThreads(tokens: number, int8: Int8): Promise<{ score(): Promise<unknown>; close(): void }> {
  const threads = [new ScorerThread(), new ScorerThread()];
  const first = Math.ceil(tokens / 2);
  await threads[0]!.load('half', first, int8);
  await threads[1]!.load('half', tokens - first, int8);
  return {
    score: () => Promise.all(threads.map((thread) => thread.score('half'))),
    close: () => threads.forEach((thread) => thread.close()),
  };
}

/** A scorer.worker.ts; one request at a time. */
class ScorerThread {
  readonly #worker = new Worker(new URL('./scorer.worker.ts', import.meta.url), { type: 'module' });

  load(collection: string, tokens: number, int8: Int8): Promise<void> {
    return this.#ask({ kind: 'load', collection, tokens, seed: 5, int8 });
  }

  score(collection: string): Promise<void> {
    return this.#ask({ kind: 'score', collection });
  }

  close(): void {
    this.#worker.terminate();
  }

  #ask(request: ScorerRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<ScorerReply>) =>
        data.error === null ? resolve() : reject(new Error(data.error));
      this.#worker.onerror = ({ message }) => reject(new Error(message));
      this.#worker.postMessage(request);
    });
  }
}
