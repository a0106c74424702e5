/** Files → a ready encoder: tokenizer and settings are read once, sessions are made per device. */
import type { ColbertConfig } from '../colbert/config.ts';
import { createEncoder, type Encoder, type EncoderOptions } from '../colbert/encoder.ts';
import type { SessionFactory } from '../colbert/session-api.ts';
import { readArtifactMetadata } from '../colbert/settings.ts';
import { loadTokenizer, type TextTokenizer } from '../colbert/tokenizer.ts';
import { LateralError } from '../errors.ts';
import type { EncoderDevice } from '../types.ts';
import { createSession } from './create-session.ts';
import type { ModelFiles } from './files.ts';
import { modelName, type EmbeddedModel, type ModelEntry } from './registry.ts';
import type { LoadedStoredModel } from './load-stored.ts';
import { readSelfTest, type SelfTestFile } from './self-test.ts';

export interface LoadedModel {
  readonly entry: ModelEntry;
  readonly config: ColbertConfig;
  readonly tokenizer: TextTokenizer;
  readonly selfTest: SelfTestFile;
  createEncoder(runtime: SessionFactory, device: EncoderDevice, options?: EncoderOptions): Promise<Encoder>;
  /** Of stored models. */
  readonly createHalfEncoder?: LoadedStoredModel['createHalfEncoder'];
  /** Drops the weights once no further session will be made of them. */
  forgetWeights(): void;
}

/** @throws 'model-unavailable', 'model-invalid' */
export async function loadModel(
  entry: EmbeddedModel,
  files: ModelFiles,
  onProgress?: (done: number, total: number) => void,
): Promise<LoadedModel> {
  const [weights, metadata, tokenizerJson, tokenizerConfig, selfTest] = await Promise.all([
    files.bytes(entry.onnxFile, onProgress),
    files.json('artifact.metadata'),
    files.json('tokenizer.json'),
    files.json('tokenizer_config.json'),
    files.json('self-test.json'),
  ]);
  const { tokenizer, config } = loadTokenizer({ tokenizerJson, tokenizerConfig }, readArtifactMetadata(metadata));
  if (config.dim !== entry.dims[0]) {
    throw new LateralError(
      'model-invalid',
      `${entry.id} is registered with ${entry.dims[0]} dimensions; its files say ${config.dim}.`,
    );
  }
  let bytes: Uint8Array | null = weights;
  return {
    entry,
    config,
    tokenizer,
    selfTest: readSelfTest(selfTest, modelName(entry)),
    async createEncoder(runtime, device, options) {
      if (bytes === null) throw new LateralError('internal', 'The weights were dropped already.');
      const session = await createSession(runtime, { graph: bytes, external: [] }, device);
      return createEncoder(tokenizer, config, session, options);
    },
    forgetWeights() {
      bytes = null;
    },
  };
}
