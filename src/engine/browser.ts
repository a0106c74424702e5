/**
 * The engine's parts in a browser's worker: IndexedDB, ONNX Runtime Web, and one graphics device shared by encoder and
 * scorer. Chooses what runs where, and says why in words for the page.
 */
import { createBrowserRuntime } from '../colbert/session.ts';
import type { SessionFactory } from '../colbert/session-api.ts';
import type { Encoder } from '../colbert/encoder.ts';
import { LateralError, toLateralError } from '../errors.ts';
import { onLost, requestGpu, type Gpu } from '../gpu/device.ts';
import { createGpuScorer } from '../maxsim/gpu.ts';
import { createReferenceScorer } from '../maxsim/reference.ts';
import type { Scorer } from '../maxsim/scorer.ts';
import { createSplitScorer } from '../maxsim/split.ts';
import { createWasmScorer } from '../maxsim/wasm.ts';
import { fetchModelFiles } from '../models/files.ts';
import { loadModel, type LoadedModel } from '../models/load.ts';
import { embeddedModel, modelName, type ModelEntry } from '../models/registry.ts';
import { runSelfTest } from '../models/self-test.ts';
import { storedEntry, type StoredEntry } from '../models/stored-entry.ts';
import { recallMeasured, rememberMeasured } from '../store/idb-device.ts';
import { openIdbStore } from '../store/idb-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { SelfTestReport } from '../types.ts';
import { appBytesOf } from './app-bytes.ts';
import { openModelStore } from './browser-models.ts';
import type { Engine, OpenOptions } from './engine-api.ts';
import { createWorkerExtraction } from './extraction-worker.ts';
import { calibrate, quickest, type Calibration, type StoredVectors } from './scorer-choice.ts';
import { createEngine, type ChosenEncoder, type ChosenScorer, type EngineParts } from './engine.ts';
import { createWebLocks } from './tab-locks.ts';
import { threadCount } from './threads.ts';

export function createBrowserEngine(): Engine {
  return createEngine(createBrowserParts());
}

type OnBytes = (done: number, total: number) => void;

/** Two losses within this time, and the graphics card is left alone. */
const lossWindowMs = 60_000;

