/** Each way a weight can stand in a graph: what becomes of it, and that the rows stay what they were. */
import { describe, expect, it } from 'vitest';
import { decodeModel } from './onnx.ts';
import { graphBytes, randomWeight, type GraphNode, type Weight } from './testing/graphs.ts';
import { quantize, runModel, worstCosine } from './testing/models.ts';

const table = randomWeight([200, 64], 1);
const lookup: GraphNode = { op: 'Gather', inputs: ['table', 'input_ids'], output: 'x' };
/** A product behind the one in question, so that the latter is not the projection. */
const last: GraphNode = { op: 'Relu', inputs: ['z'], output: 'y' };

/** Rows are flat where Gemm reads them: it knows only matrices. */
const flat: Weight = { dims: [2], values: BigInt64Array.of(-1n, 64n) };
const deep: Weight = { dims: [3], values: BigInt64Array.of(2n, 8n, -1n) };
const flatten: GraphNode[] = [lookup, { op: 'Reshape', inputs: ['x', 'flat'], output: 'x2' }];

interface Example {
  readonly name: string;
  readonly weights: Readonly<Record<string, Weight>>;
  readonly nodes: readonly GraphNode[];
  readonly dim: number;
  /** Weights that are quantised, by name and kind. */
  readonly quantized: readonly string[];
  readonly left?: readonly string[];
}

const w = randomWeight([64, 48], 2);
const wt = randomWeight([48, 64], 3);

