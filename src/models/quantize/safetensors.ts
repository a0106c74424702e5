/**
 * Reads one matrix out of a .safetensors file by ranges: eight bytes with the length of a JSON header, the header, the
 * values (https://huggingface.co/docs/safetensors, "Format").
 */
import { LateralError } from '../../errors.ts';
import type { ByteSource } from '../byte-source.ts';
import { readRange } from './bytes.ts';
import { aligned, widenBfloat, widenHalf } from './half.ts';

/** A linear layer without bias that makes a row of `dim` of a row of `width`. */
export interface Head {
  readonly dim: number;
  readonly width: number;
  /** [dim, width] */
  readonly weight: Float32Array;
}

const largestHeader = 100 * 2 ** 20; // the format's own limit
const largestHead = 64 * 2 ** 20;

/**
 * @param name of the tensor, such as `linear.weight` (Stanford, Jina, PyLate's 1_Dense)
 * @throws 'model-invalid' where the file is damaged or has no such matrix
 */
export async function readHead(source: ByteSource, name = 'linear.weight'): Promise<Head> {
  const lengthBytes = await readRange(source, 0, 8, 'The header of the safetensors file');
  const length = Number(new DataView(lengthBytes.buffer, lengthBytes.byteOffset).getBigUint64(0, true));
  if (length > largestHeader) throw wrong('its header is too long');
  const header = parse(await readRange(source, 8, length, 'The header of the safetensors file'));
  const entry = header[name] as { dtype?: unknown; shape?: unknown; data_offsets?: unknown } | undefined;
  if (entry === undefined) {
    const names = Object.keys(header).filter((other) => other !== '__metadata__');
    throw wrong(`it has no tensor "${name}" (${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''})`);
  }
  const { dtype, shape, data_offsets: offsets } = entry;
  const width = dtype === 'F32' ? 4 : dtype === 'F16' || dtype === 'BF16' ? 2 : 0;
  if (width === 0) throw wrong(`"${name}" is of type ${String(dtype)}; F32, F16 and BF16 are read`);
  if (!isPair(shape) || !isPair(offsets) || shape[0] < 1 || shape[1] < 1) throw wrong(`"${name}" is not a matrix`);
  const size = shape[0] * shape[1] * width;
  if (size > largestHead) throw wrong(`"${name}" is too large for a head: ${shape.join(' × ')}`);
  if (offsets[1] - offsets[0] !== size) throw wrong(`"${name}" has not as many bytes as its shape asks for`);
  const bytes = await readRange(source, 8 + length + offsets[0], size, `The tensor "${name}"`);
  const weight =
    dtype === 'F32' ? aligned(bytes, Float32Array) : dtype === 'F16' ? widenHalf(bytes) : widenBfloat(bytes);
  return { dim: shape[0], width: shape[1], weight };
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw wrong('its header is not JSON', cause);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('its header is not a JSON object');
  return json as Record<string, unknown>;
}

function isPair(value: unknown): value is [number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((one: unknown) => Number.isSafeInteger(one) && (one as number) >= 0)
  );
}

function wrong(what: string, cause?: unknown): LateralError {
  return new LateralError(
    'model-invalid',
    `The safetensors file cannot be used: ${what}. Choose another, or download it again.`,
    {
      cause,
    },
  );
}
