/** In the page: makes the contenders, lets them race, and answers the questions that need no clock. bench/maxsim.ts calls it. */
import { race, type Contender } from '../race.ts';
import type { ResidentPrecision } from '../../src/types.ts';
import type { Measured, MeasureOptions, TokenContender } from '../results.ts';
import { compareScorers } from './agreement.ts';
import { cpuContenders } from './cpu.ts';
import { openBenchGpu } from './gpu.ts';
import { ortWasmContender } from './ort.ts';
import { fillStore, type Opened, openStored } from './opening.ts';
import { measureOverlap } from './overlap.ts';
import { maxsimWebContender } from './peer.ts';
import { makeSample } from './sample.ts';
import { scaleContenders } from './scale.ts';
import { prepareStorage } from './storage.ts';

/** Slow contenders run on no more than this many tokens; ratios are per token. */
const mostSampleTokens = 100_000;
/** From here on the given size is the larger of the two that are compared, below it the smaller. */
const largeTokens = 1_000_000;

declare global {
  // Called by Node.
  var measure: (options: MeasureOptions) => Promise<Measured>;
  var fillIndex: (numTokens: number) => Promise<void>;
  var openStoredIndex: (precision: ResidentPrecision) => Promise<Opened>;
  // Set by Node.
  var progress: (text: string) => void;
}

globalThis.fillIndex = (numTokens) => fillStore(numTokens, progress);
globalThis.openStoredIndex = openStored;

globalThis.measure = async ({ tokens, rounds, hasMaxsimWeb }) => {
  const notes: string[] = [];
  const sample = makeSample(Math.min(tokens, mostSampleTokens));
  const contenders: Contender<TokenContender>[] = [];
  /** Leaves out what cannot run here, and says so. */
  const tryToAdd = async (what: string, make: () => Promise<readonly Contender<TokenContender>[]>): Promise<void> => {
    progress(`preparing ${what}`);
    try {
      contenders.push(...(await make()));
    } catch (error) {
      notes.push(`${what} did not run: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  progress('choosing the int8 kernel');
  const cpu = await cpuContenders(sample);
  contenders.push(...cpu.contenders);
  await tryToAdd('ONNX Runtime Web on WebAssembly', () => ortWasmContender(sample));
  if (hasMaxsimWeb) await tryToAdd('maxsim-web', () => maxsimWebContender(sample));
  else notes.push('maxsim-web is not installed (`npm install --no-save maxsim-web`), so nothing was compared with it.');

  const whole = tokens < largeTokens ? 10 * tokens : tokens;
  const scale = await scaleContenders(whole, cpu.bestInt8Kernel === 'wasmInt8' ? 'plain' : 'relaxed', (text) =>
    progress(text),
  );
  contenders.push(...scale.contenders);

  const gpu = await openBenchGpu().catch((error: unknown) => {
    notes.push(`WebGPU did not run: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  });
  if (gpu !== null) {
    await tryToAdd('our WGSL', () => gpu.ours());
    await tryToAdd('naive WGSL', () => gpu.naive());
    await tryToAdd('ONNX Runtime Web on WebGPU', () => gpu.ort());
  }

  const onRound = (round: number): void => progress(`round ${round} of ${rounds}`);
  const timings = await race(contenders, { rounds, onRound });
  scale.close();

  progress('comparing scores');
  const agreement = await compareScorers(gpu?.device ?? null);
  const overlap = await measureOverlap();

  progress('writing a collection to read');
  const storage = await prepareStorage();
  try {
    const storageTimings = await race(storage.contenders, { rounds });
    return {
      gpu: gpu?.info ?? null,
      bestInt8Kernel: cpu.bestInt8Kernel,
      tokens: timings,
      storage: storageTimings,
      agreement,
      overlap,
      notes,
    };
  } finally {
    await storage.close();
  }
};
