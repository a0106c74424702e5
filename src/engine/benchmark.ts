/**
 * How fast each way of comparing is on this device: the scorers of src/maxsim themselves, in turns, round after round, the best
 * round of each. They are made for it and destroyed afterwards; the open index is not touched.
 */
import { LateralError, toLateralError } from '../errors.ts';
import { firstPassages, sampleTokens, timingQuery } from '../maxsim/calibrate.ts';
import { toInt4Block } from '../maxsim/int4.ts';
import { createReferenceScorer } from '../maxsim/reference.ts';
import type { QueryRows, Scorer, ScorerBlock, VectorBlock } from '../maxsim/scorer.ts';
import type { ThreadWorker } from '../maxsim/threads.ts';
import { relaxedSimdValidates } from '../maxsim/wasm-kernels.ts';
import { createWasmScorer } from '../maxsim/wasm.ts';
import { asFloats, type BenchmarkSample } from './benchmark-sample.ts';
import type { BenchmarkFigure, BenchmarkOptions, BenchmarkResult, BenchmarkWay, CallContext } from './engine-api.ts';
import { tokensWorthMeasuring } from './scorer-choice.ts';

/** What may be used beside one thread of the processor. */
export interface BenchmarkDevices {
  /** Most threads, the caller's included. */
  readonly threads: number;
  readonly createThread?: () => ThreadWorker;
  /** A device of its own, so that whatever happens to it does not reach the index; null where there is none. */
  readonly gpu: BenchmarkGpu | null;
}

export interface BenchmarkGpu {
  readonly name: string;
  readonly software: boolean;
  createScorer(): Promise<Scorer>;
  /** Lets go of the device. */
  release(): void;
}

export const oneThread: BenchmarkDevices = { threads: 1, gpu: null };

export type BenchmarkLimits = Required<BenchmarkOptions>;

/** @throws 'invalid-argument' for a number out of range */
export function benchmarkLimits({ rounds = 5, maxTokens = sampleTokens }: BenchmarkOptions): BenchmarkLimits {
  return { rounds: within('rounds', rounds, 50), maxTokens: within('maxTokens', maxTokens, sampleTokens) };
}

/** Slow ways get few passages, and f32 as many bytes as int8: what is told is vectors a second. */
const fewTokens = { js: 2048, f32: sampleTokens / 4, softwareGpu: 4096 } as const;

/** A turn goes on searching until it is over: the clocks of some browsers are coarse. */
const turnMs = 20;

/** No further round begins after this. */
const budgetMs = 6000;

/**
 * @returns a figure for each way that this device has, in the order js, wasm, webgpu, and what could not be measured
 * @throws 'aborted'
 */
export async function runBenchmark(
  sample: BenchmarkSample,
  devices: BenchmarkDevices,
  { rounds }: BenchmarkLimits,
  { signal, onProgress }: CallContext,
): Promise<BenchmarkResult> {
  const query = timingQuery(sample.int8.dim);
  const runners: Runner[] = [];
  const failed: { way: BenchmarkWay; message: string }[] = [];
  try {
    const single = onOneThread(sample.int8);
    const counts = threadCounts(sample.int8, devices);
    // The first round warms up.
    const turns = (single.length + counts.length + (devices.gpu === null ? 0 : 1)) * (rounds + 1);
    let done = 0;
    const took = (): void => onProgress({ phase: 'measuring', done: ++done, total: turns, unit: 'turns' });
    const enter = async (contenders: readonly Contender[]): Promise<void> => {
      for (const contender of contenders) {
        await breathe(signal);
        try {
          runners.push(await ready(contender, query));
        } catch (thrown) {
          failed.push({ way: contender.way, message: toLateralError(thrown).message });
        }
        took();
      }
    };

    await enter(single);
    if (counts.length > 0) await enter(onThreads(sample.int8, devices, counts, await quickerKernel(runners, query)));
    await enter(onGpu(sample.int8, devices));

    const begun = performance.now();
    let round = 0;
    while (round < rounds && (round === 0 || performance.now() - begun < budgetMs)) {
      for (const runner of runners) {
        await breathe(signal);
        if (runner.problem === '') await turn(runner, query);
        took();
      }
      round++;
    }
    onProgress({ phase: 'measuring', done: turns, total: turns, unit: 'turns' });

    for (const { way, problem } of runners) if (problem !== '') failed.push({ way, message: problem });
    const measured = runners.filter(({ problem }) => problem === '');
    return {
      origin: sample.origin,
      dim: query.dim,
      queryRows: query.rows.length / query.dim,
      rounds: round,
      gpu: devices.gpu === null ? null : { name: devices.gpu.name, software: devices.gpu.software },
      figures: measured.map(figureOf),
      sameScores: sameScores(measured),
      failed,
    };
  } finally {
    for (const { scorer } of runners) scorer.destroy();
    devices.gpu?.release();
  }
}

interface Contender {
  readonly way: BenchmarkWay;
  readonly sample: ScorerBlock;
  readonly make: () => Promise<Scorer>;
}

/** A contender at work. */
interface Runner {
  readonly way: BenchmarkWay;
  readonly scorer: Scorer;
  readonly numTokens: number;
  /** One for each of its passages. */
  readonly scores: Float32Array;
  bestMs: number;
  /** Why it is out of the race, or ''. */
  problem: string;
}

