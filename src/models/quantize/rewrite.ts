/**
 * Decides for each weight whether it is quantised, changes the nodes that read it, and says what has to be written: the one
 * place that knows which operators run on both back ends (docs/quantize.md gives the reasons).
 */
import type { Bits, BlockFormat } from './blocks.ts';
import { finalUses, followConstant } from './constants.ts';
import { isFloat, type Content } from './content.ts';
import {
  contrib,
  floatOf,
  intOf,
  isOperator,
  makeNode,
  namer,
  wire,
  allGraphs,
  type Use,
  type Wiring,
} from './graph.ts';
import type { Job, MatrixJob, RowsJob } from './jobs.ts';
import { elementType, message, schemas, type GraphProto, type NodeProto, type TensorProto } from './onnx.ts';
import { prune, type Contents } from './prepare.ts';
import { findProjection } from './projection.ts';

export interface Choices {
  readonly matrix: BlockFormat;
  /** 32: left as it is. */
  readonly projectionBits: Bits | 32;
  readonly embeddingBits: Bits;
  readonly accuracyLevel: 0 | 1 | 4;
  /** Matrices of fewer values are left as they are. */
  readonly minElements: number;
}

export interface QuantizedWeight {
  readonly name: string;
  /** As stored in the source. */
  readonly shape: readonly number[];
  readonly kind: 'matrix' | 'embedding' | 'projection';
  readonly bits: Bits;
  /** Scales and zero points included. */
  readonly bytes: number;
}

export interface LeftWeight {
  readonly name: string;
  readonly shape: readonly number[];
  /** Bytes in the result. */
  readonly bytes: number;
  readonly reason: 'small' | 'not-a-matrix' | 'used-otherwise' | 'projection';
}

export interface Rewritten {
  readonly jobs: readonly Job[];
  readonly quantized: readonly QuantizedWeight[];
  readonly left: readonly LeftWeight[];
}

/** A node that a quantised weight can serve. */
interface Place extends Use {
  readonly kind: QuantizedWeight['kind'];
  /** What the weight is multiplied by (Gemm's alpha). */
  readonly factor: number;
  /** Matrices: whether the node reads the weight as [N, K]. */
  readonly transB: boolean;
}

