/**
 * The linear layer that makes ColBERT's rows: found in a graph, put in another's place, or added to an export without one.
 * Rows are not normalised here; the encoder does that.
 */
import { LateralError } from '../../errors.ts';
import { transpose } from './blocks.ts';
import { memoryContent } from './content.ts';
import { attribute, intOf, isOperator, makeNode, namer, wire, type Wiring } from './graph.ts';
import { elementType, message, schemas, type GraphProto, type NodeProto } from './onnx.ts';
import { followConstant } from './constants.ts';
import { prune, type Contents } from './prepare.ts';
import type { Head } from './safetensors.ts';

export interface Projection {
  /** MatMul or Gemm, its weight constant. */
  readonly node: NodeProto;
  readonly width: number;
  readonly dim: number;
}

/**
 * The product that the first output is made of, with nothing but a bias, casts, masks and a normalisation between. A norm's
 * Sub, or a sum of two rows, ends the search: that is a transformer without a head.
 */
export function findProjection(graph: GraphProto, wiring: Wiring = wire(graph)): Projection | null {
  let name = graph.output[0]!.name;
  for (let step = 0; step < 16; step++) {
    const node = wiring.producers.get(name);
    if (node === undefined) return null;
    if (isOperator(node, 'MatMul') || isOperator(node, 'Gemm')) {
      const weight = followConstant(node.input[1] ?? '', wiring);
      if (weight === null) return null;
      const [a, b] = weight.dims as [number, number];
      const isTransposed = weight.transposed !== (intOf(node, 'transB', 0) === 1);
      return { node, width: isTransposed ? b : a, dim: isTransposed ? a : b };
    }
    if (isOperator(node, 'Add')) {
      const rest = node.input.filter((input) => !isConstant(input, wiring));
      if (rest.length !== 1) return null;
      name = rest[0]!;
    } else if (isOperator(node, 'Mul')) {
      name = node.input.find((input) => leadsToProduct(input, wiring)) ?? '';
    } else if (['Identity', 'Cast', 'Div', 'LpNormalization'].some((kind) => isOperator(node, kind))) {
      name = node.input[0]!;
    } else return null;
  }
  return null;
}

/**
 * Makes the head's product the graph's only output: of what the graph's own projection reads, or of the first output where
 * there is none. What came after (a bias, a norm, a mask) goes with the old head: exporters write its length into them.
 * Changes the graph in place.
 * @throws 'model-invalid' where the head's width is not the model's
 */
export function setProjection(graph: GraphProto, contents: Contents, head: Head): void {
  const found = findProjection(graph);
  const output = graph.output[0]!;
  const dims = output.type?.tensorType?.shape?.dim ?? [];
  const width = found?.width ?? Number(dims.at(-1)?.dimValue ?? 0);
  if (width > 0 && width !== head.width) throw unfit(head, width);

  const name = namer(graph);
  const weight = message(schemas.tensor, {
    name: name('projection.weight'),
    dataType: elementType.float,
    dims: [BigInt(head.width), BigInt(head.dim)],
  });
  graph.initializer.push(weight);
  contents.set(weight, memoryContent(transpose(head.weight, head.dim, head.width), [head.width, head.dim]));
  const rows = found?.node.input[0] ?? output.name;
  const product = makeNode({ op: 'MatMul', inputs: [rows, weight.name], output: name('embeddings') });
  graph.node.push(product);
  output.name = product.output[0]!;
  if (dims.length > 0) dims[dims.length - 1] = message(schemas.dimension, { dimValue: BigInt(head.dim) });
  graph.output = [output];
  prune(graph);
}

/** A mask multiplies rows from either side. */
function leadsToProduct(name: string, wiring: Wiring): boolean {
  for (let step = 0; step < 8; step++) {
    const node = wiring.producers.get(name);
    if (node === undefined) return false;
    if (isOperator(node, 'MatMul') || isOperator(node, 'Gemm')) return true;
    if (!['Identity', 'Cast', 'Div', 'Add'].some((kind) => isOperator(node, kind))) return false;
    name = node.input.find((input) => !isConstant(input, wiring)) ?? '';
  }
  return false;
}

function isConstant(name: string, wiring: Wiring): boolean {
  if (wiring.initializers.has(name)) return true;
  const node = wiring.producers.get(name);
  return node !== undefined && isOperator(node, 'Constant') && attribute(node, 'value') !== undefined;
}

function unfit(head: Head, width: number): LateralError {
  return new LateralError(
    'model-invalid',
    `The head reads rows of ${head.width} numbers; the model makes rows of ${width}. Take the head of the same model.`,
  );
}
