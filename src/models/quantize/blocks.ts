/**
 * Floats → small integers with a scale, as ONNX Runtime's operators read them and its own Python quantisers write them, bit
 * for bit (fixtures/quantize/blocks.json). Sums are those of 32-bit floats: Math.fround after each step.
 */
import { LateralError } from '../../errors.ts';

export type Bits = 4 | 8;

export interface BlockFormat {
  readonly bits: Bits;
  /** Values that share a scale: a power of two from 16. */
  readonly blockSize: number;
  /** A zero point for each block in place of the middle: one-sided blocks use the whole range. */
  readonly zeroPoints: boolean;
}

/** MatMulNBits' weight of one product. */
export interface Blocks {
  /** [rows, numBlocks, blockSize · bits / 8]; at 4 bits, the first value in the lower half of a byte */
  readonly packed: Uint8Array;
  /** [rows, numBlocks] */
  readonly scales: Float32Array;
  /** [rows, ⌈numBlocks · bits / 8⌉]; empty for symmetric blocks */
  readonly zeroPoints: Uint8Array;
}

/** Bytes a row of `width` values takes. */
export function rowBytes(width: number, { bits, blockSize, zeroPoints }: BlockFormat) {
  const numBlocks = Math.ceil(width / blockSize);
  return {
    numBlocks,
    packed: (numBlocks * blockSize * bits) / 8,
    scales: numBlocks * 4,
    zeroPoints: zeroPoints ? Math.ceil((numBlocks * bits) / 8) : 0,
  };
}

/**
 * value ≈ (code − zero) · scale. Symmetric: the value of largest size becomes code 0, zero is 2^(bits−1). With zero points:
 * from min(0, least) to max(0, largest) in 2^bits − 1 steps. What fills up the last block of a row is never read.
 *
 * @param values [rows, width] @param name of the tensor, for the message
 * @throws 'model-invalid' for values that are not finite
 */
export function quantizeBlocks(
  values: Float32Array,
  rows: number,
  width: number,
  format: BlockFormat,
  name: string,
): Blocks {
  const { bits, blockSize } = format;
  const bytes = rowBytes(width, format);
  const packed = new Uint8Array(rows * bytes.packed);
  const scales = new Float32Array(rows * bytes.numBlocks);
  const zeroPoints = new Uint8Array(rows * bytes.zeroPoints);
  const most = 2 ** bits - 1;
  const middle = 2 ** (bits - 1);
  const codes = new Uint8Array(blockSize);

  let block = 0;
  for (let row = 0; row < rows; row++) {
    for (let b = 0; b < bytes.numBlocks; b++, block++) {
      const start = row * width + b * blockSize;
      const count = Math.min(blockSize, width - b * blockSize);
      const [least, largest] = range(values, start, count, name);
      let scale: number;
      let zero = middle;
      if (format.zeroPoints) {
        const low = Math.min(least, 0);
        scale = Math.fround(Math.fround(Math.max(largest, 0) - low) / most);
        const place = scale === 0 ? low : Math.fround(-Math.fround(low / scale));
        zero = Math.floor(Math.min(most, Math.max(0, place)) + 0.5);
        if (bits === 8) zeroPoints[row * bytes.zeroPoints + b] = zero;
        else if (b % 2 === 0) zeroPoints[row * bytes.zeroPoints + b / 2] = zero | (middle << 4);
        else zeroPoints[row * bytes.zeroPoints + (b - 1) / 2]! ^= (zero ^ middle) << 4;
      } else {
        scale = Math.fround(-(Math.abs(largest) > Math.abs(least) ? largest : least) / middle);
      }
      scales[block] = scale;
      const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
      for (let i = 0; i < count; i++) {
        // Halves away from zero: below zero it is cut off, so rounding half up is the same.
        const place = Math.fround(Math.fround(values[start + i]! * inverse) + zero);
        codes[i] = place <= 0 ? 0 : place >= most ? most : Math.floor(place + 0.5);
      }
      codes.fill(0, count);
      pack(codes, bits, packed, (block * blockSize * bits) / 8);
    }
  }
  return { packed, scales, zeroPoints };
}

