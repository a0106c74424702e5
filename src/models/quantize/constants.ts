/** Weights behind the nodes that exporters leave in front of them: Transpose, Cast, Identity. */
import { isFloat } from './content.ts';
import { attribute, intOf, isOperator, type Use, type Wiring } from './graph.ts';
import type { NodeProto, TensorProto } from './onnx.ts';

export interface ConstantMatrix {
  readonly tensor: TensorProto;
  /** As stored. */
  readonly dims: readonly [number, number];
  /** Whether the node sees it with rows and columns changed. */
  readonly transposed: boolean;
}

/** The stored matrix of floats that a value is; null for anything else. */
export function followConstant(name: string, wiring: Wiring): ConstantMatrix | null {
  let transposed = false;
  for (let step = 0; step < 8; step++) {
    const tensor = wiring.initializers.get(name);
    if (tensor !== undefined) {
      if (tensor.dims.length !== 2 || !isFloat(tensor.dataType)) return null;
      return { tensor, dims: [Number(tensor.dims[0]), Number(tensor.dims[1])], transposed };
    }
    const node = wiring.producers.get(name);
    if (node === undefined || !isPassing(node)) return null;
    if (isOperator(node, 'Transpose')) transposed = !transposed;
    name = node.input[0]!;
  }
  return null;
}

/** Who reads a weight in the end, with the passing nodes between stepped over. */
export function finalUses(name: string, wiring: Wiring): Use[] {
  return (wiring.uses.get(name) ?? []).flatMap((use) =>
    isPassing(use.node) && !wiring.outputs.has(use.node.output[0]!) ? finalUses(use.node.output[0]!, wiring) : [use],
  );
}

/** Changes nothing about a matrix of floats but its form. */
function isPassing(node: NodeProto): boolean {
  if (isOperator(node, 'Identity')) return true;
  if (isOperator(node, 'Cast')) return isFloat(intOf(node, 'to', 0));
  if (!isOperator(node, 'Transpose')) return false;
  const order = attribute(node, 'perm')?.ints;
  return order === undefined || (order.length === 2 && order[0] === 1n);
}
