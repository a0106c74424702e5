/** naive.wgsl over resident vectors: one search is one dispatch and one read back, as in the scorer it is compared with. */
import { compilePipeline } from '../../src/gpu/pipeline.ts';
import { inErrorScopes } from '../../src/gpu/scope.ts';
import { dim, queryRows } from '../results.ts';
import code from './naive.wgsl?raw';
import type { Sample } from './sample.ts';

export async function createNaiveGpu(
  device: GPUDevice,
  { query, f32 }: Sample,
): Promise<{ score(): Promise<Float32Array> }> {
  const numChunks = f32.offsets.length - 1;
  const layout = device.createBindGroupLayout({
    label: 'naive',
    entries: (['read-only-storage', 'read-only-storage', 'read-only-storage', 'storage', 'uniform'] as const).map(
      (type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } }),
    ),
  });
  const pipeline = await compilePipeline(device, {
    label: 'naive maxsim',
    code,
    entryPoint: 'maxSim',
    bindGroupLayouts: [layout],
  });
  return inErrorScopes(device, 'the naive kernel', () => {
    const filled = (label: string, values: Float32Array | Uint32Array, usage: number): GPUBuffer => {
      const buffer = device.createBuffer({ label, size: values.byteLength, usage: usage | GPUBufferUsage.COPY_DST });
      device.queue.writeBuffer(buffer, 0, values.slice());
      return buffer;
    };
    const size = numChunks * 4;
    const scores = device.createBuffer({
      label: 'naive scores',
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    });
    const target = device.createBuffer({
      label: 'naive result',
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const buffers = [
      filled('naive query', query.rows, GPUBufferUsage.STORAGE),
      filled('naive tokens', f32.vectors, GPUBufferUsage.STORAGE),
      filled('naive offsets', f32.offsets, GPUBufferUsage.STORAGE),
      scores,
      filled('naive shape', Uint32Array.of(dim, queryRows, numChunks, 0), GPUBufferUsage.UNIFORM),
    ];
    const group = device.createBindGroup({
      label: 'naive',
      layout,
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    return {
      async score() {
        const encoder = device.createCommandEncoder({ label: 'naive search' });
        const pass = encoder.beginComputePass({ label: 'naive search' });
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(Math.ceil(numChunks / 64));
        pass.end();
        encoder.copyBufferToBuffer(scores, 0, target, 0, size);
        device.queue.submit([encoder.finish()]);
        await target.mapAsync(GPUMapMode.READ);
        const result = new Float32Array(target.getMappedRange().slice(0));
        target.unmap();
        return result;
      },
    };
  });
}