const examples: Example[] = [
  {
    name: 'MatMul with the weight as it stands',
    weights: { table, w },
    nodes: [lookup, { op: 'MatMul', inputs: ['x', 'w'], output: 'z' }, last],
    dim: 48,
    quantized: ['table embedding', 'w matrix'],
  },
  {
    name: 'a Transpose between weight and product',
    weights: { table, w: wt },
    nodes: [
      lookup,
      { op: 'Transpose', inputs: ['w'], output: 'wt', ints: { perm: [1, 0] } },
      { op: 'MatMul', inputs: ['x', 'wt'], output: 'z' },
      last,
    ],
    dim: 48,
    quantized: ['table embedding', 'w matrix'],
  },
  {
    name: 'Identity, Cast and two Transposes between',
    weights: { table, w },
    nodes: [
      lookup,
      { op: 'Transpose', inputs: ['w'], output: 'a' },
      { op: 'Identity', inputs: ['a'], output: 'b' },
      { op: 'Cast', inputs: ['b'], output: 'c', ints: { to: 1 } },
      { op: 'Transpose', inputs: ['c'], output: 'd', ints: { perm: [1, 0] } },
      { op: 'MatMul', inputs: ['x', 'd'], output: 'z' },
      last,
    ],
    dim: 48,
    quantized: ['table embedding', 'w matrix'],
  },
  {
    name: 'one weight read by two products, one of them across',
    weights: { table, w: randomWeight([64, 64], 4) },
    nodes: [
      lookup,
      { op: 'MatMul', inputs: ['x', 'w'], output: 'a' },
      { op: 'Transpose', inputs: ['w'], output: 'wt' },
      { op: 'MatMul', inputs: ['a', 'wt'], output: 'z' },
      last,
    ],
    dim: 64,
    quantized: ['table embedding', 'w matrix', 'w matrix'],
  },
  {
    name: 'two products of one weight share its bytes',
    weights: { table, w: randomWeight([64, 64], 4) },
    nodes: [
      lookup,
      { op: 'MatMul', inputs: ['x', 'w'], output: 'a' },
      { op: 'MatMul', inputs: ['a', 'w'], output: 'z' },
      last,
    ],
    dim: 64,
    quantized: ['table embedding', 'w matrix'],
  },
  {
    name: 'Gemm with transB, alpha, beta and a bias',
    weights: { table, w: wt, bias: randomWeight([48], 5), flat, deep },
    nodes: [
      ...flatten,
      {
        op: 'Gemm',
        inputs: ['x2', 'w', 'bias'],
        output: 'z2',
        ints: { transB: 1 },
        floats: { alpha: 0.25, beta: 3 },
      },
      { op: 'Reshape', inputs: ['z2', 'deep'], output: 'z' },
      last,
    ],
    dim: 48,
    quantized: ['table embedding', 'w matrix'],
  },
  {
    name: 'Gemm without a bias',
    weights: { table, w, flat, deep },
    nodes: [
      ...flatten,
      { op: 'Gemm', inputs: ['x2', 'w'], output: 'z2' },
      { op: 'Reshape', inputs: ['z2', 'deep'], output: 'z' },
      last,
    ],
    dim: 48,
    quantized: ['table embedding', 'w matrix'],
  },
  {
    name: "ONNX Runtime's FusedMatMul",
    weights: { table, w: wt },
    nodes: [
      lookup,
      {
        op: 'FusedMatMul',
        domain: 'com.microsoft',
        inputs: ['x', 'w'],
        output: 'z',
        ints: { transB: 1 },
        floats: { alpha: 2 },
      },
      last,
    ],
    dim: 48,
    quantized: ['table embedding', 'w matrix'],
  },
  {
    name: 'rows that are not a multiple of a block',
    weights: { table: randomWeight([200, 41], 6), w: randomWeight([41, 48], 7) },
    nodes: [lookup, { op: 'MatMul', inputs: ['x', 'w'], output: 'z' }, last],
    dim: 48,
    quantized: ['table embedding', 'w matrix'],
  },
  {
    name: 'rows shorter than a block',
    weights: { table: randomWeight([200, 24], 6), w: randomWeight([24, 48], 7) },
    nodes: [lookup, { op: 'MatMul', inputs: ['x', 'w'], output: 'z' }, last],
    dim: 48,
    quantized: ['table embedding', 'w matrix'],
  },
  {
    name: 'a projection, behind a bias and a norm',
    weights: { table, w, bias: randomWeight([48], 5) },
    nodes: [
      lookup,
      { op: 'MatMul', inputs: ['x', 'w'], output: 'a' },
      { op: 'Add', inputs: ['bias', 'a'], output: 'b' },
      { op: 'LpNormalization', inputs: ['b'], output: 'y', ints: { axis: -1, p: 2 } },
    ],
    dim: 48,
    quantized: ['table embedding', 'w projection'],
  },
  {
    name: 'embeddings that are the output matrix too',
    weights: { table },
    nodes: [
      lookup,
      { op: 'Transpose', inputs: ['table'], output: 'tt' },
      { op: 'MatMul', inputs: ['x', 'tt'], output: 'z' },
      last,
    ],
    dim: 200,
    quantized: ['table embedding', 'table matrix'],
  },
  {
    name: 'the weight as the first operand is left',
    weights: { table, w: wt },
    nodes: [
      lookup,
      { op: 'Transpose', inputs: ['x'], output: 'xt', ints: { perm: [0, 2, 1] } },
      { op: 'MatMul', inputs: ['w', 'xt'], output: 'z' },
      last,
    ],
    dim: 8,
    quantized: ['table embedding'],
    left: ['w used-otherwise'],
  },
  {
    name: 'a weight that something else reads too is left',
    weights: { table, w: randomWeight([64, 64], 4) },
    nodes: [
      lookup,
      { op: 'MatMul', inputs: ['x', 'w'], output: 'a' },
      { op: 'ReduceMean', inputs: ['w'], output: 'm', ints: { keepdims: 1, axes: [0] } },
      { op: 'Add', inputs: ['a', 'm'], output: 'z' },
      last,
    ],
    dim: 64,
    quantized: ['table embedding'],
    left: ['w used-otherwise'],
  },
  {
    name: 'a stack of matrices is left',
    weights: { table, w: randomWeight([2, 64, 48], 4) },
    nodes: [lookup, { op: 'MatMul', inputs: ['x', 'w'], output: 'z' }, last],
    dim: 48,
    quantized: ['table embedding'],
    left: ['w not-a-matrix'],
  },
  {
    name: 'a small matrix is left',
    weights: { table: randomWeight([200, 40], 1), w: randomWeight([40, 6], 4) },
    nodes: [lookup, { op: 'MatMul', inputs: ['x', 'w'], output: 'z' }, last],
    dim: 6,
    quantized: ['table embedding'],
  },
];

describe.each(examples)('$name', ({ weights, nodes, dim, quantized, left = [] }) => {
  const graph = graphBytes(weights, nodes, dim);

  it.each([
    { bits: 4, zeroPoints: false, required: 0.95 },
    { bits: 4, zeroPoints: true, required: 0.95 },
    { bits: 8, zeroPoints: false, required: 0.999 },
    { bits: 8, zeroPoints: true, required: 0.999 },
  ] as const)('$bits bits, zero points: $zeroPoints', async ({ required, ...options }) => {
    const { result, plan } = await quantize({ graph, files: {} }, options);
    expect(plan.quantized.map(({ name, kind }) => `${name} ${kind}`)).toEqual(quantized);
    expect(plan.left.map(({ name, reason }) => `${name} ${reason}`)).toEqual(left);
    const expected = await runModel({ graph, files: {} });
    expect(worstCosine((await runModel(result)).rows, expected.rows)).toBeGreaterThan(required);
  });
});

it('leaves no weight in the graph that nothing reads', async () => {
  const { result } = await quantize({ graph: graphBytes({ table, w, unused: w }, examples[0]!.nodes, 48), files: {} });
  expect(decodeModel(result.graph).graph.initializer.map(({ name }) => name)).toEqual([
    'table_q4',
    'table_q4_scales',
    'w_q4',
    'w_q4_scales',
  ]);
});