/**
 * Rows of an embedding table at 4 bits for GatherBlockQuantized: symmetric blocks, zero 8. The quantiser for Gather divides
 * by the scale and rounds halves to even, unlike that for MatMul.
 *
 * @param values [rows, width], width a multiple of blockSize @returns packed [rows, width / 2], scales [rows, width / blockSize]
 */
export function quantizeRows4(
  values: Float32Array,
  blockSize: number,
  name: string,
): Pick<Blocks, 'packed' | 'scales'> {
  const numBlocks = values.length / blockSize;
  const packed = new Uint8Array(values.length / 2);
  const scales = new Float32Array(numBlocks);
  const codes = new Uint8Array(blockSize);
  for (let block = 0; block < numBlocks; block++) {
    const start = block * blockSize;
    const [least, largest] = range(values, start, blockSize, name);
    const scale = Math.fround((Math.abs(largest) > Math.abs(least) ? largest : least) / -8);
    scales[block] = scale;
    for (let i = 0; i < blockSize; i++) {
      const place = scale === 0 ? 0 : roundHalfToEven(Math.fround(values[start + i]! / scale));
      codes[i] = Math.max(-8, Math.min(7, place)) + 8;
    }
    pack(codes, 4, packed, start / 2);
  }
  return { packed, scales };
}

/**
 * Rows of an embedding table at 8 bits with one scale a row: value ≈ code · scale, code from −127 to 127.
 *
 * @param values [rows, width] @returns packed [rows, width] (int8), scales [rows]
 */
export function quantizeRows8(values: Float32Array, width: number, name: string): Pick<Blocks, 'packed' | 'scales'> {
  const rows = values.length / width;
  const packed = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    const [least, largest] = range(values, start, width, name);
    const step = Math.max(Math.abs(least), Math.abs(largest)) / 127;
    const scale = step < smallestNormal ? 1 : Math.fround(step);
    scales[row] = scale;
    for (let i = start; i < start + width; i++) packed[i] = roundHalfToEven(Math.fround(values[i]! / scale));
  }
  return { packed: new Uint8Array(packed.buffer), scales };
}

/** [rows, columns] → [columns, rows], in squares that fit the processor's cache. */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  const side = 32;
  for (let top = 0; top < rows; top += side) {
    const bottom = Math.min(rows, top + side);
    for (let left = 0; left < columns; left += side) {
      const right = Math.min(columns, left + side);
      for (let column = left; column < right; column++) {
        for (let row = top; row < bottom; row++) out[column * rows + row] = values[row * columns + column]!;
      }
    }
  }
  return out;
}

const smallestNormal = 2 ** -126;

function range(values: Float32Array, start: number, count: number, name: string): [least: number, largest: number] {
  let least = Infinity;
  let largest = -Infinity;
  let broken = 0;
  for (let i = start; i < start + count; i++) {
    const value = values[i]!;
    broken += value - value; // 0, but NaN for infinities and NaN
    if (value < least) least = value;
    if (value > largest) largest = value;
  }
  if (broken !== 0) {
    throw new LateralError(
      'model-invalid',
      `The tensor "${name}" has infinite weights, or some that are not numbers: the file is damaged, or too large for fp16. Download it again, or take the fp32 file.`,
    );
  }
  return [least, largest];
}

function pack(codes: Uint8Array, bits: Bits, out: Uint8Array, at: number): void {
  if (bits === 8) {
    out.set(codes, at);
    return;
  }
  for (let i = 0; i < codes.length; i += 2) out[at++] = codes[i]! | (codes[i + 1]! << 4);
}

/** At 1.5 · 2^52 doubles are whole numbers, and adding rounds halves to even. */
function roundHalfToEven(value: number): number {
  return value + 6755399441055744 - 6755399441055744;
}
