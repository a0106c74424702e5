/** Turns what was timed into ratios and figures, and those into JSON or a table. Pure. */
import { goals, goalValue, judge } from './goals.ts';
import { rateOf, speedup } from './race.ts';
import {
  batchQueries,
  dim,
  operationsPerToken,
  queryRows,
  type Measured,
  type Ratios,
  type Timing,
} from './results.ts';
import { columns, rounded, shown } from './table.ts';

/** From here on the relaxed dot product must be one instruction: without VNNI it is no quicker than the plain kernel. */
export const vnniThreshold = 1.5;

export interface Environment {
  readonly commit: string;
  readonly browser: string;
  readonly cpu: { readonly name: string; readonly cores: number };
  readonly rounds: number;
}

export type Report = ReturnType<typeof toReport>;

export function toReport(measured: Measured, { commit, browser, cpu, rounds }: Environment) {
  const { gpu, tokens, storage, agreement, overlap, notes } = measured;
  return {
    commit,
    browser,
    device: { cpu, gpu },
    ratios: ratiosOf(measured),
    figures: {
      rounds,
      dim,
      queryRows,
      batchQueries,
      operationsPerToken,
      vnniThreshold,
      contenders: Object.fromEntries(tokens.map((timing) => [timing.name, tokenFigures(timing)])),
      storage: Object.fromEntries(storage.map((timing) => [timing.name, storageFigures(timing)])),
      agreement: agreement.scorers,
      overlap: { queries: overlap.queries, passages: overlap.passages },
      notes,
    },
  };
}

export function ratiosOf({ tokens, storage, agreement, overlap, bestInt8Kernel }: Measured): Ratios {
  const tenth = tokens.find(({ name }) => name === 'int8Tenth');
  const whole = tokens.find(({ name }) => name === 'int8Whole');
  const selected = tokens.find(({ name }) => name === 'int8Selected');
  return rounded({
    wasmF32OverJs: speedup(tokens, 'wasmF32', 'js'),
    int8OverJs: speedup(tokens, bestInt8Kernel, 'js'),
    int8OverMaxsimWeb: speedup(tokens, bestInt8Kernel, 'maxsimWeb'),
    int8OverOrtMatMul: speedup(tokens, bestInt8Kernel, 'ortMatMul'),
    twoWorkersOverOne: speedup(tokens, 'int8TwoWorkers', 'int8Whole'),
    batchOverSingle: speedup(tokens, 'int8Batch', bestInt8Kernel),
    wgslBatchOverSingle: speedup(tokens, 'wgslInt8Batch', 'wgslInt8'),
    wgslOverNaiveWgsl: speedup(tokens, 'wgslInt8', 'wgslNaive'),
    wgslOverOrtWebgpu: speedup(tokens, 'wgslInt8', 'ortWebgpuMatMul'),
    timeForTenTimesTokens: tenth && whole ? whole.bestMs / tenth.bestMs : null,
    timeForOnePercent: selected && whole ? selected.bestMs / whole.bestMs : null,
    int8Top10Overlap: overlap.share,
    integerBitEqual: agreement.equal,
    blocksOverPerDocument: speedup(storage, 'blocks', 'perDocument'),
    vnniSeen: (speedup(tokens, 'wasmInt8Relaxed', 'wasmInt8') ?? 0) >= vnniThreshold,
    bestInt8Kernel: bestInt8Kernel === 'wasmInt8' ? 'int8' : 'int8-relaxed',
  });
}

/** For people: the ratios beside their goals, then the speeds they come from. */
export function toTable({ commit, browser, device, ratios, figures }: Report): string {
  const gpu =
    device.gpu === null
      ? 'no WebGPU'
      : `${device.gpu.name}${device.gpu.software ? ' (a software adapter: right, but no measure of a graphics card)' : ''}`;
  const ratioRows = goals.map((goal) => {
    const value = ratios[goal.ratio];
    const wanted = { least: '≥ ', most: '≤ ', true: '' }[goal.kind];
    const target = goal.kind === 'true' ? 'yes' : String(goalValue(goal, ratios.vnniSeen));
    return [goal.label, shown(value), wanted + target, judge(goal, ratios)];
  });
  const speedRows = Object.entries(figures.contenders).map(([name, figure]) => [
    name,
    shown(figure.megatokensPerSecond),
    shown(figure.gigaflopsPerSecond),
    `${shown(figure.bestMs)} ms`,
    String(figure.tokens),
  ]);
  const storageRows = Object.entries(figures.storage).map(([name, figure]) => [
    name,
    shown(figure.mebibytesPerSecond),
    `${shown(figure.bestMs)} ms`,
    String(figure.bytes),
  ]);
  return [
    `Commit ${commit}, Chromium ${browser}`,
    `${device.cpu.name}, ${device.cpu.cores} cores; ${gpu}`,
    `Best of ${figures.rounds} interleaved rounds; the quicker int8 kernel is ${ratios.bestInt8Kernel}, VNNI ${ratios.vnniSeen ? 'seen' : 'not seen'}`,
    '',
    ...columns([['ratio', 'value', 'goal', ''], ...ratioRows]),
    '',
    ...columns([['contender', 'Mtoken/s', 'GFLOP/s', 'best run', 'tokens'], ...speedRows]),
    '',
    ...columns([['storage', 'MiB/s', 'best run', 'bytes'], ...storageRows]),
    ...figures.notes.map((note) => `\nNote: ${note}`),
  ].join('\n');
}

function tokenFigures(timing: Timing) {
  const perSecond = rateOf(timing);
  return rounded({
    tokens: timing.amount,
    bestMs: timing.bestMs,
    runs: timing.runs,
    megatokensPerSecond: perSecond / 1e6,
    gigaflopsPerSecond: (perSecond * operationsPerToken) / 1e9,
  });
}

function storageFigures(timing: Timing) {
  const mebibytesPerSecond = rateOf(timing) / 2 ** 20;
  return rounded({ bytes: timing.amount, bestMs: timing.bestMs, runs: timing.runs, mebibytesPerSecond });
}
