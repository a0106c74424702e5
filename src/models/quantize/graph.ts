/** Looking around in a graph: who makes a value, who reads it, what an attribute says. */
import {
  attributeType,
  message,
  schemas,
  type Attribute,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from './onnx.ts';

export interface Use {
  readonly node: NodeProto;
  /** Which of the node's inputs. */
  readonly index: number;
}

/** A graph's wiring at one moment, its subgraphs (If, Loop) included; names are unique over all of them. */
export interface Wiring {
  readonly initializers: ReadonlyMap<string, TensorProto>;
  readonly producers: ReadonlyMap<string, NodeProto>;
  readonly uses: ReadonlyMap<string, readonly Use[]>;
  readonly outputs: ReadonlySet<string>;
}

export function wire(graph: GraphProto): Wiring {
  const initializers = new Map<string, TensorProto>();
  const producers = new Map<string, NodeProto>();
  const uses = new Map<string, Use[]>();
  const outputs = new Set<string>();
  for (const part of allGraphs(graph)) {
    for (const tensor of part.initializer) initializers.set(tensor.name, tensor);
    for (const { name } of part.output) outputs.add(name);
    for (const node of part.node) {
      for (const name of node.output) if (name !== '') producers.set(name, node);
      node.input.forEach((name, index) => {
        if (name === '') return;
        const list = uses.get(name);
        if (list === undefined) uses.set(name, [{ node, index }]);
        else list.push({ node, index });
      });
    }
  }
  return { initializers, producers, uses, outputs };
}

/** The graph and those within its nodes' attributes. */
export function* allGraphs(graph: GraphProto): Generator<GraphProto> {
  yield graph;
  for (const node of graph.node) {
    for (const inner of innerGraphs(node)) yield* allGraphs(inner);
  }
}

export function innerGraphs(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));
}

export const contrib = 'com.microsoft';

/** Whether a node is this operator of ONNX itself, or of ONNX Runtime's own set. */
export function isOperator(node: NodeProto, name: string, domain: '' | typeof contrib = ''): boolean {
  const own = node.domain === 'ai.onnx' ? '' : node.domain;
  return node.opType === name && own === domain;
}

export function attribute(node: NodeProto, name: string): Attribute | undefined {
  return node.attribute.find((one) => one.name === name);
}

export function intOf(node: NodeProto, name: string, otherwise: number): number {
  const found = attribute(node, name);
  return found === undefined ? otherwise : Number(found.i);
}

export function floatOf(node: NodeProto, name: string, otherwise: number): number {
  return attribute(node, name)?.f ?? otherwise;
}

export interface NewNode {
  readonly op: string;
  readonly domain?: typeof contrib;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly ints?: Readonly<Record<string, number>>;
}

export function makeNode({ op, domain, inputs, output, ints = {} }: NewNode): NodeProto {
  return message(schemas.node, {
    opType: op,
    name: `${output}/${op}`,
    input: [...inputs],
    output: [output],
    ...(domain === undefined ? {} : { domain }),
    attribute: Object.entries(ints).map(([name, value]) =>
      message(schemas.attribute, { name, i: BigInt(value), type: attributeType.int }),
    ),
  });
}

/** Gives names that no value of the graph has. */
export function namer(graph: GraphProto): (wanted: string) => string {
  const taken = new Set<string>();
  for (const part of allGraphs(graph)) {
    for (const { name } of [...part.initializer, ...part.input, ...part.output]) taken.add(name);
    for (const node of part.node) for (const name of node.output) taken.add(name);
  }
  return (wanted) => {
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    return name;
  };
}
