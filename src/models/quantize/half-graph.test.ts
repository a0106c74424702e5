/** Graphs with fp16 in ONNX Runtime, which refuses one whose types do not fit; on graphics cards: docs/models.md, "Half precision". */
import { describe, expect, it } from 'vitest';
import { halfWeights } from '../half-weights.ts';
import { intOf, isOperator } from './graph.ts';
import { halfFile, halveGraph } from './half-graph.ts';
import { decodeModel, elementType, encodeModel, type GraphProto, type NodeProto } from './onnx.ts';
import { graphBytes, randomWeight, type GraphNode, type Weight } from './testing/graphs.ts';
import {
  type Batch,
  fixtureNames,
  type ModelBytes,
  quantize,
  readFixture,
  runModel,
  worstCosine,
} from './testing/models.ts';

const graphOf = ({ graph }: ModelBytes): GraphProto => decodeModel(graph).graph;

const made = new Map<string, Promise<ModelBytes>>();

function quantized(name: string): Promise<ModelBytes> {
  const known = made.get(name) ?? quantize(readFixture(name)).then(({ result }) => result);
  made.set(name, known);
  return known;
}

/** With the file of halves read at once. */
function halved({ graph, files }: ModelBytes): ModelBytes {
  const weights = { graph, external: Object.entries(files).map(([path, bytes]) => ({ path, bytes })) };
  const { graph: half, external: all } = halfWeights(weights)!;
  const read = all.map(({ path, bytes }) => [
    path,
    bytes instanceof Uint8Array ? bytes : bytes.readSync(0, bytes.size),
  ]);
  return { graph: half, files: Object.fromEntries(read) as Record<string, Uint8Array> };
}

const makersOf = (graph: GraphProto): Map<string, NodeProto> =>
  new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
const isCastTo = (node: NodeProto | undefined, type: number): boolean =>
  node !== undefined && isOperator(node, 'Cast') && intOf(node, 'to', 0) === type;

describe.each(fixtureNames)('%s', (name) => {
  it('gives the rows that it gave, with its products in fp16', async () => {
    const full = await quantized(name);
    const half = halved(full);
    expect(worstCosine((await runModel(half)).rows, (await runModel(full)).rows)).toBeGreaterThan(0.999);

    const graph = graphOf(half);
    const types = new Map(graph.initializer.map((tensor) => [tensor.name, tensor.dataType]));
    const products = graph.node.filter(({ opType }) => opType === 'MatMulNBits');
    expect(products.length).toBeGreaterThan(4);
    for (const { input } of products) expect(types.get(input[2]!)).toBe(elementType.float16);
  });

  it('keeps norms, angles, embeddings and the result in fp32', async () => {
    const graph = graphOf(halved(await quantized(name)));
    const makers = makersOf(graph);
    const halves = new Set(
      graph.initializer.filter(({ dataType }) => dataType === elementType.float16).map((one) => one.name),
    );
    const isHalf = (value: string): boolean => {
      const maker = makers.get(value);
      return maker === undefined ? halves.has(value) : isCastTo(maker, elementType.float16) || value.includes('_half');
    };
    const careful = /Norm|^(Pow|Sqrt|ReduceMean|ReduceL2|Cos|Sin|GatherBlockQuantized)$/;
    const kept = graph.node.filter(({ opType }) => careful.test(opType));
    expect(kept.length).toBeGreaterThan(1);
    for (const { opType, input } of kept) expect([opType, input.filter(isHalf)]).toEqual([opType, []]);
    expect(graph.output.map((output) => output.type?.tensorType?.elemType)).toEqual(
      graph.output.map(() => elementType.float),
    );
  });

  it('leaves packed weights where they lie, and copies nothing', async () => {
    const full = await quantized(name);
    const { graph, external: files } = halfWeights({
      graph: full.graph,
      external: Object.entries(full.files).map(([path, bytes]) => ({ path, bytes })),
    })!;
    const packed = (one: GraphProto) =>
      one.initializer
        .filter(({ dataType }) => dataType === elementType.uint8 || dataType === elementType.int8)
        .map(({ name: tensor, externalData }) => [tensor, ...externalData.map(({ key, value }) => `${key} ${value}`)]);
    expect(packed(decodeModel(graph).graph)).toEqual(packed(graphOf(full)));
    for (const { path, bytes } of files) {
      if (path === halfFile) expect(bytes).not.toBeInstanceOf(Uint8Array);
      else expect(bytes).toBe(full.files[path]);
    }
  });

  it('is done once: there is nothing left to do of what it made', async () => {
    expect(halveGraph(halved(await quantized(name)).graph)).toBeNull();
  });

  it('masks: rows are the same however far a text is filled up', async () => {
    const half = halved(await quantized(name));
    const text = [0, 8, 44, 101, 19, 2];
    const filled = (length: number): Batch => ({
      ids: [[...text, ...new Array<number>(length - text.length).fill(1)]],
      mask: [Array.from({ length }, (_, i) => (i < text.length ? 1 : 0))],
    });
    // As many as each fixture reads; ModernBERT's windows then hold nothing but padding, whose rows must not become NaN.
    const [short, long] = [await runModel(half, filled(6)), await runModel(half, filled(60))];
    expect(worstCosine(short.rows, long.rows)).toBeGreaterThan(0.99999);
  });
});

