import { describe, expect, test } from 'vitest';
import { readArtifactMetadata } from '../colbert/settings.ts';
import { findModelFiles, repositoryOf } from './find-files.ts';
import { checkedSettings, hubModels } from './hub-models.ts';

const byId = (id: string) => hubModels.find((model) => model.id === id)!;

describe('known models', () => {
  test('ids and repositories are unique, and every one without an ONNX says what would work', () => {
    for (const key of ['id', 'repository'] as const) {
      expect(new Set(hubModels.map((model) => model[key])).size).toBe(hubModels.length);
    }
    for (const { onnx, instead } of hubModels) expect((onnx === null) === (instead !== undefined)).toBe(true);
  });

  test('dimensions fall, and the first is what the graph puts out', () => {
    for (const { heads, expects } of hubModels) {
      const dims = heads.map(({ dim }) => dim);
      expect(dims).toEqual([...dims].sort((a, b) => b - a));
      expect(heads[0]!.from).toBe('graph');
      expect(dims[0]).toBe(expects.dim);
    }
  });

  test('whoever may not be used for money asks first', () => {
    expect(hubModels.filter(({ card }) => card.licence.nonCommercial).map(({ id }) => id)).toEqual(['jina-colbert-v2']);
  });
});

describe('what a known model’s files say', () => {
  const jina = readArtifactMetadata({
    ...{ query_maxlen: 32, doc_maxlen: 300, query_token_id: '[QueryMarker]', doc_token_id: '[DocumentMarker]' },
    ...{ attend_to_mask_tokens: true, mask_punctuation: true, dim: 128 },
  });

  test('is put right where it is known better, and ids are to be checked', () => {
    const settings = checkedSettings(byId('jina-colbert-v2'), jina);
    expect(settings).toMatchObject({ documentLength: 8192, queryMarker: '[QueryMarker]' });
    expect(settings.statedIds).toEqual({
      queryMarkerId: 250_002,
      documentMarkerId: 250_003,
      maskId: 250_001,
      padId: 1,
    });
  });

  test('is an error where it is known to be otherwise', () => {
    expect(() => checkedSettings(byId('jina-colbert-v2'), { ...jina, dim: 1024 })).toThrow(
      'jina-colbert-v2 is known to have dim 128; its files say 1024.',
    );
    expect(() => checkedSettings(byId('colbertv2.0'), jina)).toThrow('ColBERTv2 is known to have documentLength 180');
  });
});

describe('the files of a model that nobody knows', () => {
  const list = (...paths: string[]) => paths.map((path) => ({ path, size: 1 }));
  const rest = ['tokenizer.json', 'tokenizer_config.json', 'artifact.metadata'];

  test.each([
    [['onnx/model.onnx', 'onnx/model_int8.onnx', 'onnx/model_fp16.onnx'], 'onnx/model.onnx'],
    [['onnx/model.onnx', 'vespa_colbert.onnx'], 'vespa_colbert.onnx'],
    [['model_int8.onnx'], 'model_int8.onnx'],
    [['onnx/model_quantized.onnx', 'onnx/model_fp16.onnx'], 'onnx/model_fp16.onnx'],
    [['export/colbert.onnx', 'export/colbert_int8.onnx'], 'export/colbert.onnx'],
    [['model.onnx', 'model_int8.onnx', 'onnx/model.onnx'], 'model.onnx'],
    [['onnx/model_O2.onnx', 'onnx/model_quint8_avx2.onnx', 'onnx/model.onnx'], 'onnx/model.onnx'],
  ])('of %j it takes %s', (paths, expected) => {
    expect(findModelFiles(list(...rest, ...paths)).onnx).toBe(expected);
  });

  test('weights beside the graph belong to it, others do not', () => {
    const found = findModelFiles(
      list(
        ...rest,
        'onnx/model.onnx',
        'onnx/model.onnx_data',
        'onnx/model.onnx_data_1',
        'pytorch_model.bin',
        'special_tokens_map.json',
        '1_Dense/model.safetensors',
        '3_Dense/config.json',
        'old/1_Dense/config.json',
      ),
    );
    expect(found).toEqual({
      onnx: 'onnx/model.onnx',
      data: ['onnx/model.onnx_data', 'onnx/model.onnx_data_1'],
      tokenizer: ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'],
      settings: ['artifact.metadata', '3_Dense/config.json'],
      heads: ['1_Dense/model.safetensors'],
    });
  });

  test.each([
    [[...rest, 'model.safetensors'], /no ONNX file.*PyTorch only.*export/],
    [[...rest], /no ONNX file.*Give the folder or repository of a ColBERT model/],
    [['model.onnx', 'artifact.metadata'], /no tokenizer\.json/],
    [
      ['model.onnx', 'tokenizer.json', 'config.json'],
      /onnx_config\.json, artifact\.metadata or config_sentence_transformers\.json/,
    ],
  ])('%j lack something, and the error says what', (paths, message) => {
    expect(() => findModelFiles(list(...paths))).toThrow(message);
  });

  test('one that was asked for must be there', () => {
    expect(() => findModelFiles(list(...rest, 'model.onnx'), 'onnx/other.onnx')).toThrow('no onnx/other.onnx');
  });
});

describe('a repository', () => {
  test.each([
    ['jinaai/jina-colbert-v2', 'jinaai/jina-colbert-v2'],
    [' https://huggingface.co/jinaai/jina-colbert-v2/tree/main ', 'jinaai/jina-colbert-v2'],
    ['https://hub.example/a/b/', 'a/b'],
  ])('%j', (text, expected) => expect(repositoryOf(text)).toBe(expected));

  test.each(['', 'jina', 'a/b/c', '../b', 'a/../b', 'a b/c'])('%j is none', (text) => {
    expect(() => repositoryOf(text)).toThrow('write owner/name');
  });
});
