/**
 * A model that was just made proves itself on this device: published rows and the order of answers on the processor, then the
 * graphics card against the processor, with fp16 too where it has that. What the processor gave is kept, and each later start is compared with it.
 */
import type { EncodedText, Encoder } from '../colbert/encoder.ts';
import type { SessionFactory } from '../colbert/session-api.ts';
import { LateralError, throwIfAborted, toLateralError } from '../errors.ts';
import { levelTexts, measureLevels } from '../models/levels.ts';
import type { LoadedStoredModel } from '../models/load-stored.ts';
import type { Calls, CheckOutcome, CheckSubject } from '../models/prepare.ts';
import { publishedSelfTest } from '../models/reference-rows.ts';
import {
  leastCosine,
  runSelfTest,
  type SelfTestCase,
  type SelfTestFile,
  type TextCalls,
  textsOf,
} from '../models/self-test.ts';
import type { EncoderDevice, SelfTestReport } from '../types.ts';

export interface CheckDevices {
  readonly runtime: SessionFactory;
  /** In this order; the first that can run the model says what the others have to agree with. */
  readonly devices: readonly EncoderDevice[];
  /** Whether the graphics card is also tried with fp16: it has 'shader-f16'. */
  readonly half: boolean;
}

/** Rows by the same weights, on another device or at another time. */
const sameWeights = { cosine: 0.99 };

/** How a model can be run. */
interface Way {
  readonly device: EncoderDevice;
  readonly half: boolean;
}

const texts: readonly { readonly kind: SelfTestCase['kind']; readonly text: string }[] = [
  { kind: 'query', text: 'Which planet is known as the Red Planet?' },
  {
    kind: 'document',
    text: 'The river silted up, and the merchants moved their warehouses to the coast. Only 40 houses were left in 1612.',
  },
  { kind: 'document', text: 'Łódź, Zürich & São Paulo: ¿qué ciudad es la más grande? 東京 مدينة' },
];

/** About 1,700 tokens, of which a model reads as many as it can. */
const longText = `${texts[1]!.text} `.repeat(64);

/** @throws 'aborted'; what the session threw where no device can run it at all */
export async function checkModel(
  model: LoadedStoredModel,
  { id, name, hasLargestDim, strict }: CheckSubject,
  { runtime, devices, half: hasHalf }: CheckDevices,
  { signal, onProgress }: Calls,
): Promise<CheckOutcome> {
  const published = publishedSelfTest(id, name, hasLargestDim);
  const hasRows = published.cases.length > 0;
  const rows = { ...published, orderings: [] };
  const orders = { ...published, cases: [] };
  const ways = devices.flatMap<Way>((device) =>
    device === 'webgpu' && hasHalf ? [false, true].map((half) => ({ device, half })) : [{ device, half: false }],
  );
  // Session; rows and order; the other device's rows; rows to keep; a long text; levels; speed.
  const stepsOfWay = 2 + textsOf(published) + 2 * texts.length + levelTexts + speedTexts;
  let step = 0;
  const tell = (): void => {
    throwIfAborted(signal);
    onProgress({ phase: 'checking', done: step++, total: ways.length * stepsOfWay, unit: 'turns' });
  };
  const eachText: TextCalls = { signal, onText: tell };
  let best: CheckOutcome | null = null;
  let reference: SelfTestFile | null = null;
  let long: Float32Array | null = null; // rows of the long text, at full precision
  let failure: LateralError | null = null;
  for (const [i, { device, half }] of ways.entries()) {
    step = i * stepsOfWay;
    tell();
    if (half && reference === null) continue; // there is nothing that it could be compared with
    let encoder: Encoder | null = null;
    try {
      const options = { quietMs: 0 }; // nobody types meanwhile
      encoder = await (half
        ? model.createHalfEncoder(runtime, options)
        : model.createEncoder(runtime, device, options));
      if (encoder === null) continue;
      tell();
      let report = await runSelfTest(encoder, rows, eachText);
      const order = await runSelfTest(encoder, orders, eachText);
      if (report.passed) report = joined(report, order, strict, hasRows);
      if (report.passed && reference !== null) report = lower(report, await runSelfTest(encoder, reference, eachText));
      const own = report.passed
        ? { model: name, tolerance: sameWeights, cases: await rowsOf(encoder, eachText) }
        : null;
      if (report.passed && hasHalf && (half || long === null)) {
        const [{ rows: now }] = (await encoder.encodeDocuments([longText], { signal })) as [EncodedText]; // 'not-finite' where it overflows
        if (long !== null) report = ofLongText(report, leastCosine(now, long, encoder.dim));
        long ??= now;
      }
      tell();
      const levels = report.passed ? await measureLevels(encoder, eachText) : null;
      const tokensPerSecond = report.passed ? await speedOf(encoder, eachText) : 0;
      if (report.passed) reference ??= own;
      const outcome = { report, device, half, devices, tokensPerSecond, hasRows, selfTest: reference, levels };
      if (best === null || (report.passed && (!best.report.passed || tokensPerSecond > best.tokensPerSecond))) {
        best = outcome;
      }
    } catch (thrown) {
      throwIfAborted(signal);
      failure ??= toLateralError(thrown); // another way may have the memory, or the range, that this one lacks
    } finally {
      await encoder?.release().catch(() => undefined);
    }
  }
  model.forgetWeights();
  step = ways.length * stepsOfWay;
  tell();
  if (best === null) throw failure ?? new LateralError('internal', 'There is no device to check a model on.');
  return best;
}