function createBrowserParts(): EngineParts {
  let gpu: Promise<Gpu | LateralError> | null = null;
  let present: Gpu | null = null;
  let losses: number[] = [];
  let runtime: SessionFactory | null = null;
  let reload: (() => Promise<LoadedModel>) | null = null;
  let openOptions: OpenOptions = {};
  let stored: StoredEntry | null = null;
  let overflowed = false; // fp16 did, in this index: it is not tried again

  /** The one device, or why there is none. */
  const useGpu = (): Promise<Gpu | LateralError> =>
    (gpu ??= requestGpu().then(
      (found) => {
        present = found;
        onLost(found.device, () => {
          losses = [...losses.filter((at) => performance.now() - at < lossWindowMs), performance.now()];
          gpu = null;
          present = null;
        });
        return found;
      },
      (error: unknown) => toLateralError(error),
    ));

  const tooManyLosses = (): boolean => losses.length >= 2;

  /** A device that may be used: any when forced, a real one otherwise. The string says why not. */
  async function usableGpu(forced: boolean): Promise<Gpu | string> {
    if (tooManyLosses())
      return 'The graphics card stopped answering twice, so the processor is used until the next start.';
    const found = await useGpu();
    if (found instanceof LateralError) return 'This browser gives pages no graphics card to compute with.';
    if (found.info.software && !forced) {
      return `The only graphics adapter here (${found.info.name}) is a software one, slower than the processor.`;
    }
    return found;
  }

  async function createRuntime(options: OpenOptions): Promise<SessionFactory> {
    const wanted = options.encoder !== 'wasm' ? await usableGpu(options.encoder === 'webgpu') : null;
    const gpuDevice = wanted === null || typeof wanted === 'string' ? null : wanted.device;
    return createBrowserRuntime({
      ortUrl: new URL('ort/', baseUrlOf(options)).href,
      threads: threadCount(),
      gpuDevice: () => present?.device ?? gpuDevice,
      useGpu: gpuDevice !== null,
    });
  }

  async function chooseEncoder(
    entry: ModelEntry,
    options: OpenOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<ChosenEncoder> {
    openOptions = options;
    overflowed = false;
    const load = loaderOf(entry, options);
    reload = () => load();
    const [model, factory] = await Promise.all([load(onProgress), createRuntime(options)]);
    runtime = factory;
    try {
      return await pickEncoder(model, factory, options);
    } finally {
      model.forgetWeights();
    }
  }

  function loaderOf(entry: ModelEntry, options: OpenOptions): (onProgress?: OnBytes) => Promise<LoadedModel> {
    const embedded = embeddedModel(entry.id);
    if (embedded !== null) {
      const files = fetchModelFiles(new URL(`models/${embedded.folder}/`, baseUrlOf(options)).href);
      return (onProgress) => loadModel(embedded, files, onProgress);
    }
    const found = stored!; // `findModel` has found it
    return async (onProgress) => ({ ...(await found.load(onProgress)), entry, selfTest: found.selfTest });
  }

  async function pickEncoder(
    model: LoadedModel,
    factory: SessionFactory,
    options: OpenOptions,
  ): Promise<ChosenEncoder> {
    const forced = options.encoder === 'webgpu';
    // Of a large model there is never more than one session: when it was prepared, both were measured.
    const settled = stored?.entry === model.entry ? stored.device : null; // null: no graphics card was there
    const usable =
      options.encoder === 'wasm'
        ? 'Chosen in the settings.'
        : settled === 'wasm' && !forced
          ? 'When the model was prepared, the graphics card was slower, or failed its check.'
          : await usableGpu(forced);
    const selfTests: SelfTestReport[] = [];
    let reason = typeof usable === 'string' ? usable : '';
    let onGpu: Encoder | null = null;

    if (typeof usable !== 'string') {
      const isHalf = stored?.entry === model.entry && stored.half && usable.info.features.includes('shader-f16');
      const half = isHalf ? await tryHalf(model, factory, selfTests) : '';
      const tried =
        typeof half === 'string'
          ? await tryEncoder(model, () => model.createEncoder(factory, 'webgpu'), 'webgpu', selfTests)
          : half;
      if (typeof tried === 'string') {
        reason = `Your graphics card failed a start-up check, so Lateral uses the processor. Results are right; reading is slower. (${tried})`;
      } else if (forced || settled !== null) {
        const why = forced ? 'Chosen in the settings.' : 'It was the quicker one when the model was prepared.';
        const precision = typeof half === 'string' ? half : 'Half precision was quicker still.';
        const choice = { kind: 'webgpu', half: tried.half, reason: `${why} ${precision}`.trim(), forced } as const;
        return { encoder: tried, choice, selfTests };
      } else {
        onGpu = tried;
      }
    }

    const onCpu = await tryEncoder(model, () => model.createEncoder(factory, 'wasm'), 'wasm', selfTests).catch(
      (thrown: unknown) => {
        if (onGpu === null) throw thrown;
        return toLateralError(thrown).message;
      },
    );
    if (typeof onCpu === 'string') {
      if (onGpu !== null) {
        return {
          encoder: onGpu,
          choice: { kind: 'webgpu', reason: `The processor failed its check. (${onCpu})`, forced: false },
          selfTests,
        };
      }
      throw new LateralError(
        'self-test-failed',
        `${modelName(model.entry)} does not give the right numbers on this device. ${onCpu}`,
      );
    }
    if (onGpu === null) {
      return { encoder: onCpu, choice: { kind: 'wasm', reason, forced: options.encoder === 'wasm' }, selfTests };
    }

    // Small models can be quicker on the processor: what is measured here decides.
    const [gpuMs, cpuMs] = [await timeEncoding(onGpu), await timeEncoding(onCpu)];
    const gpuWins = gpuMs < cpuMs;
    await (gpuWins ? onCpu : onGpu).release();
    const figures = `A passage took ${gpuMs.toFixed(0)} ms on the graphics card, ${cpuMs.toFixed(0)} ms on the processor.`;
    return {
      encoder: gpuWins ? onGpu : onCpu,
      choice: { kind: gpuWins ? 'webgpu' : 'wasm', reason: figures, forced: false },
      selfTests,
    };
  }

  /** At half precision, or a sentence on why not. */
  async function tryHalf(
    model: LoadedModel,
    factory: SessionFactory,
    selfTests: SelfTestReport[],
  ): Promise<Encoder | string> {
    const instead = 'so the graphics card computes at full precision.';
    if (overflowed) return `A text left the range of half precision, ${instead}`;
    const create = async (): Promise<Encoder | null> => (await model.createHalfEncoder?.(factory)) ?? null;
    const tried = await tryEncoder(model, create, 'webgpu', selfTests);
    return typeof tried === 'string' ? `Half precision failed its start-up check, ${instead} (${tried})` : tried;
  }

  async function chooseScorer(options: OpenOptions, stored?: Promise<StoredVectors>): Promise<ChosenScorer> {
    const wanted = options.scorer ?? 'auto';
    if (wanted === 'js') {
      return {
        scorer: createReferenceScorer(),
        choice: { kind: 'js', reason: 'Chosen in the settings.', forced: true },
      };
    }
    let reason = 'Chosen in the settings.';
    if (wanted !== 'wasm') {
      const usable = await usableGpu(wanted === 'webgpu');
      if (typeof usable === 'string') {
        reason = usable;
      } else {
        // What the graphics card has no memory for is compared by the processor.
        const makeGpuScorer = async (): Promise<Scorer> =>
          createSplitScorer(await createGpuScorer(usable.device), makeWasmScorer);
        const choice = { kind: 'webgpu', reason, forced: wanted === 'webgpu' } as const;
        try {
          if (choice.forced || stored === undefined) return { scorer: await makeGpuScorer(), choice };
          const makers = { webgpu: () => createGpuScorer(usable.device), wasm: makeWasmScorer };
          const measured = await calibrate(deviceKey(usable, options), await stored, makers, deviceMemory);
          reason =
            measured === null ? 'With so few passages the processor answers at once.' : measuredSentence(measured);
          if (measured !== null && quickest(measured).kind === 'webgpu') {
            return { scorer: await makeGpuScorer(), choice: { ...choice, reason } };
          }
        } catch (error) {
          reason = `The graphics card could not be used: ${toLateralError(error).message}`;
        }
      }
    }
    const forced = wanted === 'wasm';
    try {
      return { scorer: await makeWasmScorer(), choice: { kind: 'wasm', reason, forced } };
    } catch (error) {
      return {
        scorer: createReferenceScorer(),
        choice: {
          kind: 'js',
          reason: `WebAssembly could not be used: ${toLateralError(error).message}`,
          forced: false,
        },
      };
    }
  }

  return {
    async openStore(options) {
      const name = options.name ?? 'default';
      if (options.storage === 'memory') return { store: createMemoryStore(name), warning: '' };
      try {
        const store = await openIdbStore(name);
        // Missing outside secure contexts, whatever its type says.
        const locks = navigator.locks as LockManager | undefined;
        return { store, warning: '', ...(locks === undefined ? {} : { locks: createWebLocks(locks) }) };
      } catch (thrown) {
        const error = toLateralError(thrown);
        if (error.code !== 'storage-unavailable') throw error;
        return {
          store: createMemoryStore(name),
          warning: 'This browser window keeps nothing: documents disappear when you close it.',
        };
      }
    },
    async findModel(id) {
      const embedded = embeddedModel(id);
      if (embedded !== null) return embedded;
      stored = await storedEntry(openModelStore(), id);
      return stored.entry;
    },
    chooseEncoder,
    chooseScorer,

    async replaceEncoder({ code }) {
      if (reload === null || runtime === null) return null;
      if (code === 'not-finite') overflowed = true;
      const model = await reload();
      try {
        return await pickEncoder(model, runtime, openOptions);
      } finally {
        model.forgetWeights();
      }
    },

    replaceScorer: async (error) =>
      // Out of memory on the graphics card: the processor has more.
      chooseScorer(error.code === 'out-of-memory' ? { ...openOptions, scorer: 'wasm' } : openOptions),

    async benchmarkDevices() {
      const own = tooManyLosses() ? null : await requestGpu().catch(() => null);
      return {
        threads: threadCount(),
        createThread: createScoringThread,
        gpu:
          own === null
            ? null
            : {
                name: own.info.name,
                software: own.info.software,
                createScorer: () => createGpuScorer(own.device),
                release: () => own.device.destroy(),
              },
      };
    },

    extraction: createWorkerExtraction({ pdfFilesUrl: () => new URL('pdf/', baseUrlOf(openOptions)).href }),
    runtimeFiles: () => runtime?.files ?? [],
    gpu: () => (present === null ? null : { name: present.info.name, software: present.info.software }),

    async estimate() {
      // navigator.storage is missing outside secure contexts, whatever its type says.
      const storage = navigator.storage as StorageManager | undefined;
      const [estimate, persisted] = await Promise.all([storage?.estimate(), storage?.persisted()]);
      return {
        usageBytes: estimate?.usage ?? null,
        appBytes: estimate === undefined ? null : await appBytesOf(estimate),
        quotaBytes: estimate?.quota ?? null,
        persisted: persisted ?? null,
      };
    },
  };
}

/** An encoder that passed its self-test on this device, or why there is none. */
async function tryEncoder(
  model: LoadedModel,
  create: () => Promise<Encoder | null>,
  device: 'wasm' | 'webgpu',
  selfTests: SelfTestReport[],
): Promise<Encoder | string> {
  let encoder: Encoder | null = null;
  try {
    encoder = await create();
    if (encoder === null) return 'The model has nothing that could be computed so.';
    const report = await runSelfTest(encoder, model.selfTest);
    selfTests.push(report);
    if (report.passed) return encoder;
    await encoder.release();
    return report.message;
  } catch (thrown) {
    await encoder?.release().catch(() => undefined);
    const error = toLateralError(thrown);
    if (device === 'wasm') throw error; // nothing is left to fall back to
    return error.message;
  }
}

/** Milliseconds for a passage of common length, shaders compiled before. */
async function timeEncoding(encoder: Encoder): Promise<number> {
  const passage = 'When the river silted up, the merchants moved their warehouses to the coast. '.repeat(12);
  await encoder.encodeDocuments([passage]);
  const started = performance.now();
  await encoder.encodeDocuments([passage]);
  return performance.now() - started;
}

const createScoringThread = (): Worker =>
  new Worker(new URL('../../workers/maxsim.worker.ts', import.meta.url), { type: 'module', name: 'maxsim' });

const makeWasmScorer = (): Promise<Scorer> =>
  createWasmScorer({ threads: threadCount(), createThread: createScoringThread });

const deviceMemory = { recall: recallMeasured, remember: rememberMeasured };

/** Figures hold for this browser on these devices, and for vectors of one kind. */
function deviceKey({ info }: Gpu, { dim, precision, residentPrecision = 'stored' }: OpenOptions): string {
  const { userAgent, hardwareConcurrency } = navigator;
  return JSON.stringify([
    'scorer',
    userAgent,
    info.name,
    hardwareConcurrency,
    self.crossOriginIsolated,
    dim,
    precision,
    residentPrecision,
  ]);
}

function measuredSentence({ figures }: Calibration): string {
  const parts = figures.map(
    ({ kind, tokensPerSecond }) =>
      `${(tokensPerSecond / 1e6).toFixed(0)} million token vectors a second on the ${kind === 'webgpu' ? 'graphics card' : 'processor'}`,
  );
  return `Measured here: ${parts.join(', ')}.`;
}

function baseUrlOf(options: OpenOptions): string {
  return new URL(options.baseUrl ?? './', self.location.href).href;
}
