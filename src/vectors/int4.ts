/**
 * int8 rows → rows of four bits a component, which take half of the memory while they are searched:
 *
 *   code = clamp(round(v / step), −7, 7),   step = 127 / (2 √dim)
 *
 * The components of unit rows scatter by 1/√dim whatever the data, and the step is half of that. So the rule needs no statistics,
 * and depends on the dimension alone. A normal distribution would lose least at 0.35 (Max 1960); rows of the embedded model have
 * their best passages in common more often at 0.5, since large components decide which token is the most like (docs/performance.md).
 *
 * A row lies in groups of sixteen components, eight bytes each: byte j has component j in its lower four bits and component
 * j + 8 in its upper ones, in two's complement; the last group is filled up with zeros. In the upper four bits of a byte of its
 * own a code is worth sixteen times as much: so a scorer reads a row as int8 with a shift and a mask, and multiplies as ever.
 */

const largestCode = 7;

/** Components and bytes of a group. */
const groupComponents = 16;
const groupBytes = 8;

/** What a component read as int8 (sixteen times its code) is worth, in units of the int8 component that it was made of. */
export function int4Scale(dim: number): number {
  return stepOf(dim) / 16;
}

/** Bytes of a row. */
export function int4RowBytes(dim: number): number {
  return Math.ceil(dim / groupComponents) * groupBytes;
}

/**
 * @param rows [n, dim]
 * @returns [n, int4RowBytes(dim)]
 */
export function packInt4Rows(rows: Int8Array, dim: number): Uint8Array {
  const codes = codesOf(dim);
  const given = new Uint8Array(rows.buffer, rows.byteOffset, rows.length);
  const rowBytes = int4RowBytes(dim);
  const numRows = rows.length / dim;
  const out = new Uint8Array(numRows * rowBytes);
  for (let row = 0; row < numRows; row += rowsPerCall) {
    const end = Math.min(numRows, row + rowsPerCall);
    packRows(given.subarray(row * dim, end * dim), dim, codes, out.subarray(row * rowBytes, end * rowBytes));
  }
  return out;
}

/** So few that engines compile the loop after some calls; within one call for a whole block that can take half a second. */
const rowsPerCall = 128;

function packRows(given: Uint8Array, dim: number, codes: Uint8Array, out: Uint8Array): void {
  let to = 0;
  for (let from = 0; from < given.length; from += dim) {
    const end = from + dim;
    for (let group = from; group < end; group += groupComponents) {
      for (let lower = group; lower < group + groupBytes; lower++) {
        const upper = lower + groupBytes;
        out[to++] = (lower < end ? codes[given[lower]!]! : 0) | (upper < end ? codes[given[upper]!]! << 4 : 0);
      }
    }
  }
}

/**
 * @param packed [≥ firstRow + numRows, int4RowBytes(dim)]
 * @returns [numRows, dim] as scorers read them: sixteen times each code
 */
export function unpackInt4Rows(packed: Uint8Array, dim: number, firstRow: number, numRows: number): Int8Array {
  const rowBytes = int4RowBytes(dim);
  const out = new Int8Array(numRows * dim);
  for (let row = 0; row < numRows; row++) {
    const from = (firstRow + row) * rowBytes;
    for (let k = 0; k < dim; k++) {
      const byte = packed[from + (k >> 4) * groupBytes + (k & 7)]!;
      out[row * dim + k] = (k & 8) === 0 ? byte << 4 : byte & 0xf0;
    }
  }
  return out;
}

function stepOf(dim: number): number {
  return 127 / (2 * Math.sqrt(dim));
}

/** [256] the four bits of each int8 component, by its byte. */
function codesOf(dim: number): Uint8Array {
  const step = stepOf(dim);
  const components = Int8Array.from({ length: 256 }, (_, byte) => byte);
  return Uint8Array.from(components, (component) => {
    const magnitude = Math.min(largestCode, Math.round(Math.abs(component) / step));
    return (Math.sign(component) * magnitude) & 0xf;
  });
}
