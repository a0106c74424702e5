/** For tests: a whole model of random weights as PyLate's makers publish it, small enough to be made in a second. */
import { pylateTokenizer } from '../../colbert/testing/small-tokenizers.ts';
import { readFixture } from '../quantize/testing/models.ts';
import type { Files } from './hub-server.ts';

/** Of the fixture's graph. */
export const smallDim = 16;

export const smallOnnx = 'onnx/model.onnx';

/** @param fixture of fixtures/quantize; its external data keeps its name */
export function smallModel(settings: object = {}, fixture = 'bert-script-14'): Files {
  const { graph, files } = readFixture(fixture);
  // Letters, and letters that go on a word: any English text has tokens, few of them unknown.
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz0123456789');
  const pieces = [...letters.filter((letter) => letter !== 'q'), ...letters.map((letter) => `##${letter}`)];
  const { files: tokenizer } = pylateTokenizer({}, pieces);
  const json = {
    'config.json': { hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 64 },
    'tokenizer.json': tokenizer.tokenizerJson,
    'tokenizer_config.json': tokenizer.tokenizerConfig,
    'onnx_config.json': {
      ...{ query_prefix: '[Q] ', document_prefix: '[D] ', query_length: 16, document_length: 64 },
      ...{ do_query_expansion: false, embedding_dim: smallDim, skiplist_words: ['!'], ...settings },
    },
  };
  const texts = Object.entries(json).map(([path, value]) => [path, new TextEncoder().encode(JSON.stringify(value))]);
  const weights = Object.entries(files).map(([name, bytes]) => [`onnx/${name}`, bytes]);
  return Object.fromEntries([...texts, ...weights, [smallOnnx, graph]]) as Files;
}
