/** The quicker int8 kernel over a whole collection, over a tenth of it, and on two threads. In a worker, as in the app. */
import type { Contender } from '../race.ts';
import type { TokenContender } from '../results.ts';
import type { ScorerReply, ScorerRequest } from './scorer-protocol.ts';

export interface ScaleContenders {
  readonly contenders: readonly Contender<TokenContender>[];
  close(): void;
}

export async function scaleContenders(
  whole: number,
  int8: 'plain' | 'relaxed',
  onProgress: (text: string) => void,
): Promise<ScaleContenders> {
  const worker = new Worker(new URL('./scorer.worker.ts', import.meta.url), { type: 'module' });
  const ask = (request: ScorerRequest): Promise<void> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<ScorerReply>) =>
        data.error === null ? resolve() : reject(new Error(data.error));
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(request);
    });
  const search = (name: TokenContender, collection: string, amount: number, every = 1): Contender<TokenContender> => ({
    ...{ name, amount },
    run: () => ask({ kind: 'score', collection, every }),
  });
  const load = async (name: TokenContender, tokens: number, threads: number): Promise<Contender<TokenContender>> => {
    onProgress(`making ${tokens} tokens for ${threads} worker${threads === 1 ? '' : 's'}`);
    await ask({ kind: 'load', collection: name, tokens, int8, threads });
    return search(name, name, tokens);
  };
  return {
    contenders: [
      await load('int8Tenth', Math.floor(whole / 10), 1),
      await load('int8Whole', whole, 1),
      search('int8Selected', 'int8Whole', whole / 100, 100),
      await load('int8TwoWorkers', whole, 2),
    ],
    close: () => worker.terminate(),
  };
}