/** Changes the graph in place. */
export function rewrite(graph: GraphProto, contents: Contents, choices: Choices): Rewritten {
  const wiring = wire(graph);
  const name = namer(graph);
  const places = findPlaces(graph, wiring);
  const jobs: Job[] = [];
  const quantized: QuantizedWeight[] = [];
  const left: LeftWeight[] = [];
  /** Node → the nodes in its place. */
  const replacements = new Map<NodeProto, NodeProto[]>();

  for (const tensor of [...graph.initializer]) {
    const content = contents.get(tensor);
    if (content === undefined || !isFloat(tensor.dataType)) continue;
    const uses = finalUses(tensor.name, wiring);
    const served = uses.map((use) => places.find((place) => place.node === use.node && place.index === use.index));
    const reason = whyLeft(tensor, content, served, wiring, choices);
    if (reason !== null) {
      const bytes = content.dims.reduce((product, dim) => product * dim, 4);
      left.push({ name: tensor.name, shape: content.dims, bytes, reason });
      continue;
    }
    const shared = new Map<string, MatrixJob | RowsJob>();
    for (const place of served as Place[]) {
      const seen = followConstant(place.node.input[place.index]!, wiring)!;
      const key = JSON.stringify([
        place.kind === 'embedding',
        seen.transposed !== place.transB,
        place.factor,
        place.kind,
      ]);
      let job = shared.get(key);
      if (job === undefined) {
        const isColumns = seen.transposed === place.transB;
        job = place.kind === 'embedding' ? rows(tensor, content) : matrix(tensor, content, place, isColumns);
        shared.set(key, job);
        jobs.push(job);
        quantized.push(describe(job, tensor.name, content, place.kind));
      }
      replacements.set(place.node, job.kind === 'matrix' ? product(place, job) : lookup(place, job));
    }
  }
  for (const part of allGraphs(graph)) {
    part.node = part.node.flatMap((node) => replacements.get(node) ?? [node]);
  }
  prune(graph);
  return { jobs: [...jobs, ...copies()], quantized, left };

  function matrix(tensor: TensorProto, content: Content, place: Place, isColumns: boolean): MatrixJob {
    const bits = place.kind === 'projection' ? (choices.projectionBits as Bits) : choices.matrix.bits;
    const format = { ...choices.matrix, bits };
    const [first, second] = content.dims as [number, number];
    const [rowCount, width] = isColumns ? [second, first] : [first, second];
    const numBlocks = Math.ceil(width / format.blockSize);
    const base = `${tensor.name}_q${bits}`;
    return {
      kind: 'matrix',
      name: tensor.name,
      content,
      isColumns,
      rows: rowCount,
      width,
      format,
      factor: place.factor,
      packed: add(base, elementType.uint8, [rowCount, numBlocks, (format.blockSize * bits) / 8]),
      scales: add(`${base}_scales`, elementType.float, [rowCount * numBlocks]),
      zeroPoints: format.zeroPoints
        ? add(`${base}_zero_points`, elementType.uint8, [rowCount * Math.ceil((numBlocks * bits) / 8)])
        : null,
    };
  }

  function rows(tensor: TensorProto, content: Content): RowsJob {
    const [rowCount, width] = content.dims as [number, number];
    const bits = width % rowBlock === 0 ? choices.embeddingBits : 8;
    const base = `${tensor.name}_q${bits}`;
    return {
      kind: 'rows',
      name: tensor.name,
      content,
      rows: rowCount,
      width,
      bits,
      blockSize: bits === 4 ? rowBlock : width,
      packed:
        bits === 4
          ? add(base, elementType.uint8, [rowCount, width / 2])
          : add(base, elementType.int8, [rowCount, width]),
      scales: add(`${base}_scales`, elementType.float, [rowCount, bits === 4 ? width / rowBlock : 1]),
    };
  }

  function add(wanted: string, dataType: number, dims: readonly number[]): TensorProto {
    const tensor = message(schemas.tensor, { name: name(wanted), dataType, dims: dims.map(BigInt) });
    graph.initializer.push(tensor);
    return tensor;
  }

  /** A · B → MatMulNBits; Gemm's C is added after it. */
  function product({ node }: Place, job: MatrixJob): NodeProto[] {
    const [a, , c] = node.input as [string, string, string?];
    const output = node.output[0]!;
    const hasBias = isOperator(node, 'Gemm') && c !== undefined && c !== '';
    const bare = hasBias ? name(`${output}_product`) : output;
    const inputs = [a, job.packed.name, job.scales.name, ...(job.zeroPoints === null ? [] : [job.zeroPoints.name])];
    const ints = { K: job.width, N: job.rows, bits: job.format.bits, block_size: job.format.blockSize };
    const nodes = [
      makeNode({
        op: 'MatMulNBits',
        domain: contrib,
        inputs,
        output: bare,
        ints: choices.accuracyLevel === 0 ? ints : { ...ints, accuracy_level: choices.accuracyLevel },
      }),
    ];
    if (!hasBias) return nodes;
    const beta = floatOf(node, 'beta', 1);
    let bias = c;
    if (beta !== 1) {
      const factor = message(schemas.tensor, {
        name: name(`${output}_beta`),
        dataType: elementType.float,
        floatData: [beta],
      });
      graph.initializer.push(factor);
      bias = name(`${output}_bias`);
      nodes.push(makeNode({ op: 'Mul', inputs: [c, factor.name], output: bias }));
    }
    return [...nodes, makeNode({ op: 'Add', inputs: [bare, bias], output })];
  }

  /** Gather → GatherBlockQuantized at 4 bits; at 8, standard operators: codes · scale. */
  function lookup({ node }: Place, job: RowsJob): NodeProto[] {
    const indices = node.input[1]!;
    const output = node.output[0]!;
    if (job.bits === 4) {
      const ints = { bits: 4, block_size: job.blockSize, gather_axis: 0, quantize_axis: 1 };
      const inputs = [job.packed.name, indices, job.scales.name];
      return [makeNode({ op: 'GatherBlockQuantized', domain: contrib, inputs, output, ints })];
    }
    const [codes, wide, scales] = ['codes', 'wide_codes', 'row_scales'].map((part) => name(`${output}_${part}`)) as [
      string,
      string,
      string,
    ];
    return [
      makeNode({ op: 'Gather', inputs: [job.packed.name, indices], output: codes, ints: { axis: 0 } }),
      makeNode({ op: 'Cast', inputs: [codes], output: wide, ints: { to: elementType.float } }),
      makeNode({ op: 'Gather', inputs: [job.scales.name, indices], output: scales, ints: { axis: 0 } }),
      makeNode({ op: 'Mul', inputs: [wide, scales], output }),
    ];
  }

  /** All other values that are not in the message, as they are; halves become floats. */
  function* copies(): Generator<Job> {
    for (const part of allGraphs(graph)) {
      for (const [i, tensor] of part.initializer.entries()) {
        const content = contents.get(tensor);
        if (content === undefined) continue;
        const { name: copied, dims, dataType } = tensor;
        const target = message(schemas.tensor, { name: copied, dims, dataType });
        part.initializer[i] = target;
        yield { kind: 'copy', name: copied, content, target };
      }
    }
  }
}

