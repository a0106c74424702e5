/**
 * Rows ↔ stored bytes. int8 with one scale that is a constant of the model, so that products of two quantised
 * vectors are integers and every device agrees bit for bit. The query has seven bits and a scale of its own:
 * one per query, never per row, so that the sum over rows stays an integer.
 */
import { LateralError } from '../errors.ts';

/** Default stored scale: unit rows have components in [−1, 1], so 1/127 never clips. */
export const defaultScale = 1 / 127;

/** Largest magnitude of a quantised query component: seven bits with sign, 0 … 127 once 64 is added. */
export const queryLimit = 63;

/**
 * @param rows [n, dim] f32, components within ±127·scale
 * @returns [n, dim] int8 in −127 … 127, rounded half away from zero
 * @throws 'invalid-argument' for a component that is not a number or would clip
 */
export function quantizeRows(rows: Float32Array, scale: number = defaultScale): Int8Array {
  const out = new Int8Array(rows.length);
  const inverse = 1 / scale;
  for (let i = 0; i < rows.length; i++) {
    const value = roundHalfAway(rows[i]! * inverse);
    if (!(value >= -127 && value <= 127)) {
      throw new LateralError(
        'invalid-argument',
        `Component ${String(i)} is ${String(rows[i])}, outside ±${String(127 * scale)}. Rows must be unit vectors.`,
      );
    }
    out[i] = value;
  }
  return out;
}

export interface QuantizedQuery {
  /** [numRows, dim] int8 in −63 … 63. */
  readonly rows: Int8Array;
  /** Component = stored × scale. */
  readonly scale: number;
}

/**
 * Quantises a query to seven bits with the largest magnitude at 63. Done once per query in JavaScript, whatever
 * device scores, so that all devices multiply the same integers.
 */
export function quantizeQuery(rows: Float32Array): QuantizedQuery {
  let largest = 0;
  for (const value of rows) {
    if (!Number.isFinite(value))
      throw new LateralError('invalid-argument', 'The query has a component that is not a number.');
    largest = Math.max(largest, Math.abs(value));
  }
  const scale = largest === 0 ? 1 : largest / queryLimit;
  const out = new Int8Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = roundHalfAway(rows[i]! / scale);
  return { rows: out, scale };
}

/** The one place where an integer MaxSim sum becomes a score, so that every scorer rounds alike. */
export function integerToScore(sum: number, queryScale: number, storedScale: number): number {
  return Math.fround(sum * (queryScale * storedScale));
}

/** [n, dim] int8 → f32 in units of cosine. */
export function dequantizeRows(bytes: Int8Array, scale: number = defaultScale): Float32Array {
  return Float32Array.from(bytes, (value) => value * scale);
}

function roundHalfAway(value: number): number {
  return value < 0 ? -Math.round(-value) : Math.round(value);
}
