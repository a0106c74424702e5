/**
 * PyLate keeps its linear layers beside the transformer (1_Dense, 2_Dense), and exports of the transformer alone lack them. Without
 * biases and activations a row of layers is one matrix, which can stand behind such a graph:
 *
 *   rows = x · (W₁ + R₁)ᵀ · (W₂ + R₂)ᵀ …      R: the residual's weight; the identity where a layer is as wide as what it reads
 */
import * as v from 'valibot';
import { denseFolders } from '../colbert/settings.ts';
import { LateralError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { readHead, type Head } from './quantize/safetensors.ts';

const denseConfig = v.object({
  bias: v.optional(v.boolean(), true),
  activation_function: v.optional(v.string(), 'torch.nn.modules.activation.Tanh'), // Sentence Transformers' own default
  use_residual: v.optional(v.boolean(), false),
});

/**
 * Folders of the layers, in their order; none where the weights of none are here.
 * @param configs parsed JSON by path
 * @param paths of all files
 * @throws 'model-invalid' where only some are here: the product would lack the others, and might still fit
 */
export function denseLayers(configs: ReadonlyMap<string, unknown>, paths: readonly string[]): readonly string[] {
  const folders = denseFolders(configs);
  const missing = folders.filter((folder) => !paths.includes(`${folder}/model.safetensors`));
  if (missing.length === folders.length) return [];
  if (missing.length > 0) throw unfit(missing[0]!, 'has no model.safetensors');
  return folders;
}

/**
 * @param folders of the layers, in their order; at least one
 * @param configs parsed JSON by path
 * @param open a file by its path
 * @throws 'model-invalid' for layers that are no one matrix, or do not follow on each other; what `open` throws
 */
export async function readDenseHead(
  folders: readonly string[],
  configs: ReadonlyMap<string, unknown>,
  open: (path: string) => Promise<ByteSource>,
): Promise<Head> {
  let head: Head | null = null;
  for (const folder of folders) {
    const layer = await readLayer(folder, configs.get(`${folder}/config.json`), open);
    head = head === null ? layer : compose(head, layer, folder);
  }
  return head!;
}

async function readLayer(folder: string, config: unknown, open: (path: string) => Promise<ByteSource>): Promise<Head> {
  const fields = v.safeParse(denseConfig, config);
  if (!fields.success) throw unfit(folder, 'has no config.json that can be read');
  const { bias, activation_function: activation, use_residual: hasResidual } = fields.output;
  if (bias) throw unfit(folder, 'adds a bias');
  if (!activation.endsWith('.Identity')) throw unfit(folder, `has the activation ${activation}`);
  const source = await open(`${folder}/model.safetensors`);
  const layer = await readHead(source, 'linear.weight');
  if (!hasResidual) return layer;
  const { dim, width, weight } = layer;
  if (dim === width) {
    for (let i = 0; i < dim; i++) weight[i * width + i]! += 1;
    return layer;
  }
  const residual = await readHead(source, 'residual.weight');
  if (residual.dim !== dim || residual.width !== width) throw unfit(folder, 'has a residual of another shape');
  return { ...layer, weight: weight.map((value, i) => value + residual.weight[i]!) };
}

/** One matrix for `first`, then `second`. */
function compose(first: Head, second: Head, folder: string): Head {
  if (second.width !== first.dim) {
    throw unfit(folder, `reads rows of ${second.width} numbers, where the layer before it makes ${first.dim}`);
  }
  const weight = new Float32Array(second.dim * first.width);
  for (let row = 0; row < second.dim; row++) {
    for (let column = 0; column < first.width; column++) {
      let sum = 0;
      for (let i = 0; i < first.dim; i++) {
        sum += second.weight[row * second.width + i]! * first.weight[i * first.width + column]!;
      }
      weight[row * first.width + column] = sum;
    }
  }
  return { dim: second.dim, width: first.width, weight };
}

function unfit(folder: string, what: string): LateralError {
  return new LateralError(
    'model-invalid',
    `The ONNX lacks the model's projection, and ${folder} ${what}, so it cannot be put behind it. Export the model with its projection.`,
    { details: { file: folder } },
  );
}