/** Values of a 4-bit row that share a scale: as in our own model, which runs on both back ends so. */
const rowBlock = 32;

function whyLeft(
  tensor: TensorProto,
  content: Content,
  served: readonly (Place | undefined)[],
  { outputs }: Wiring,
  choices: Choices,
): LeftWeight['reason'] | null {
  if (content.dims.length !== 2) return 'not-a-matrix';
  if (content.dims[0]! * content.dims[1]! < Math.max(1, choices.minElements)) return 'small';
  if (outputs.has(tensor.name) || served.length === 0 || served.includes(undefined)) return 'used-otherwise';
  if (choices.projectionBits === 32 && served.some((place) => place?.kind === 'projection')) return 'projection';
  return null;
}

function findPlaces(graph: GraphProto, wiring: Wiring): Place[] {
  const projection = findProjection(graph, wiring)?.node;
  const places: Place[] = [];
  for (const { node } of [...allGraphs(graph)].flatMap((part) => part.node.map((one) => ({ node: one })))) {
    const isGemm = isOperator(node, 'Gemm');
    const isFused = isOperator(node, 'FusedMatMul', contrib);
    if (isGemm || isFused || isOperator(node, 'MatMul')) {
      const isPlain = ['transA', 'transBatchA', 'transBatchB'].every((one) => intOf(node, one, 0) === 0);
      if (!isPlain || followConstant(node.input[0]!, wiring) !== null) continue;
      places.push({
        node,
        index: 1,
        kind: node === projection ? 'projection' : 'matrix',
        factor: isGemm || isFused ? floatOf(node, 'alpha', 1) : 1,
        transB: intOf(node, 'transB', 0) === 1,
      });
    } else if (isOperator(node, 'Gather') && intOf(node, 'axis', 0) === 0 && readsTokens(node.input[1]!, wiring)) {
      places.push({ node, index: 0, kind: 'embedding', factor: 1, transB: false });
    }
  }
  // A table behind a Transpose or an fp16 Cast is not one of rows as stored.
  return places.filter((place) => {
    const seen = followConstant(place.node.input[place.index]!, wiring);
    return seen !== null && !(place.kind === 'embedding' && seen.transposed);
  });
}

/** Whether indices are the token ids, perhaps in another type or shape. Positions and segments are small, and left. */
function readsTokens(name: string, wiring: Wiring): boolean {
  for (let step = 0; step < 8; step++) {
    if (name === 'input_ids') return true;
    const node = wiring.producers.get(name);
    const isPassing =
      node && ['Cast', 'Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Clip'].some((one) => isOperator(node, one));
    if (!isPassing) return false;
    name = node.input[0]!;
  }
  return false;
}

function describe(
  job: MatrixJob | RowsJob,
  name: string,
  content: Content,
  kind: QuantizedWeight['kind'],
): QuantizedWeight {
  const tensors = job.kind === 'matrix' ? [job.packed, job.scales, job.zeroPoints] : [job.packed, job.scales];
  const bytes = tensors.reduce(
    (sum, one) =>
      one === null
        ? sum
        : sum + one.dims.reduce((product, dim) => product * Number(dim), one.dataType === elementType.float ? 4 : 1),
    0,
  );
  return { name, shape: content.dims, kind, bits: job.kind === 'matrix' ? job.format.bits : job.bits, bytes };
}
