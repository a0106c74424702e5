/** Runs steps where a page's own thread may not: with synchronous handles. */
import { toWireError, type WireError } from '../../errors.ts';
import { steps, type StepName } from './opfs-steps.ts';

export interface StepCall {
  readonly step: StepName;
  readonly root: string;
  readonly stopAt?: number | undefined;
}

export type StepAnswer = { readonly value: unknown } | { readonly error: WireError };

self.addEventListener('message', (event: MessageEvent<StepCall>) => {
  const { step, root, stopAt } = event.data;
  (steps as Record<StepName, (root: string, stopAt?: number) => Promise<unknown>>)[step](root, stopAt).then(
    (value) => self.postMessage({ value } satisfies StepAnswer),
    (error: unknown) => self.postMessage({ error: toWireError(error) } satisfies StepAnswer),
  );
});
