/**
 * One WebGPU device for whoever needs it: the scorer and, where it can be handed one, the encoder's runtime. Asks for
 * the adapter's largest buffers, tells a software adapter from a real one, and says when the device goes away.
 */
import { LateralError } from '../errors.ts';

export interface GpuInfo {
  /** For people: 'NVIDIA ampere', 'Google SwiftShader'. */
  readonly name: string;
  /** Runs on the processor: right, but slower than WebAssembly. Never to be chosen unasked. */
  readonly software: boolean;
  /** Bytes. */
  readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number };
  /** The optional features that were granted. */
  readonly features: readonly string[];
}

export interface Gpu {
  readonly device: GPUDevice;
  readonly info: GpuInfo;
}

export interface GpuRequest {
  readonly powerPreference?: GPUPowerPreference;
  /** Asks for the software adapter, for tests. */
  readonly forceFallbackAdapter?: boolean;
  /** Asked for where the adapter has them; what was granted is in `info.features`. */
  readonly features?: readonly GPUFeatureName[];
}

/** What a matrix kernel can use. */
const usefulFeatures: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];

/** Raised to the adapter's maximum; the encoder's runtime asks for the same ones. */
const raisedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxUniformBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

/**
 * A new device; the caller destroys it. Works in a page and in a worker.
 * @throws 'gpu-unavailable' where there is no WebGPU, no adapter, or the adapter gives no device
 */
export async function requestGpu(request: GpuRequest = {}): Promise<Gpu> {
  const { powerPreference = 'high-performance', forceFallbackAdapter = false, features = usefulFeatures } = request;
  const gpu = platformGpu();
  if (gpu === undefined) throw new LateralError('gpu-unavailable', 'This browser has no WebGPU.');
  const adapter = await gpu.requestAdapter({ powerPreference, forceFallbackAdapter });
  if (adapter === null) throw new LateralError('gpu-unavailable', 'WebGPU is here, but found no graphics adapter.');
  try {
    const device = await adapter.requestDevice({
      label: 'lateral',
      requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
      requiredLimits: Object.fromEntries(raisedLimits.map((limit) => [limit, adapter.limits[limit]])),
    });
    lossOf(device); // listens from the first moment
    return { device, info: describeGpu(adapter.info, device) };
  } catch (cause) {
    throw new LateralError('gpu-unavailable', `${adapterName(adapter.info)} gave no WebGPU device.`, { cause });
  }
}

/** @param adapterInfo `adapter.info`, or `device.adapterInfo` for a device that someone else made */
export function describeGpu(adapterInfo: AdapterDescription, device: GPUDevice): GpuInfo {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  return {
    name: adapterName(adapterInfo),
    software: isSoftware(adapterInfo),
    limits: { maxBufferSize, maxStorageBufferBindingSize },
    features: [...device.features].sort(),
  };
}

/** The part of GPUAdapterInfo that is read here; any field may be empty, browsers hide what identifies people. */
export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
}

/** Whether the adapter is a program on the processor (SwiftShader, Mesa's llvmpipe and lavapipe, Windows' WARP). */
export function isSoftware({ isFallbackAdapter, ...words }: AdapterDescription): boolean {
  if (isFallbackAdapter === true) return true;
  const text = `${words.vendor} ${words.architecture} ${words.device} ${words.description}`;
  return /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i.test(text);
}

export function adapterName({ vendor, architecture, device, description }: AdapterDescription): string {
  if (description !== '') return description;
  const words = [vendor, architecture === '' ? device : architecture].filter((word) => word !== '');
  return words.length === 0 ? 'graphics adapter without a name' : words.join(' ');
}

/** Calls back once when the device goes away, be it by `destroy()`. Returns the way to stop listening. */
export function onLost(device: GPUDevice, listener: (error: LateralError) => void): () => void {
  let listening = true;
  void lossOf(device).happened.then((error) => {
    if (listening) listener(error);
  });
  return () => (listening = false);
}

export interface Loss {
  /** Null while the device is there. */
  readonly error: LateralError | null;
  /** Resolves with 'gpu-lost'; never rejects. */
  readonly happened: Promise<LateralError>;
}

const losses = new WeakMap<GPUDevice, Loss>();

/** Whether the device is lost; to be asked first while it is still there, the answer then stays current. */
export function lossOf(device: GPUDevice): Loss {
  const known = losses.get(device);
  if (known !== undefined) return known;
  const happened = device.lost.then(({ reason, message }) => {
    loss.error = new LateralError('gpu-lost', `The graphics device went away (${message || reason}).`, {
      details: { reason },
    });
    return loss.error;
  });
  const loss: { error: LateralError | null; readonly happened: typeof happened } = { error: null, happened };
  losses.set(device, loss);
  return loss;
}

/** Node has a `navigator` without `gpu`, or none. */
function platformGpu(): GPU | undefined {
  return (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
}
