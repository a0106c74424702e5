/** What is said while files are read, and at the end. */
import type { Progress } from '../../index.ts';
import { count, duration, number, spokenTime } from '../format.ts';
import { words } from './labels.ts';

/** Where the reading is, as far as words need it. */
export interface Reading {
  readonly step: Progress['phase'];
  readonly done: number;
  readonly total: number;
  readonly etaSeconds?: number;
}

/** What is shown while documents of another model are read again. */
export function rereadingLine({ phase, done, total, etaSeconds }: Progress): string {
  if (phase === 'waiting') return 'Another tab is reading your documents again.';
  const line = `Reading ${number(Math.min(done + 1, total))} of ${count(total, 'document')} again`;
  return etaSeconds === undefined ? line : `${line} · about ${duration(etaSeconds)} left`;
}

/** What is shown while files are read. */
export function progressLine({ step, done, total, etaSeconds }: Reading): string {
  if (step === 'keeping') return `Storing ${count(total, 'file')} safely`;
  if (step === 'waiting') return 'Another tab is reading. These files come after it.';
  if (step === 'loading-model') return words.gettingReady;
  const line = `Reading ${number(Math.min(done + 1, total))} of ${count(total, 'file')}`;
  return etaSeconds === undefined ? line : `${line} · about ${duration(etaSeconds)} left`;
}

/** The same for assistive technology. */
export function progressValue({ done, total, etaSeconds }: Reading): string {
  const value = `${number(done)} of ${count(total, 'file')}`;
  return etaSeconds === undefined ? value : `${value}, about ${spokenTime(duration(etaSeconds))} left`;
}

/** What is said once the reading ended. */
export function outcome(ready: number, failed: number, stopped: boolean): string {
  if (stopped) return `Stopped. ${count(ready, 'file')} ${ready === 1 ? 'is' : 'are'} ready.`;
  if (failed === 0) return `${count(ready, 'file')} ready`;
  return `${number(ready)} ready, ${number(failed)} ${failed === 1 ? 'needs' : 'need'} attention`;
}
