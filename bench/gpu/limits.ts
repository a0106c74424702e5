/** What the device reaches at best: copying from one buffer to another, and multiplying and adding in registers. */
import { compilePipeline } from '../../src/gpu/pipeline.ts';
import { inErrorScopes } from '../../src/gpu/scope.ts';
import type { Contender } from '../race.ts';
import code from './peak.wgsl?raw';
import type { PassTimer } from './pass-timer.ts';
import type { GpuContender } from './results.ts';

/** Larger than any cache, and enough copies that the wait for the queue weighs little. */
const hardware = { copyBytes: 256 * 2 ** 20, copies: 40, workgroups: 16_384, rounds: 1024 };
const software = { copyBytes: 16 * 2 ** 20, copies: 4, workgroups: 64, rounds: 64 };
const workgroupSize = 256;
const operationsPerRound = { dot4: 16 * 8, multiplyAdd: 16 * 2 };

/** By the clock: copies are no compute pass. */
export async function copyContender(device: GPUDevice, isSoftware: boolean): Promise<Contender<GpuContender>> {
  const { copyBytes, copies } = isSoftware ? software : hardware;
  const [from, to] = await inErrorScopes(device, 'the buffers to copy', () =>
    ['copy from', 'copy to'].map((label) =>
      device.createBuffer({ label, size: copyBytes, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST }),
    ),
  );
  return {
    name: 'copy',
    amount: 2 * copyBytes * copies,
    run() {
      const encoder = device.createCommandEncoder({ label: 'copy' });
      for (let i = 0; i < copies; i++) encoder.copyBufferToBuffer(from!, 0, to!, 0, copyBytes);
      device.queue.submit([encoder.finish()]);
      return device.queue.onSubmittedWorkDone();
    },
  };
}

export async function arithmeticContender(
  device: GPUDevice,
  isSoftware: boolean,
  timer: PassTimer,
  name: 'dot4' | 'multiplyAdd',
): Promise<Contender<GpuContender>> {
  const { workgroups, rounds } = isSoftware ? software : hardware;
  const layout = device.createBindGroupLayout({
    label: name,
    entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'storage' } }],
  });
  const pipeline = await compilePipeline(device, {
    ...{ label: `peak ${name}`, code, entryPoint: name, bindGroupLayouts: [layout] },
    constants: { rounds },
  });
  const buffer = device.createBuffer({ label: 'peak sink', size: 4, usage: GPUBufferUsage.STORAGE });
  const group = device.createBindGroup({ label: name, layout, entries: [{ binding: 0, resource: { buffer } }] });
  let lastMs = 0;
  return {
    name,
    amount: workgroups * workgroupSize * rounds * operationsPerRound[name],
    async run() {
      const encoder = device.createCommandEncoder({ label: name });
      const pass = encoder.beginComputePass({ label: name });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(workgroups);
      pass.end();
      device.queue.submit([encoder.finish()]);
      lastMs = (await timer.read()) / 1e6;
    },
    lastMs: () => lastMs,
  };
}