/** Rows first; the order of answers counts for models that Lateral knows, and is only said of others. That there are numbers always counts. */
function joined(rows: SelfTestReport, order: SelfTestReport, strict: boolean, hasRows: boolean): SelfTestReport {
  const elapsedMs = rows.elapsedMs + order.elapsedMs;
  if (!order.passed && (strict || Number.isNaN(order.minCosine))) return { ...order, elapsedMs };
  const first = hasRows ? 'The published rows agree' : 'No rows of it are published to compare with';
  const second = order.passed
    ? 'answers are in the right order'
    : 'the answer to the test question is not ranked first';
  return { ...rows, elapsedMs, message: `${first}; ${second}.` };
}

/** Of two tests on one device, what both say. */
function lower(a: SelfTestReport, b: SelfTestReport): SelfTestReport {
  const elapsedMs = a.elapsedMs + b.elapsedMs;
  return b.passed ? { ...a, elapsedMs } : { ...b, elapsedMs };
}

/** Values grow with a text, and a driver need not make NaN of what overflows. */
function ofLongText(report: SelfTestReport, cosine: number): SelfTestReport {
  if (cosine >= sameWeights.cosine) return report;
  const message = `The rows of a long text differ at half precision (cosine ${cosine.toFixed(4)}, ${sameWeights.cosine} is needed).`;
  return { ...report, passed: false, minCosine: Math.min(report.minCosine, cosine), message };
}

async function rowsOf(encoder: Encoder, { signal, onText }: TextCalls): Promise<SelfTestCase[]> {
  const cases: SelfTestCase[] = [];
  for (const { kind, text } of texts) {
    const { rows, sequence } =
      kind === 'query'
        ? await encoder.encodeQuery(text, signal)
        : (await encoder.encodeDocuments([text], { signal }))[0]!;
    onText?.();
    const byPosition = new Map(
      sequence.kept.map((position, i) => [position, rows.subarray(i * encoder.dim, (i + 1) * encoder.dim)]),
    );
    cases.push({
      ...{ kind, text, inputIds: sequence.inputIds },
      rows: sequence.inputIds.map((_, position) => {
        const row = byPosition.get(position);
        return row === undefined ? null : Array.from(row, (value) => Math.round(value * 1e6) / 1e6);
      }),
    });
  }
  return cases;
}

const speedTexts = 2;

/** Tokens a second, of a passage of common length, shaders compiled before. */
async function speedOf(encoder: Encoder, { signal, onText }: TextCalls): Promise<number> {
  const passage = `${texts[1]!.text} `.repeat(8);
  const encode = async (): Promise<number> => {
    const started = performance.now();
    const [encoded] = await encoder.encodeDocuments([passage], { signal });
    const elapsedMs = performance.now() - started;
    onText?.();
    return (encoded!.sequence.inputIds.length / elapsedMs) * 1000;
  };
  await encode();
  return encode();
}
