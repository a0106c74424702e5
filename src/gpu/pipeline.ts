/** Compiles compute shaders. What is wrong with one is said with its line number and its text, not as 'invalid module'. */
import { LateralError } from '../errors.ts';
import { lossOf } from './device.ts';
import { gpuError } from './scope.ts';

export interface PipelineSource {
  /** Shown in error messages and GPU debuggers. */
  readonly label: string;
  readonly code: string;
  readonly entryPoint: string;
  readonly bindGroupLayouts: readonly GPUBindGroupLayout[];
  /** Values for the shader's `override` declarations. */
  readonly constants?: Readonly<Record<string, number>>;
}

/**
 * @throws 'gpu-unavailable' where this device cannot compile or run the shader, with the places in the message;
 *   'gpu-lost'
 */
export async function compilePipeline(device: GPUDevice, source: PipelineSource): Promise<GPUComputePipeline> {
  const { label, code, entryPoint, constants = {} } = source;
  const { error: lost } = lossOf(device); // a lost device compiles anything
  if (lost !== null) throw lost;
  // The rejection says what is wrong; the scope keeps the same news from the device's uncaptured errors.
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label, code });
  const layout = device.createPipelineLayout({ label, bindGroupLayouts: [...source.bindGroupLayouts] });
  const building = device.createComputePipelineAsync({ label, layout, compute: { module, entryPoint, constants } });
  const [built] = await Promise.allSettled([building, device.popErrorScope()]);
  if (built.status === 'fulfilled') return built.value;

  const information = await module.getCompilationInfo().catch(() => null); // rejects when the device is lost
  const errors = information?.messages.filter(({ type }) => type === 'error') ?? [];
  if (errors.length > 0) {
    throw new LateralError('gpu-unavailable', describeShaderErrors(label, code, errors), { cause: built.reason });
  }
  const error = await gpuError(device, `the shader ${label}`, built.reason);
  if (error.code === 'gpu-lost') throw error;
  throw new LateralError('gpu-unavailable', `This device cannot run ${error.message}`, { cause: built.reason });
}

export interface ShaderMessage {
  /** 1-based; 0 where the compiler names no place. */
  readonly lineNum: number;
  readonly linePos: number;
  readonly message: string;
}

/** The messages, each below the line it is about, with the lines around it and a mark under the place. */
export function describeShaderErrors(label: string, code: string, errors: readonly ShaderMessage[]): string {
  const lines = code.split('\n');
  const width = String(lines.length).length;
  const numbered = (line: number) => `${String(line).padStart(width)} | ${lines[line - 1]!}`;
  const places = errors.map(({ lineNum, linePos, message }) => {
    if (lineNum < 1 || lineNum > lines.length) return message;
    const shown: string[] = [];
    for (let line = Math.max(1, lineNum - 2); line <= Math.min(lines.length, lineNum + 1); line++) {
      shown.push(numbered(line));
      if (line === lineNum) shown.push(`${' '.repeat(width)} | ${' '.repeat(Math.max(0, linePos - 1))}^ ${message}`);
    }
    return shown.join('\n');
  });
  return `The shader ${label} does not compile.\n${places.join('\n\n')}`;
}
