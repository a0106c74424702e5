/**
 * What is written to the file of weights, cut into steps of bounded size. A step reads a part of one tensor, works on it and
 * gives the bytes with their places; steps depend on nothing but the source, so any of them can be done again.
 */
import {
  quantizeBlocks,
  quantizeRows4,
  quantizeRows8,
  rowBytes,
  transpose,
  type Bits,
  type BlockFormat,
} from './blocks.ts';
import { byteLength, isHalf, readFloats, type Content } from './content.ts';
import { elementBits, external, message, schemas, type TensorProto } from './onnx.ts';

/** A tensor as it is; halves are widened. */
export interface CopyJob {
  readonly kind: 'copy';
  readonly name: string;
  readonly content: Content;
  readonly target: TensorProto;
}

/** A matrix for MatMulNBits. */
export interface MatrixJob {
  readonly kind: 'matrix';
  readonly name: string;
  readonly content: Content;
  /** Stored as [width, rows], as MatMul reads it. */
  readonly isColumns: boolean;
  /** N */
  readonly rows: number;
  /** K */
  readonly width: number;
  readonly format: BlockFormat;
  /** Multiplies the scales. */
  readonly factor: number;
  readonly packed: TensorProto;
  readonly scales: TensorProto;
  readonly zeroPoints: TensorProto | null;
}

/** An embedding table. */
export interface RowsJob {
  readonly kind: 'rows';
  readonly name: string;
  readonly content: Content;
  readonly rows: number;
  readonly width: number;
  readonly bits: Bits;
  readonly blockSize: number;
  readonly packed: TensorProto;
  readonly scales: TensorProto;
}

export type Job = CopyJob | MatrixJob | RowsJob;

/** Rows `from` to `to` of a job (bytes of the source, where it is a copy). */
export interface Step {
  readonly job: Job;
  readonly from: number;
  readonly to: number;
  /** Bytes of the source that it reads. */
  readonly sourceBytes: number;
}

export interface Write {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface Layout {
  readonly steps: readonly Step[];
  /** Bytes of the file of weights. */
  readonly size: number;
  /** Bytes of the source that all steps read. */
  readonly sourceBytes: number;
  run(step: Step): Promise<readonly Write[]>;
}

/** Values that a step works on: 16 MiB as floats. */
export const stepElements = 4 * 2 ** 20;
/** ONNX Runtime maps files into memory; vector loads like this. */
const alignment = 64;

/** Gives every tensor its place in the file `location`, and writes that into the tensors. */
export function layOut(jobs: readonly Job[], location: string): Layout {
  const places = new Map<TensorProto, number>();
  let size = 0;
  for (const job of jobs) {
    for (const tensor of targets(job)) {
      const length = byteLength(tensor)!;
      size = Math.ceil(size / alignment) * alignment;
      places.set(tensor, size);
      tensor.dataLocation = external;
      tensor.externalData = Object.entries({ location, offset: size, length }).map(([key, value]) =>
        message(schemas.entry, { key, value: String(value) }),
      );
      size += length;
    }
  }
  const steps = jobs.flatMap(cut);
  return {
    steps,
    size,
    sourceBytes: steps.reduce((sum, step) => sum + step.sourceBytes, 0),
    run: (step) => work(step, places),
  };
}

function targets(job: Job): TensorProto[] {
  if (job.kind === 'copy') return [job.target];
  if (job.kind === 'rows' || job.zeroPoints === null) return [job.packed, job.scales];
  return [job.packed, job.scales, job.zeroPoints];
}

function cut(job: Job): Step[] {
  const { content } = job;
  const [count, perStep] =
    job.kind === 'copy'
      ? [content.size, 2 * stepElements]
      : [job.rows, Math.max(1, Math.floor(stepElements / job.width))];
  const steps: Step[] = [];
  for (let from = 0; from < count; from += perStep) {
    const to = Math.min(count, from + perStep);
    steps.push({ job, from, to, sourceBytes: (content.size / count) * (to - from) });
  }
  return steps;
}

async function work({ job, from, to }: Step, places: ReadonlyMap<TensorProto, number>): Promise<Write[]> {
  const at = (tensor: TensorProto, offset: number, bytes: Uint8Array): Write => ({
    offset: places.get(tensor)! + offset,
    bytes,
  });
  if (job.kind === 'copy') return [await copy(job, from, to, at)];
  if (job.kind === 'rows') {
    const { width, blockSize, bits } = job;
    const values = await readFloats(job.content, from * width, to * width);
    const { packed, scales } =
      bits === 4 ? quantizeRows4(values, blockSize, job.name) : quantizeRows8(values, width, job.name);
    const perRow = bits === 4 ? width / blockSize : 1;
    return [at(job.packed, (from * width * bits) / 8, packed), at(job.scales, from * perRow * 4, bytesOf(scales))];
  }
  const values = await readRows(job, from, to);
  const blocks = quantizeBlocks(values, to - from, job.width, job.format, job.name);
  if (job.factor !== 1) for (let i = 0; i < blocks.scales.length; i++) blocks.scales[i]! *= job.factor;
  const bytes = rowBytes(job.width, job.format);
  return [
    at(job.packed, from * bytes.packed, blocks.packed),
    at(job.scales, from * bytes.scales, bytesOf(blocks.scales)),
    ...(job.zeroPoints === null ? [] : [at(job.zeroPoints, from * bytes.zeroPoints, blocks.zeroPoints)]),
  ];
}

async function copy(
  { content, target }: CopyJob,
  from: number,
  to: number,
  at: (tensor: TensorProto, offset: number, bytes: Uint8Array) => Write,
): Promise<Write> {
  if (content.type === target.dataType || !isHalf(content.type))
    return at(target, from, await content.read(from, to - from));
  const width = elementBits.get(content.type)! / 8;
  return at(target, (from / width) * 4, bytesOf(await readFloats(content, from / width, to / width)));
}

/** Rows of the matrix as MatMulNBits wants them: [to − from, width], read across where it is stored by columns. */
async function readRows(
  { content, isColumns, rows, width }: MatrixJob,
  from: number,
  to: number,
): Promise<Float32Array> {
  if (!isColumns) return readFloats(content, from * width, to * width);
  const count = to - from;
  if (count === rows) return transpose(await readFloats(content, 0, rows * width), width, rows);
  const part = new Float32Array(width * count);
  for (let k = 0; k < width; k++) part.set(await readFloats(content, k * rows + from, k * rows + to), k * count);
  return transpose(part, width, count);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
