/**
 * The bytes of an ONNX model of one MatMul, `products = tokens · query`, the tokens being part of the model. An ONNX file is
 * a protobuf message (github.com/onnx/onnx, onnx.proto); the few fields that it needs are written by hand.
 */

/** @param tokens [numTokens, dim]; the input `query` is [dim, numRows], the output `products` [numTokens, numRows] */
export function matMulModel(tokens: Float32Array, dim: number, numRows: number): Uint8Array<ArrayBuffer> {
  const numTokens = tokens.length / dim;
  const node = message([text(1, 'tokens'), text(1, 'query'), text(2, 'products'), text(4, 'MatMul')]);
  const initializer = message([
    ...[numTokens, dim].map((length) => number(1, length)),
    number(2, elementFloat),
    text(8, 'tokens'),
    bytes(9, new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength)),
  ]);
  const graph = message([
    bytes(1, node),
    text(2, 'products'),
    bytes(5, initializer),
    bytes(11, valueInfo('query', [dim, numRows])),
    bytes(12, valueInfo('products', [numTokens, numRows])),
  ]);
  const operators = message([text(1, ''), number(2, 13)]);
  return message([number(1, 8), bytes(7, graph), bytes(8, operators)]);
}

const elementFloat = 1;

function valueInfo(name: string, shape: readonly number[]): Uint8Array {
  const dimensions = message(shape.map((length) => bytes(1, message([number(1, length)]))));
  const tensor = message([number(1, elementFloat), bytes(2, dimensions)]);
  return message([text(1, name), bytes(2, message([bytes(1, tensor)]))]);
}

function message(fields: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(fields.reduce((sum, field) => sum + field.length, 0));
  let at = 0;
  for (const field of fields) {
    out.set(field, at);
    at += field.length;
  }
  return out;
}

function number(field: number, value: number): Uint8Array {
  return Uint8Array.of(...varint(field << 3), ...varint(value));
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return message([Uint8Array.of(...varint((field << 3) | 2), ...varint(value.length)), value]);
}

/** Seven bits a byte, the lowest first, a set eighth bit for each but the last. */
function varint(value: number): number[] {
  const out: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) | 128);
  return [...out, value];
}
