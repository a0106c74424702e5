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
  /** Whether a constant is added after it. */
  readonly hasBias: boolean;
}

/**
 * The product that the first output is made of, with nothing but a bias, casts, masks and a normalisation between. A norm's
 * Sub, or a sum of two rows, ends the search: that is a transformer without a head.
 */
export function findProjection(graph: GraphProto, wiring: Wiring = wire(graph)): Projection | null {
  let name = graph.output[0]!.name;
  let hasBias = false;
  for (let step = 0; step < 16; step++) {
    const node = wiring.producers.get(name);
    if (node === undefined) return null;
    if (isOperator(node, 'MatMul') || isOperator(node, 'Gemm')) {
      const weight = followConstant(node.input[1] ?? '', wiring);
      if (weight === null) return null;
      const [a, b] = weight.dims as [number, number];
      const isTransposed = weight.transposed !== (intOf(node, 'transB', 0) === 1);
      return {
        node,
        width: isTransposed ? b : a,
        dim: isTransposed ? a : b,
        hasBias: hasBias || node.input.length > 2,
      };
    }
    if (isOperator(node, 'Add')) {
      const rest = node.input.filter((input) => !isConstant(input, wiring));
      if (rest.length !== 1) return null;
      hasBias = true;
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
 * Puts a head in the place of the graph's own, or behind its first output where it has none; the graph's other outputs are
 * dropped in the latter case. Changes the graph in place.
 * @throws 'model-invalid' where the head's width is not the model's
 */
export function setProjection(graph: GraphProto, contents: Contents, head: Head): void {
  const name = namer(graph);
  const found = findProjection(graph);
  const weight = message(schemas.tensor, {
    name: name('projection.weight'),
    dataType: elementType.float,
    dims: [BigInt(head.width), BigInt(head.dim)],
  });
  graph.initializer.push(weight);
  contents.set(weight, memoryContent(transpose(head.weight, head.dim, head.width), [head.width, head.dim]));
  const [output] = graph.output;
  if (found !== null) {
    if (found.width !== head.width) throw unfit(head, found.width);
    if (found.hasBias) {
      throw new LateralError('model-invalid', "The model's own head has a bias, which another head would not fit.");
    }
    const { node } = found;
    const product = makeNode({ op: 'MatMul', inputs: [node.input[0]!, weight.name], output: node.output[0]! });
    graph.node[graph.node.indexOf(node)] = product;
    graph.output = graph.output.map((one) => (one === output ? withDim(one.name) : one));
    prune(graph);
    return;
  }
  const width = output!.type?.tensorType?.shape?.dim.at(-1)?.dimValue;
  if (width !== undefined && width !== 0n && Number(width) !== head.width) throw unfit(head, Number(width));
  const embeddings = name('embeddings');
  graph.node.push(makeNode({ op: 'MatMul', inputs: [output!.name, weight.name], output: embeddings }));
  graph.output = [withDim(embeddings)];
  prune(graph);

  /** The first output under a name, its last dimension that of the head. */
  function withDim(outputName: string) {
    const dims = output!.type?.tensorType?.shape?.dim ?? [];
    dims[dims.length === 0 ? 0 : dims.length - 1] = message(schemas.dimension, { dimValue: BigInt(head.dim) });
    output!.name = outputName;
    return output!;
  }
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
