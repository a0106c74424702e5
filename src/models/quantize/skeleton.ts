/**
 * Reads an ONNX file of any size without its weights: the protobuf wire format is walked over ranged reads, tensors' large
 * values are stepped over, and the rest is put together anew as a small message for the library.
 */
import { LateralError } from '../../errors.ts';
import type { ByteSource } from '../byte-source.ts';
import { readRange } from './bytes.ts';
import { payloadField } from './onnx.ts';

export interface Skeleton {
  /** The message without its payloads; a tensor that lost one says which in its field `payload`. */
  readonly bytes: Uint8Array;
  readonly payloads: readonly Payload[];
}

/** Values of a tensor that stayed in the file. */
export interface Payload {
  readonly offset: number;
  /** Bytes in the file. */
  readonly length: number;
  /** 'raw': as in memory, lowest byte first. 'varint': each element in seven bits a byte. */
  readonly encoding: 'raw' | 'varint';
}

/** Values of fewer bytes stay in the message: ONNX Runtime wants to see shapes and axes while it reads a graph. */
export const inlineBytes = 1024;
const largestSkeleton = 64 * 2 ** 20;
const deepestGraph = 32;

type Kind = 'model' | 'graph' | 'node' | 'attribute' | 'tensor';

/** Where large tensors may lie: kind → field → kind within. */
const within: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { 7: 'graph' },
  graph: { 1: 'node', 5: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph' },
  tensor: {},
};

/** TensorProto's fields of values: float_data, int32_data, int64_data, raw_data, double_data, uint64_data. */
const values: Readonly<Record<number, Payload['encoding']>> = {
  4: 'raw',
  5: 'varint',
  7: 'varint',
  9: 'raw',
  10: 'raw',
  11: 'varint',
};

/** @throws 'model-invalid' where the file is no protobuf message, is cut off, or is large without its weights */
export async function readSkeleton(source: ByteSource): Promise<Skeleton> {
  const cursor = new Cursor(source);
  const payloads: Payload[] = [];
  const parts: Uint8Array[] = [];
  let kept = 0;
  await walk('model', source.size, 0, parts);
  return { bytes: join(parts), payloads };

  /** Copies the fields up to `end` into `out`; what lies within is measured before its length is written. */
  async function walk(kind: Kind, end: number, depth: number, out: Uint8Array[]): Promise<void> {
    if (depth > 4 * deepestGraph) throw broken('graphs lie too deep within one another');
    while (cursor.at < end) {
      const key = await cursor.varint();
      const field = Math.floor(key / 8);
      const wire = key % 8;
      if (field === 0) throw broken(`a field without a number at byte ${cursor.at}`);
      if (wire !== lengthDelimited) {
        keep(out, varint(key), await cursor.scalar(wire));
      } else {
        const length = await cursor.varint();
        const fieldEnd = cursor.at + length;
        if (fieldEnd > end) throw broken(`a field at byte ${cursor.at} is longer than what holds it`);
        const inner = within[kind][field];
        const encoding = kind === 'tensor' ? values[field] : undefined;
        if (encoding !== undefined && length > inlineBytes) {
          payloads.push({ offset: cursor.at, length, encoding });
          cursor.at = fieldEnd;
          keep(out, varint(payloadField * 8), varint(payloads.length));
        } else if (inner !== undefined && length > inlineBytes) {
          const content: Uint8Array[] = [];
          await walk(inner, fieldEnd, depth + 1, content);
          out.push(
            varint(key),
            varint(content.reduce((sum, part) => sum + part.length, 0)),
            ...(content.length > 64 ? [join(content)] : content),
          );
        } else {
          if (kept + length > largestSkeleton) throw tooLarge();
          keep(out, varint(key), varint(length), await cursor.take(length));
        }
      }
    }
    if (cursor.at !== end) throw broken(`a message ends in the middle of a field at byte ${cursor.at}`);
  }

  function keep(out: Uint8Array[], ...bytes: Uint8Array[]): void {
    for (const part of bytes) kept += part.length;
    if (kept > largestSkeleton) throw tooLarge();
    out.push(...bytes);
  }
}

const lengthDelimited = 2;

/** A place in a file that is read through a window. */
class Cursor {
  at = 0;
  readonly #source: ByteSource;
  #window: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** A number of up to 53 bits. */
  async varint(): Promise<number> {
    await this.#need(10);
    let value = 0;
    for (let factor = 1; factor < 2 ** 56; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
    }
    throw broken(`a number without an end at byte ${this.at}`);
  }

  /** The bytes of a field that is not length-delimited. */
  async scalar(wire: number): Promise<Uint8Array> {
    if (wire === 1) return this.take(8);
    if (wire === 5) return this.take(4);
    if (wire !== 0) throw broken(`a field of unknown kind ${wire} at byte ${this.at}`);
    await this.#need(10);
    const start = this.at;
    while (this.#byte() >= 128) if (this.at - start > 9) throw broken(`a number without an end at byte ${start}`);
    return this.#window.slice(start - this.#start, this.at - this.#start);
  }

  async take(length: number): Promise<Uint8Array> {
    const start = this.at;
    this.at += length;
    if (length > windowBytes) return readRange(this.#source, start, length, 'A part of the graph');
    this.at = start;
    await this.#need(length);
    if (start + length > this.#start + this.#window.length) throw broken('the file is cut off');
    this.at += length;
    return this.#window.slice(start - this.#start, start - this.#start + length);
  }

  /** Makes the window hold the next `length` bytes, or what there is of them. */
  async #need(length: number): Promise<void> {
    const end = Math.min(this.at + length, this.#source.size);
    if (this.at >= this.#start && end <= this.#start + this.#window.length) return;
    const size = Math.min(windowBytes, this.#source.size - this.at);
    if (size < 0) throw broken('the file is cut off');
    this.#window = await readRange(this.#source, this.at, size, 'A part of the graph');
    this.#start = this.at;
  }

  #byte(): number {
    const byte = this.#window[this.at - this.#start];
    if (byte === undefined) throw broken('the file is cut off');
    this.at++;
    return byte;
  }
}

const windowBytes = 256 * 1024;

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Uint8Array.of(...bytes, value);
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function broken(what: string): LateralError {
  return new LateralError('model-invalid', `This is not an ONNX file, or it is damaged: ${what}. Download it again.`);
}

function tooLarge(): LateralError {
  return new LateralError(
    'model-invalid',
    `Without its weights this graph is still larger than ${largestSkeleton / 2 ** 20} MiB; models for search are not.`,
  );
}
