/** Who reads where a graphics card is no software: SwiftShader under another name, since tests have no other. Its measurement takes a minute. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBrowserEngine } from './browser.ts';
import type { CallContext } from './engine-api.ts';

const context: CallContext = { signal: new AbortController().signal, onProgress: () => undefined };
const { info } = Object.getOwnPropertyDescriptors(GPUAdapter.prototype);
beforeAll(() => {
  const named = { vendor: 'acme', architecture: 'anvil', device: '', description: '', isFallbackAdapter: false };
  Object.defineProperty(GPUAdapter.prototype, 'info', { configurable: true, get: () => named });
});
afterAll(() => void Object.defineProperty(GPUAdapter.prototype, 'info', info));

test(
  'both back ends are tried, with one build of the runtime, and the quicker one reads',
  { timeout: 120_000 },
  async () => {
    const engine = createBrowserEngine();
    const baseUrl = new URL('/', location.href).href;
    await engine.open({ name: 'card', storage: 'memory', scorer: 'js', baseUrl }, context);
    const status = await engine.status(undefined, context);
    expect(status.gpu).toEqual({ name: 'acme anvil', software: false });
    expect(status.selfTests.map(({ device, passed }) => [device, passed])).toEqual([
      ['webgpu', true],
      ['wasm', true],
    ]);
    expect(status.encoder).toMatchObject({ kind: 'wasm', forced: false }); // SwiftShader is slower
    expect(status.encoder!.reason).toMatch(/^A passage took \d+ ms on the graphics card, \d+ ms on the processor\.$/);
    await engine.close(undefined, context);
  },
);
