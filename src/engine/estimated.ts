/** Progress with an estimate of how long its phase will take, also of work that gives none of itself. */
import { createRateMeter } from '../models/hub.ts';
import type { Progress } from '../types.ts';

/** @param now milliseconds */
export function withEstimate(onProgress: (progress: Progress) => void, now?: () => number): typeof onProgress {
  const meter = createRateMeter(now);
  let phase = '';
  return (progress) => {
    if (progress.phase !== phase) meter.restart();
    phase = progress.phase;
    meter.advance(progress.done);
    const { etaSeconds } = meter.rate(progress.done, progress.total);
    onProgress(etaSeconds === undefined ? progress : { etaSeconds, ...progress });
  };
}
