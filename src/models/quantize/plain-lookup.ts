/**
 * GatherBlockQuantized → standard operators, which give the same values to the bit. ONNX Runtime Web's builds with WebGPU have that
 * operator for the graphics card alone (1.30, with JSPI and with Asyncify): a session on the processor beside one there needs this.
 */
import { contrib, intOf, isOperator, makeNode, namer } from './graph.ts';
import {
  decodeModel,
  elementType,
  encodeModel,
  message,
  schemas,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from './onnx.ts';
import { prune } from './prepare.ts';

/**
 * @param bytes an ONNX, whose lookups are as the quantiser writes them
 * @returns null where there are none that could be changed
 * @throws 'model-invalid' where it is no ONNX
 */
export function plainLookups(bytes: Uint8Array): Uint8Array | null {
  const model = decodeModel(bytes);
  const { graph } = model;
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const name = namer(graph);
  let changed = 0;
  graph.node = graph.node.flatMap((node) => {
    if (!isOperator(node, 'GatherBlockQuantized', contrib)) return [node];
    const plain = plainLookup(node, tensors, graph, name);
    changed += plain === null ? 0 : 1;
    return plain ?? [node];
  });
  if (changed === 0) return null;
  prune(graph);
  return encodeModel(model);
}

interface Values {
  readonly dataType: number;
  readonly dims?: bigint[];
  readonly floatData?: number[];
  readonly int64Data?: bigint[];
}

/** Two codes a byte, the lower half first; (code − 8) · scale, a scale for each block of a row. */
function plainLookup(
  node: NodeProto,
  tensors: ReadonlyMap<string, TensorProto>,
  graph: GraphProto,
  name: (wanted: string) => string,
): NodeProto[] | null {
  const [packed, indices, scales] = node.input as [string, string, string];
  const bytesPerRow = Number(tensors.get(packed)?.dims[1] ?? 0);
  const numBlocks = Number(tensors.get(scales)?.dims[1] ?? 0);
  const blockSize = intOf(node, 'block_size', 128);
  const isOurs =
    tensors.get(packed)?.dataType === elementType.uint8 &&
    tensors.get(packed)?.dims.length === 2 &&
    intOf(node, 'bits', 4) === 4 &&
    intOf(node, 'gather_axis', 0) === 0 &&
    intOf(node, 'quantize_axis', 1) === 1 &&
    node.input.length === 3 && // no zero points
    numBlocks * blockSize === 2 * bytesPerRow;
  if (!isOurs) return null;
  const output = node.output[0]!;
  const nodes: NodeProto[] = [];
  const make = (op: string, inputs: readonly string[], part: string, ints: Readonly<Record<string, number>> = {}) => {
    const made = part === '' ? output : name(`${output}_${part}`);
    nodes.push(makeNode({ op, inputs, output: made, ints }));
    return made;
  };
  const constant = (part: string, values: Values): string => {
    const tensor = message(schemas.tensor, { name: name(`${output}_${part}`), ...values });
    graph.initializer.push(tensor);
    return tensor.name;
  };
  const float = (value: number): string => constant(`is_${value}`, { dataType: elementType.float, floatData: [value] });
  const shape = (...dims: number[]): string =>
    constant('shape', { dataType: elementType.int64, dims: [BigInt(dims.length)], int64Data: dims.map(BigInt) });

  const codes = make('Gather', [packed, indices], 'codes', { axis: 0 });
  const pairs = make('Cast', [codes], 'pairs', { to: elementType.float });
  const high = make('Floor', [make('Mul', [pairs, float(1 / 16)], 'shifted')], 'high');
  const low = make('Sub', [pairs, make('Mul', [high, float(16)], 'high_part')], 'low');
  const halves = [low, high].map((half) => make('Reshape', [half, shape(-1, bytesPerRow, 1)], 'half'));
  const row = make('Concat', halves, 'row', { axis: 2 });
  const blocks = make('Reshape', [row, shape(-1, numBlocks, blockSize)], 'blocks');
  const centred = make('Sub', [blocks, float(8)], 'centred');
  const rowScales = make('Gather', [scales, indices], 'row_scales', { axis: 0 });
  const perBlock = make('Reshape', [rowScales, shape(-1, numBlocks, 1)], 'block_scales');
  const values = make('Mul', [centred, perBlock], 'values');
  const rowShape = make('Concat', [make('Shape', [indices], 'indices_shape'), shape(2 * bytesPerRow)], 'row_shape', {
    axis: 0,
  });
  make('Reshape', [values, rowShape], '');
  return nodes;
}
