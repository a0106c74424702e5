/** The bytes of a tensor, wherever an ONNX file keeps them: in the message, in the graph's file, or in a file beside it. */
import { LateralError } from '../../errors.ts';
import type { ByteSource } from '../byte-source.ts';
import { readRange, type ModelSource } from './bytes.ts';
import { aligned, widenBfloat, widenHalf } from './half.ts';
import { elementBits, elementType, external, type TensorProto } from './onnx.ts';
import { inlineBytes, type Payload } from './skeleton.ts';

/** A tensor's values, lowest byte first, one after another. */
export interface Content {
  /** TensorProto.DataType of the bytes. */
  readonly type: number;
  readonly dims: readonly number[];
  /** Bytes. */
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** In the graph's file, its external files and the payloads that were stepped over. */
export interface OpenFiles {
  readonly source: ModelSource;
  readonly payloads: readonly Payload[];
  /** The files that were opened, by name. */
  readonly externals: Map<string, ByteSource>;
}

/**
 * @returns null for a tensor that is small, and in the message whole
 * @throws 'model-invalid' where lengths, types or places do not fit
 */
export async function openContent(tensor: TensorProto, files: OpenFiles): Promise<Content | null> {
  if (tensor.payload === 0 && tensor.dataLocation !== external) return null;
  const what = `The tensor "${tensor.name}"`;
  const dims = tensor.dims.map(Number);
  const size = byteLength(tensor);
  if (size === null) throw new LateralError('model-invalid', `${what} has a type or shape that is not known.`);
  if (tensor.payload === 0) {
    const { location, offset, length } = readExternal(tensor);
    if (length !== undefined && length !== size) throw wrongLength(what, length, size);
    let file = files.externals.get(location);
    if (file === undefined) files.externals.set(location, (file = await files.source.external(location)));
    if (offset + size > file.size) {
      throw new LateralError(
        'model-invalid',
        `${what} should end at byte ${offset + size} of ${location}, which has ${file.size}. Download that file again.`,
      );
    }
    return content(tensor.dataType, dims, size, (at, count) => readRange(file, offset + at, count, what));
  }
  const payload = files.payloads[tensor.payload - 1];
  if (payload === undefined) throw new LateralError('model-invalid', `${what} has no values.`);
  const { graph } = files.source;
  if (payload.encoding === 'varint') return openVarints(tensor.dataType, dims, size, graph, payload, what);
  if (payload.length !== size) throw wrongLength(what, payload.length, size);
  return content(tensor.dataType, dims, size, (at, count) => readRange(graph, payload.offset + at, count, what));
}

function content(
  type: number,
  dims: readonly number[],
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Content {
  return { type, dims, size, read };
}

export function memoryContent(values: Float32Array, dims: readonly number[]): Content {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return content(elementType.float, dims, bytes.length, (at, count) => Promise.resolve(bytes.slice(at, at + count)));
}

/** Values `from` to `to` of a tensor of floats of any width. */
export async function readFloats(content: Content, from: number, to: number): Promise<Float32Array> {
  const width = elementBits.get(content.type)! / 8;
  const bytes = await content.read(from * width, (to - from) * width);
  if (content.type === elementType.float16) return widenHalf(bytes);
  if (content.type === elementType.bfloat16) return widenBfloat(bytes);
  return aligned(bytes, Float32Array);
}

export function isFloat(type: number): boolean {
  return type === elementType.float || isHalf(type);
}

export function isHalf(type: number): boolean {
  return type === elementType.float16 || type === elementType.bfloat16;
}

/** Bytes of a tensor's values; null where the type or a dimension is not known. */
export function byteLength(tensor: TensorProto): number | null {
  const bits = elementBits.get(tensor.dataType);
  if (bits === undefined) return null;
  const count = tensor.dims.reduce((product, dim) => product * Number(dim), 1);
  return count >= 0 && Number.isSafeInteger(count) ? Math.ceil((count * bits) / 8) : null;
}

/** Large enough to lie outside of the message. */
export function isLarge(size: number): boolean {
  return size > inlineBytes;
}

/** @throws 'model-invalid' for a place that leads out of the graph's folder, or is no place */
export function readExternal(tensor: TensorProto): { location: string; offset: number; length: number | undefined } {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  const steps = location.split('/');
  const isSafe = location !== '' && !/[\\:\0]/.test(location) && steps.every((step) => step !== '..' && step !== '');
  if (!isSafe) {
    throw new LateralError(
      'model-invalid',
      `The tensor "${tensor.name}" is said to lie in "${location}", which is not a file beside the graph. Such a model is not opened.`,
    );
  }
  const number = (key: string, other: number | undefined) => {
    const text = entries.get(key);
    if (text === undefined) return other;
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
    throw new LateralError('model-invalid', `The tensor "${tensor.name}": ${key} "${text}" is not a whole number.`);
  };
  return { location, offset: number('offset', 0)!, length: number('length', undefined) };
}

/**
 * Elements in seven bits a byte have no fixed place. One pass notes where every 65,536th begins; a read starts at the note
 * before it.
 */
function openVarints(
  type: number,
  dims: readonly number[],
  size: number,
  file: ByteSource,
  payload: Payload,
  what: string,
): Content {
  const width = Math.max(1, elementBits.get(type)! / 8);
  const between = 65536;
  let notes: Promise<number[]> | undefined;

  async function* chunks(from: number): AsyncGenerator<Uint8Array> {
    for (let at = from; at < payload.length; at += chunkBytes) {
      yield await readRange(file, payload.offset + at, Math.min(chunkBytes, payload.length - at), what);
    }
  }

  async function note(): Promise<number[]> {
    const starts = [0];
    let count = 0;
    let at = 0;
    for await (const chunk of chunks(0)) {
      for (let i = 0; i < chunk.length; i++) {
        if (chunk[i]! < 128 && ++count % between === 0) starts.push(at + i + 1);
      }
      at += chunk.length;
    }
    if (count * width !== size) throw wrongLength(what, count * width, size);
    return starts;
  }

  async function read(offset: number, length: number): Promise<Uint8Array> {
    notes ??= note();
    const starts = await notes;
    const out = new Uint8Array(length);
    const first = Math.floor(offset / width);
    const end = first + Math.ceil(length / width);
    let index = Math.floor(first / between) * between;
    let low = 0; // the lower 32 bits of the element
    let high = 0;
    let shift = 0;
    for await (const chunk of chunks(starts[index / between]!)) {
      for (const byte of chunk) {
        if (shift < 28) low |= (byte & 127) << shift;
        else if (shift === 28) {
          low |= (byte & 15) << 28;
          high |= (byte & 127) >> 4;
        } else high |= (byte & 127) << (shift - 32);
        shift += 7;
        if (byte >= 128) continue;
        if (index >= first) {
          const at = (index - first) * width;
          for (let i = 0; i < width; i++) out[at + i] = i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4));
        }
        low = high = shift = 0;
        if (++index === end) return out;
      }
    }
    throw wrongLength(what, index * width, size);
  }

  return content(type, dims, size, read);
}

const chunkBytes = 2 ** 20;

function wrongLength(what: string, found: number, wanted: number): LateralError {
  return new LateralError(
    'model-invalid',
    `${what} has ${found} bytes; its type and shape ask for ${wanted}. Download the file again.`,
  );
}