describe('what fp16 cannot hold', () => {
  const width = 32;
  const table = randomWeight([8, width], 1);
  const matrix = randomWeight([width, width], 2);
  const scalar = (value: number): Weight => ({ dims: [], values: Float32Array.of(value) });
  const whole = (...values: number[]): Weight => ({
    dims: [values.length],
    values: BigInt64Array.from(values, BigInt),
  });
  const ends: Weight = { dims: [], values: BigInt64Array.of(1n) };
  const rows: GraphNode[] = [
    { op: 'Gather', inputs: ['table', 'input_ids'], output: 'embedded' },
    { op: 'MatMul', inputs: ['embedded', 'matrix'], output: 'product' },
  ];
  const asModel = (weights: Readonly<Record<string, Weight>>, nodes: readonly GraphNode[]): ModelBytes => ({
    graph: graphBytes({ table, matrix, ...weights }, [...rows, ...nodes], width),
    files: {},
  });
  const one: Batch = { ids: [[1, 5, 2, 7]], mask: [[1, 1, 1, 1]] };

  it('position 8,191: its angle keeps its digits (in fp16 it would be off by up to 4 radians)', async () => {
    const length = 8192;
    const model = asModel({ zero: { dims: [], values: BigInt64Array.of(0n) }, ends, place: whole(1), axis: whole(1) }, [
      { op: 'Shape', inputs: ['input_ids'], output: 'shape' },
      { op: 'Gather', inputs: ['shape', 'ends'], output: 'length' },
      { op: 'Range', inputs: ['zero', 'length', 'ends'], output: 'positions' },
      { op: 'Cast', inputs: ['positions'], output: 'floats', ints: { to: elementType.float } },
      { op: 'Unsqueeze', inputs: ['floats', 'axis'], output: 'angles' },
      { op: 'Cos', inputs: ['angles'], output: 'turns' },
      { op: 'Mul', inputs: ['product', 'turns'], output: 'turned' },
    ]);
    const long: Batch = { ids: [new Array<number>(length).fill(3)], mask: [new Array<number>(length).fill(1)] };
    const [full, half] = [await runModel(model, long), await runModel(halved(model), long)];
    const far = full.rows.map((row, i) => Math.max(...row.map((value, k) => Math.abs(value - half.rows[i]![k]!))));
    expect(half.rows).toHaveLength(length);
    expect(Math.max(...far)).toBeLessThan(0.02); // of products of up to 10
  });

  it.each([-Infinity, -3.4028234663852886e38, -1e9])(
    'a mask of %d stays a mask, and its row finite',
    async (masked) => {
      // The row of one token is masked all through.
      const nodes: GraphNode[] = [
        { op: 'Equal', inputs: ['input_ids', 'one'], output: 'hidden' },
        { op: 'Unsqueeze', inputs: ['hidden', 'axis'], output: 'wide' },
        { op: 'Where', inputs: ['wide', 'masked', 'none'], output: 'added' },
        { op: 'Add', inputs: ['product', 'added'], output: 'scores' },
        { op: 'Add', inputs: ['scores', 'added'], output: 'twice' }, // windows and padding, each with a mask of its own
        { op: 'Softmax', inputs: ['twice'], output: 'shares', ints: { axis: -1 } },
      ];
      const model = asModel({ one: ends, axis: whole(2), none: scalar(0), masked: scalar(masked) }, nodes);
      const graph = graphOf(halved(model));
      // Finite in fp16, and low enough.
      const [softmax] = graph.node.filter((node) => isOperator(node, 'Softmax'));
      expect(softmax!.input[0]).toMatch(/_half$/);
      const clip = graph.node.find((node) => isOperator(node, 'Clip'));
      const bound = graph.initializer.find((tensor) => tensor.name === clip?.input[1]);
      expect(bound?.floatData).toEqual([-30_000]);
      const { rows: shares } = await runModel(halved(model), one);
      expect(shares.flatMap((row) => [...row]).every(Number.isFinite)).toBe(true);
    },
  );

  it('constants: a mask is bounded, and what an epsilon is added to stays fp32', () => {
    const model = asModel({ masked: scalar(-3e38), tiny: scalar(1e-12), is: ends, axis: whole(2) }, [
      { op: 'Equal', inputs: ['input_ids', 'is'], output: 'hidden' },
      { op: 'Unsqueeze', inputs: ['hidden', 'axis'], output: 'wide' },
      { op: 'Where', inputs: ['wide', 'masked', 'product'], output: 'scores' },
      { op: 'Add', inputs: ['product', 'tiny'], output: 'plus' },
      { op: 'Div', inputs: ['scores', 'plus'], output: 'result' },
    ]);
    const graph = graphOf(halved(model));
    const byName = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    expect([...new Uint16Array(byName.get('masked_half')!.rawData.slice().buffer)]).toEqual([0xf753]); // −30,000: −1.11010100112 · 2^14
    const plus = graph.node.find(({ output }) => output[0] === 'plus')!;
    expect(plus.input).toEqual(['product', 'tiny']);
    expect(isCastTo(makersOf(graph).get('product'), elementType.float)).toBe(true);
  });

  it('squares: a norm in single steps of values up to 1,000 is that of fp32', async () => {
    const large = { ...table, values: Float32Array.from(table.values as Float32Array, (value) => 500 * value) };
    const model = asModel({ table: large }, [
      { op: 'Mul', inputs: ['product', 'product'], output: 'squares' }, // by a product, as some write it
      { op: 'ReduceMean', inputs: ['squares'], output: 'mean', ints: { axes: [-1] } },
      { op: 'Sqrt', inputs: ['mean'], output: 'root' },
      { op: 'Div', inputs: ['product', 'root'], output: 'normed' },
    ]);
    const half = halved(model);
    for (const { opType, input } of graphOf(half).node.filter(({ opType: op }) => op === 'Mul' || op === 'Sqrt')) {
      expect([opType, input.filter((name) => name.endsWith('_half'))]).toEqual([opType, []]);
    }
    expect(worstCosine((await runModel(half, one)).rows, (await runModel(model, one)).rows)).toBeGreaterThan(0.99999);
  });
});

it('is not done to graphs without products of floats, nor to old operator sets', () => {
  const table = randomWeight([8, 4], 1);
  const node = { op: 'Gather', inputs: ['table', 'input_ids'], output: 'rows' };
  expect(halveGraph(graphBytes({ table }, [node], 4))).toBeNull();
  const product = { op: 'MatMul', inputs: ['rows', 'matrix'], output: 'result' };
  const model = decodeModel(graphBytes({ table, matrix: randomWeight([4, 4], 2) }, [node, product], 4));
  expect(halveGraph(encodeModel(model))).not.toBeNull();
  model.opsetImport[0]!.version = 10n;
  expect(halveGraph(encodeModel(model))).toBeNull();
});