const processor = { kind: 'wasm', precision: 'int8', threads: 1 } as const;

function onOneThread(int8: VectorBlock): Contender[] {
  const contenders: Contender[] = [
    {
      way: { kind: 'js', precision: 'int8', kernel: 'loops', threads: 1 },
      sample: firstPassages(int8, fewTokens.js),
      make: () => Promise.resolve(createReferenceScorer()),
    },
    {
      way: { ...processor, precision: 'f32', kernel: 'simd' },
      sample: asFloats(firstPassages(int8, fewTokens.f32)),
      make: () => createWasmScorer({ int8: 'plain' }),
    },
    { way: { ...processor, kernel: 'simd' }, sample: int8, make: () => createWasmScorer({ int8: 'plain' }) },
  ];
  if (relaxedSimdValidates()) {
    const make = (): Promise<Scorer> => createWasmScorer({ int8: 'relaxed' });
    contenders.push({ way: { ...processor, kernel: 'relaxed-simd' }, sample: int8, make });
  }
  // What "Memory for search" costs or brings: the quickest kernel on half of the bytes.
  const { way, make } = contenders.at(-1)!;
  contenders.push({ way: { ...way, precision: 'int4' }, sample: toInt4Block(int8), make });
  return contenders;
}

type Int8Kernel = 'simd' | 'relaxed-simd';

function onThreads(
  int8: VectorBlock,
  { createThread }: BenchmarkDevices,
  counts: readonly number[],
  kernel: Int8Kernel,
): Contender[] {
  if (createThread === undefined) return [];
  const choice = kernel === 'simd' ? 'plain' : 'relaxed';
  return counts.map((threads) => ({
    way: { ...processor, kernel, threads },
    sample: int8,
    make: () => createWasmScorer({ int8: choice, threads, createThread, calibrate: false }),
  }));
}

function onGpu(int8: VectorBlock, { gpu }: BenchmarkDevices): Contender[] {
  if (gpu === null) return [];
  const way = { kind: 'webgpu', precision: 'int8', kernel: 'wgsl', threads: 0 } as const;
  const sample = gpu.software ? firstPassages(int8, fewTokens.softwareGpu) : int8;
  return [{ way, sample, make: () => gpu.createScorer() }];
}

/** 2, 4, 8 … and all of them; none where the sample is so small that one thread searches it alone. */
function threadCounts(int8: VectorBlock, { threads, createThread }: BenchmarkDevices): number[] {
  if (createThread === undefined || threads < 2 || numTokensOf(int8) < tokensWorthMeasuring) return [];
  return [...new Set([2, 4, 8, 16, threads])].filter((count) => count <= threads).sort((a, b) => a - b);
}

/** Of the two that are at work on one thread, by turns that count. */
async function quickerKernel(runners: readonly Runner[], query: QueryRows): Promise<Int8Kernel> {
  const both = runners.filter(({ way }) => way.kind === 'wasm' && way.precision === 'int8');
  for (let round = 0; round < 3; round++) for (const runner of both) await turn(runner, query);
  const [quickest] = both.toSorted((a, b) => a.bestMs - b.bestMs);
  return quickest?.way.kernel === 'relaxed-simd' ? 'relaxed-simd' : 'simd';
}

/** Made, loaded, and searched once. */
async function ready({ way, sample, make }: Contender, query: QueryRows): Promise<Runner> {
  const scorer = await make();
  try {
    await scorer.load(sample);
    if (scorer.threads !== way.threads) {
      throw new LateralError('worker-failed', `${way.threads} threads were asked for, and ${scorer.threads} started.`);
    }
    const scores = await scorer.score(query);
    return { way, scorer, numTokens: numTokensOf(sample), scores, bestMs: Infinity, problem: '' };
  } catch (error) {
    scorer.destroy();
    throw error;
  }
}

async function turn(runner: Runner, query: QueryRows): Promise<void> {
  const started = performance.now();
  let searches = 0;
  let taken: number;
  try {
    do {
      await runner.scorer.score(query);
      searches++;
      taken = performance.now() - started;
    } while (taken < turnMs);
    runner.bestMs = Math.min(runner.bestMs, taken / searches);
    if (runner.scorer.threads !== runner.way.threads) runner.problem = 'A thread died.';
  } catch (thrown) {
    runner.problem = toLateralError(thrown).message;
  }
}

function figureOf({ way, numTokens, bestMs }: Runner): BenchmarkFigure {
  return { ...way, tokens: numTokens, bestMs, tokensPerSecond: (numTokens / bestMs) * 1000 };
}

/** Whether all int8 ways gave the passages that they share the same scores, bit for bit. */
function sameScores(runners: readonly Runner[]): boolean {
  const [first, ...others] = runners.filter(({ way }) => way.precision === 'int8');
  if (first === undefined) return true;
  return others.every(({ scores }) =>
    scores.subarray(0, first.scores.length).every((score, passage) => score === first.scores[passage]),
  );
}

/** Lets messages in, a cancel among them. */
async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  if (signal.aborted) throw new LateralError('aborted', 'Stopped on request.');
}

const numTokensOf = ({ offsets }: ScorerBlock): number => offsets.at(-1)!;

function within(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new LateralError('invalid-argument', `${name} is ${value}; whole numbers from 1 to ${most} are possible.`);
}
