/**
 * Brings exporters' graphs to one form: every large constant an initializer, every float 32 bits wide, nothing that only
 * debuggers read, nothing that leads to no output.
 */
import { LateralError } from '../../errors.ts';
import { isHalf, type Content } from './content.ts';
import { allGraphs, attribute, innerGraphs, isOperator } from './graph.ts';
import { widenBfloat, widenHalf } from './half.ts';
import {
  attributeType,
  clearTraces,
  elementType,
  message,
  schemas,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from './onnx.ts';

/** Values that are not in the message, by their tensor. */
export type Contents = Map<TensorProto, Content>;

/** Changes the graph in place. @throws 'model-invalid' for large values where no weight is expected */
export function prepare(graph: GraphProto, contents: Contents): void {
  for (const part of allGraphs(graph)) {
    hoistConstants(part, contents);
    const given = new Set(part.initializer.map(({ name }) => name));
    part.input = part.input.filter(({ name }) => !given.has(name)); // old exporters list weights as inputs too
    part.valueInfo = []; // shapes that the runtime finds by itself, and that would be wrong for new nodes
    for (const node of part.node) clearTraces(node);
  }
  widen(graph);
}

/** Large Constant nodes become initializers, which may lie in a file of their own. */
function hoistConstants(graph: GraphProto, contents: Contents): void {
  graph.node = graph.node.filter((node) => {
    const value = isOperator(node, 'Constant') ? attribute(node, 'value')?.t : undefined;
    if (value !== undefined && contents.has(value)) {
      value.name = node.output[0]!;
      graph.initializer.push(value);
      return false;
    }
    if (node.attribute.some(({ t, tensors }) => [t, ...tensors].some((one) => one && contents.has(one)))) {
      throw new LateralError(
        'model-invalid',
        `The operator ${node.opType} holds a large tensor. Such a model is not read.`,
      );
    }
    return true;
  });
}

/**
 * fp16 and bf16 → fp32 throughout. One file then serves both back ends: WASM has few fp16 kernels, many graphics devices have
 * no shader-f16, and norms overflow fp16 silently (onnxruntime #31626). Large tensors are widened as they are copied.
 */
function widen(graph: GraphProto): void {
  for (const part of allGraphs(graph)) {
    for (const tensor of part.initializer) widenTensor(tensor);
    for (const { type } of [...part.input, ...part.output]) {
      if (type?.tensorType && isHalf(type.tensorType.elemType)) type.tensorType.elemType = elementType.float;
    }
    for (const node of part.node) {
      for (const one of node.attribute) {
        for (const tensor of one.t === undefined ? one.tensors : [one.t]) widenTensor(tensor);
        const isType = ['to', 'dtype', 'output_datatype'].includes(one.name) && one.type === attributeType.int;
        if (isType && isHalf(Number(one.i))) one.i = BigInt(elementType.float);
      }
    }
  }
}

function widenTensor(tensor: TensorProto): void {
  if (!isHalf(tensor.dataType)) return;
  const { dataType, rawData, int32Data } = tensor;
  tensor.dataType = elementType.float;
  const bytes = rawData.length > 0 ? rawData : new Uint8Array(Uint16Array.from(int32Data).buffer);
  if (bytes.length === 0) return; // none, or not in the message
  const values = dataType === elementType.float16 ? widenHalf(bytes) : widenBfloat(bytes);
  tensor.rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  tensor.int32Data = [];
}

/** Drops nodes that lead to no output, and weights that no node reads. Nodes may stand in any order: fp16 converters append. */
export function prune(graph: GraphProto): void {
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  makers.delete(''); // an output that is left out
  const needed = new Set(graph.output.map(({ name }) => name));
  const kept = new Set<NodeProto>();
  for (const name of needed) {
    const node = makers.get(name); // a set's loop also visits what is added meanwhile
    if (node === undefined || kept.has(node)) continue;
    kept.add(node);
    for (const read of namesRead(node)) needed.add(read);
  }
  graph.node = graph.node.filter((node) => kept.has(node));
  graph.initializer = graph.initializer.filter(({ name }) => needed.has(name));
}

/** By the node, and within its graphs. */
export function* namesRead(node: NodeProto): Generator<string> {
  yield* node.input;
  for (const inner of innerGraphs(node)) {
    for (const { name } of inner.output) yield name;
    for (const one of inner.node) yield* namesRead(one);
  }
}

/** The operator sets that the graph's new nodes are from. */
export function requireOperators(opsetImport: { domain: string }[], domain: string): void {
  if (!opsetImport.some((one) => one.domain === domain)) {
    opsetImport.push(message(schemas.opset, { domain, version: 1n }));
  }
}
