/** For tests: small graphs, written down as lists of nodes. */
import { encodeModel, message, schemas, type Attribute } from '../onnx.ts';

export interface Weight {
  readonly dims: readonly number[];
  readonly values: Float32Array | BigInt64Array;
}

export interface GraphNode {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly ints?: Readonly<Record<string, number | readonly number[]>>;
  readonly floats?: Readonly<Record<string, number>>;
}

/** Values from −1 to 1 that follow from the seed, and with them two rows are never alike. */
export function randomWeight(dims: readonly number[], seed: number): Weight {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const values = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return { dims, values };
}

/** input_ids [batch, length] → the last node's output [batch, length, dim] */
export function graphBytes(
  weights: Readonly<Record<string, Weight>>,
  nodes: readonly GraphNode[],
  dim: number,
  outputs: readonly string[] = [nodes.at(-1)!.output],
): Uint8Array {
  const value = (name: string, elemType: number, dims: readonly (string | number)[]) =>
    message(schemas.valueInfo, {
      name,
      type: {
        tensorType: {
          elemType,
          shape: { dim: dims.map((one) => (typeof one === 'string' ? { dimParam: one } : { dimValue: BigInt(one) })) },
        },
      },
    });
  return encodeModel(
    message(schemas.model, {
      irVersion: 8n,
      opsetImport: [
        { domain: '', version: 17n },
        { domain: 'com.microsoft', version: 1n },
      ],
      graph: {
        name: 'test',
        node: nodes.map(({ op, domain, inputs, output, ints = {}, floats = {} }) => ({
          opType: op,
          ...(domain === undefined ? {} : { domain }),
          input: [...inputs],
          output: [output],
          attribute: [
            ...Object.entries(ints).map(([name, i]): Attribute =>
              typeof i === 'number'
                ? message(schemas.attribute, { name, i: BigInt(i), type: 2 })
                : message(schemas.attribute, { name, ints: i.map(BigInt), type: 7 }),
            ),
            ...Object.entries(floats).map(([name, f]) => message(schemas.attribute, { name, f, type: 1 })),
          ],
        })),
        initializer: Object.entries(weights).map(([name, { dims, values }]) => ({
          name,
          dims: dims.map(BigInt),
          dataType: values instanceof Float32Array ? 1 : 7,
          rawData: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
        })),
        input: [value('input_ids', 7, ['batch', 'length'])],
        output: outputs.map((name) => value(name, 1, ['batch', 'length', dim])),
      },
    }),
  );
}
