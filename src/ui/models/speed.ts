/** How quickly the model that comes with Lateral reads here: others are measured when they are checked, this one while it is in use. */
import { useEffect } from 'react';
import type { LateralIndex } from '../../index.ts';
import { useIndex, useStatus } from '../state/index-context.tsx';
import { preferences, setPreferences } from '../state/preferences.ts';
import { builtInModel } from './describe.ts';
import { useModelInUse } from './ModelsProvider.tsx';

/** About as long as passages are, and without signs, of which no vectors would be given. */
const passage = 'When the river silted up the merchants moved their warehouses to the coast '.repeat(14);

/** Tokens a second; shaders are compiled before. */
export async function measureSpeed(index: Pick<LateralIndex, 'embed'>, signal?: AbortSignal): Promise<number> {
  const read = async (): Promise<number> => {
    const started = performance.now();
    const [embedded] = await index.embed([passage], { inputType: 'document', ...(signal && { signal }) });
    return (embedded!.rows.length / embedded!.dim / (performance.now() - started)) * 1000;
  };
  await read();
  return read();
}

/** Measures it once for each of its versions and devices, while nothing else is read. */
export function useBuiltInSpeed(): void {
  const { index } = useIndex();
  const status = useStatus();
  const isInUse = useModelInUse() === builtInModel;
  const model = status?.model ?? '';
  const device = status?.encoder?.kind ?? null;
  const isIdle = status?.state === 'ready' && status.progress === null && status.unencoded === 0;
  useEffect(() => {
    const known = preferences().builtInSpeed;
    if (index === null || device === null || !isInUse || !isIdle) return;
    if (known?.model === model && known.device === device) return;
    const stop = new AbortController();
    void measureSpeed(index, stop.signal).then(
      (rate) => {
        const tokensPerSecond = Math.round(rate);
        if (!stop.signal.aborted && tokensPerSecond > 0)
          setPreferences({ builtInSpeed: { model, device, tokensPerSecond } });
      },
      () => undefined, // closed or lost meanwhile: next time
    );
    return () => stop.abort();
  }, [index, isInUse, isIdle, model, device]);
}
