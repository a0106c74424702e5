/**
 * A graph of fp32 activations → the same with what takes its time in fp16: products, attention and activation functions. For graphics
 * cards that compute fp16 faster; made when a session is, of the graph that is stored.
 *
 * What can leave fp16's range or needs its digits stays in fp32 (docs/models.md, "Half precision"):
 * - norms, in single steps (Pow, ReduceMean, Sqrt: squares overflow at 256; onnxruntime #31626) and fused ones, and what is not known
 *   here; so also what is added to their results: the sums that run through all layers, where values grow largest
 * - what does not follow from the tokens: rotary angles, which need more than eleven bits of a position, and masks
 *
 * Each value in fp32 keeps its name, so that a reader of it, of which nothing is known here, reads what it always did.
 */
import { byteLength, isLarge, readExternal } from './content.ts';
import { attribute, contrib, innerGraphs, intOf, isOperator, makeNode, namer } from './graph.ts';
import { aligned, narrowFloat, smallestHalf } from './half.ts';
import {
  decodeModel,
  elementType,
  encodeModel,
  external,
  message,
  schemas,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from './onnx.ts';
import { namesRead, prune } from './prepare.ts';

/** What the graph calls the file of halves. */
export const halfFile = 'lateral-halves';

/** Values in the file of halves, and where they lie as floats. */
export interface HalfTensor {
  /** The file of floats, as the graph names it. */
  readonly location: string;
  /** Bytes. */
  readonly offset: number;
  readonly count: number;
}

export interface HalfGraph {
  readonly graph: Uint8Array;
  /** What the file of halves holds, one after another. */
  readonly tensors: readonly HalfTensor[];
}

/**
 * What masks add in place of −∞ or −3.4e38: two of them, and scores beside them, still have a finite sum; and e^−30000 is 0 for
 * whichever type.
 */
export const maskLimit = 30_000;

/** These are what takes the time: in fp16 whatever their inputs come in. */
const products = new Set([
  ...['MatMul', 'Gemm'],
  ...['MatMulNBits', 'FusedMatMul', 'Attention', 'MultiHeadAttention'].map((op) => `${contrib}.${op}`),
]);

/** In fp16 where all that follows from the tokens comes so: no result is larger than a few times its inputs, or it lies within 0 and 1. */
const followers = new Set([
  ...['Reshape', 'Transpose', 'Slice', 'Squeeze', 'Unsqueeze', 'Identity', 'Expand', 'Split', 'Concat', 'Flatten'],
  ...['Gather', 'Where', 'Add', 'Sub', 'Mul', 'Div', 'Neg'],
  ...['Erf', 'Tanh', 'Sigmoid', 'Relu', 'Gelu', 'Softmax'],
  ...['Gelu', 'FastGelu', 'QuickGelu', 'BiasGelu'].map((op) => `${contrib}.${op}`),
]);

/** What follows from how many tokens there are, or from comparing them, follows from no token's meaning. */
const meaningless = new Set([
  ...['Shape', 'Size', 'Equal', 'Not', 'And', 'Or', 'Xor', 'IsNaN', 'IsInf'],
  ...['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'],
]);

/** Clip reads its bounds as inputs from this operator set on. */
const oldestOpset = 11;

/**
 * @param bytes an ONNX whose floats are fp32, as the quantiser writes it
 * @returns null where nothing of it can be computed in fp16
 * @throws 'model-invalid' where it is no ONNX
 */
export function halveGraph(bytes: Uint8Array): HalfGraph | null {
  const model = decodeModel(bytes);
  const opset = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 1n;
  if (opset < oldestOpset) return null;
  const tensors = halve(model.graph);
  return tensors === null ? null : { graph: encodeModel(model), tensors };
}

/** Changes the graph in place. */
function halve(graph: GraphProto): HalfTensor[] | null {
  const nodes = inOrder(graph);
  const facts = factsOf(graph, nodes);
  const name = namer(graph);
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const tensors: HalfTensor[] = [];
  const placed: NodeProto[] = [];
  /** Value → its name in fp16. */
  const halves = new Map<string, string>();
  /** Made in fp16. */
  const made = new Set<string>();
  /** Of these, read in fp32 as well. */
  const widened = new Set<string>();
  let end = 0; // of the file of halves
  let bounds: readonly [string, string] | null = null;

  for (const node of nodes) {
    const floats = node.input.flatMap((input, i) => (isFloatInput(node, i) && facts.floats.has(input) ? [i] : []));
    if (isHalf(node, floats)) {
      for (const i of floats) node.input[i] = inHalf(node.input[i]!);
      node.output = node.output.map((output) => {
        if (output === '') return '';
        made.add(output);
        const half = name(`${output}_half`);
        halves.set(output, half);
        return half;
      });
      const filter = attribute(node, 'mask_filter_value');
      if (filter !== undefined) filter.f = Math.max(filter.f, -maskLimit);
    } else {
      for (const read of namesRead(node)) inFloat(read);
    }
    placed.push(node);
  }
  if (made.size === 0) return null;
  for (const { name: output } of graph.output) inFloat(output);
  graph.node = placed;
  prune(graph);
  return tensors;

  function isHalf(node: NodeProto, floats: readonly number[]): boolean {
    const meant = floats.map((i) => node.input[i]!).filter((input) => facts.meant.has(input));
    if (meant.length === 0 || innerGraphs(node).length > 0) return false;
    const kind = kindOf(node);
    if (products.has(kind)) return true;
    const isSquare = node.opType === 'Mul' && node.input[0] === node.input[1];
    const isTiny = floats.some((i) => facts.tiny.has(node.input[i]!)); // an epsilon would be 0
    return followers.has(kind) && !isSquare && !isTiny && meant.every((input) => made.has(input));
  }

  function inHalf(value: string): string {
    const known = halves.get(value);
    if (known !== undefined) return known;
    const tensor = initializers.get(value);
    const half = name(`${value}_half`);
    halves.set(value, half);
    if (tensor !== undefined) {
      graph.initializer.push(halfTensor(tensor, half));
    } else {
      placed.push(cast(facts.large.has(value) ? clipped(value) : value, half, elementType.float16));
    }
    return half;
  }

  function inFloat(value: string): void {
    if (!made.has(value) || widened.has(value)) return;
    widened.add(value);
    placed.push(cast(halves.get(value)!, value, elementType.float));
  }

  function halfTensor(tensor: TensorProto, half: string): TensorProto {
    const result = message(schemas.tensor, { name: half, dims: tensor.dims, dataType: elementType.float16 });
    if (tensor.dataLocation !== external) {
      const narrowed = narrowFloat(floatsOf(tensor), maskLimit);
      result.rawData = new Uint8Array(narrowed.buffer);
      return result;
    }
    const { location, offset } = readExternal(tensor);
    const length = byteLength(result)!;
    tensors.push({ location, offset, count: length / 2 });
    result.dataLocation = external;
    result.externalData = Object.entries({ location: halfFile, offset: end, length }).map(([key, entry]) =>
      message(schemas.entry, { key, value: String(entry) }),
    );
    end += length;
    return result;
  }

  function clipped(value: string): string {
    bounds ??= [-maskLimit, maskLimit].map((bound) => {
      const tensor = message(schemas.tensor, {
        ...{ name: name(`mask_limit_${bound}`), dataType: elementType.float, floatData: [bound] },
      });
      graph.initializer.push(tensor);
      return tensor.name;
    }) as [string, string];
    const output = name(`${value}_clipped`);
    placed.push(makeNode({ op: 'Clip', inputs: [value, ...bounds], output }));
    return output;
  }

  function cast(input: string, output: string, to: number): NodeProto {
    return makeNode({ op: 'Cast', inputs: [input], output, ints: { to } });
  }
}

interface Facts {
  /** Values of type float. */
  readonly floats: ReadonlySet<string>;
  /** Values that follow from which tokens there are, and not only from how many. */
  readonly meant: ReadonlySet<string>;
  /** Constants, and what is made of them before any token is, that fp16 may not hold. */
  readonly large: ReadonlySet<string>;
  /** Single constants that are near 0 without being it. */
  readonly tiny: ReadonlySet<string>;
}

function factsOf(graph: GraphProto, nodes: readonly NodeProto[]): Facts {
  const floats = new Set<string>();
  const meant = new Set(['input_ids']);
  const large = new Set<string>();
  const tiny = new Set<string>();
  const constant = (value: string, tensor: TensorProto): void => {
    if (tensor.dataType !== elementType.float) return;
    floats.add(value);
    if (tensor.dataLocation === external || isLarge(byteLength(tensor) ?? 0)) return;
    const sizes = Array.from(floatsOf(tensor), Math.abs);
    if (sizes.some((size) => size > maskLimit)) large.add(value);
    if (sizes.length === 1 && sizes[0]! > 0 && sizes[0]! < smallestHalf) tiny.add(value);
  };
  for (const tensor of graph.initializer) constant(tensor.name, tensor);
  for (const { name, type } of graph.input) if (type?.tensorType?.elemType === elementType.float) floats.add(name);
  for (const node of nodes) {
    const inputs = [...namesRead(node)];
    const [first] = node.output as [string];
    const value = attribute(node, 'value');
    if (value?.t !== undefined) constant(first, value.t);
    else if (attribute(node, 'value_float') ?? attribute(node, 'value_floats')) floats.add(first);
    for (const [i, output] of node.output.entries())
      if (output !== '' && isFloatOutput(node, i, floats)) floats.add(output);
    const isMeant = !meaningless.has(node.opType) && !isTruth(node) && inputs.some((input) => meant.has(input));
    const isLargeToo = inputs.some((input) => large.has(input));
    for (const output of node.output) {
      if (isMeant) meant.add(output);
      else if (isLargeToo) large.add(output);
    }
  }
  return { floats, meant, large, tiny };
}

const isTruth = (node: NodeProto): boolean => isOperator(node, 'Cast') && intOf(node, 'to', 0) === elementType.bool;

/** Of the operators that transformers are made of; for any other: as one of its inputs. */
function isFloatOutput(node: NodeProto, index: number, floats: ReadonlySet<string>): boolean {
  if (meaningless.has(node.opType) || ['NonZero', 'ArgMax', 'ArgMin', 'QuantizeLinear'].includes(node.opType))
    return false;
  if (node.opType === 'Cast') return intOf(node, 'to', 0) === elementType.float;
  if (node.opType === 'Constant') return false; // was looked at
  if (node.opType === 'ConstantOfShape') return attribute(node, 'value') === undefined;
  if (node.opType === 'EmbedLayerNormalization' && index === 1) return false; // lengths of the texts
  return node.input.some((input, i) => isFloatInput(node, i) && floats.has(input));
}

/** Attention's fourth input is a mask of integers. */
const isFloatInput = (node: NodeProto, index: number): boolean =>
  !(isOperator(node, 'Attention', contrib) && index === 3);

function kindOf({ domain, opType }: NodeProto): string {
  return domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`;
}

function floatsOf({ rawData, floatData }: TensorProto): Float32Array {
  return rawData.length > 0 ? aligned(rawData, Float32Array) : Float32Array.from(floatData);
}

/** Each node behind those that make what it reads: converters append. */
function inOrder(graph: GraphProto): NodeProto[] {
  const makers = new Map(graph.node.flatMap((node) => node.output.map((output) => [output, node] as const)));
  makers.delete('');
  const ordered = new Set<NodeProto>();
  for (const node of graph.node) {
    // A stack of our own: a graph can be thousands of nodes deep.
    const waiting = [node];
    while (waiting.length > 0) {
      const next = waiting.at(-1)!;
      const before = ordered.has(next)
        ? []
        : [...namesRead(next)].flatMap((read) => {
            const maker = makers.get(read);
            return maker === undefined || maker === next || ordered.has(maker) ? [] : [maker];
          });
      if (before.length === 0) ordered.add(waiting.pop()!);
      else waiting.push(...before);
    }
  }
  return [...ordered];
}
