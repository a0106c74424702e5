/**
 * How fast a model encodes in headless Chromium, on WebAssembly, and how much memory one long document takes.
 *
 *     node bench/encoding.mjs public/models/lateral-mini [--file onnx/model_q4.onnx] [--longest 8192] [--threads 2]
 *
 * Prints JSON: tokens per second for sequences of several lengths (one at a time, best of several runs), and for the longest the
 * time and the peak memory of the browser's process that ran it. Lengths over what the model takes are left out.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openPage, runtimeFiles } from './browser.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string', default: 'onnx/model_q4.onnx' },
    longest: { type: 'string', default: '8192' },
    threads: { type: 'string', default: '2' },
  },
});
const folder = positionals[0] ?? 'public/models/lateral-mini';
const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
const threads = Number(values.threads);
const longest = Math.min(Number(values.longest), config.max_position_embeddings ?? Infinity);
const lengths = [32, 64, 128, 256, 512, 2048].filter((length) => length < longest);

const { browser, page, origin, close } = await openPage([
  ['/', { body: '<!doctype html><title>bench</title>' }],
  ['/model.onnx', { path: join(folder, values.file) }],
  ...runtimeFiles(),
]);
try {
  await page.evaluate(load, { origin, threads });
  const tokensPerSecond = {};
  for (const length of lengths) tokensPerSecond[length] = Math.round(await page.evaluate(encode, length));
  const idle = await rendererMemory(browser);
  const rate = await page.evaluate(encode, longest);
  const peak = await rendererMemory(browser);
  console.log(
    JSON.stringify(
      {
        model: folder,
        browser: browser.version(),
        threads,
        tokensPerSecond,
        longest: { tokens: longest, tokensPerSecond: Math.round(rate), peakMegabytes: peak, peakBeforeMegabytes: idle },
      },
      null,
      2,
    ),
  );
} finally {
  await close();
}

/** In the page: the session that src/colbert/session.ts makes where there is no graphics card. */
async function load({ origin, threads }) {
  const ort = await import(`${origin}ort/ort.wasm.min.mjs`);
  ort.env.wasm.wasmPaths = `${origin}ort/`;
  ort.env.wasm.numThreads = threads;
  const model = new Uint8Array(await (await fetch(`${origin}model.onnx`)).arrayBuffer());
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  Object.assign(window, { ort, session });
}

/** In the page. @returns tokens per second, the best of several runs */
async function encode(length) {
  const { ort, session } = window;
  const ids = BigInt64Array.from({ length }, (_, i) => BigInt(1000 + ((i * 7919) % 9000)));
  const feeds = () => ({
    input_ids: new ort.Tensor('int64', ids.slice(), [1, length]),
    attention_mask: new ort.Tensor('int64', new BigInt64Array(length).fill(1n), [1, length]),
  });
  let best = Infinity;
  const until = performance.now() + 1500;
  do {
    const started = performance.now();
    const output = await session.run(feeds());
    best = Math.min(best, performance.now() - started);
    for (const tensor of Object.values(output)) tensor.dispose();
  } while (performance.now() < until);
  return (length / best) * 1000;
}

/** Peak resident megabytes (10^6) of the largest of the browser's processes that run pages; null where /proc is missing. */
async function rendererMemory(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  try {
    const peaks = processInfo
      .filter(({ type }) => type === 'renderer')
      .map(({ id }) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))[1]) * 1024);
    return Math.round(Math.max(...peaks) / 1e6);
  } catch {
    return null;
  }
}
