import { describe, expect, test } from 'vitest';
import { asciiPunctuation } from './config.ts';
import { denseFolders, readArtifactMetadata, readOnnxConfig, readPyLateConfig, readSettings } from './settings.ts';
import { pylateTokenizer } from './testing/small-tokenizers.ts';

const artifact = {
  ...{ query_maxlen: 32, doc_maxlen: 512, query_token_id: '[Q]', doc_token_id: '[D]' },
  ...{ attend_to_mask_tokens: true, mask_punctuation: true, dim: 128 },
};
const pylate = { query_prefix: '[Q] ', document_prefix: '[D] ', query_length: 48, document_length: 512 };
const onnx = {
  ...{
    model_type: 'ColBERT',
    query_prefix: '[Q] ',
    document_prefix: '[D] ',
    query_length: 8192,
    document_length: 8192,
  },
  ...{ do_query_expansion: false, embedding_dim: 128, skiplist_words: [], query_prefix_id: 5, mask_token_id: null },
};

describe('artifact.metadata', () => {
  test('is read', () => {
    expect(readArtifactMetadata(artifact)).toEqual({
      ...{ queryLength: 32, documentLength: 512, queryMarker: '[Q]', documentMarker: '[D]', dim: 128 },
      ...{ doQueryExpansion: true, attendToExpansionTokens: true, lowerCase: false, statedIds: {} },
      ...{ skiplistWords: Array.from(asciiPunctuation), skiplistBy: 'first-token' },
    });
    expect(readArtifactMetadata({ ...artifact, mask_punctuation: false }).skiplistWords).toEqual([]);
  });

  test.each(Object.keys(artifact))('%s missing or wrong is an error that names it', (field) => {
    expect(() => readArtifactMetadata({ ...artifact, [field]: undefined })).toThrow(
      `artifact.metadata: ${field} is missing.`,
    );
    expect(() => readArtifactMetadata({ ...artifact, [field]: -1 })).toThrow(field);
  });

  test.each([null, 'text', []])('that is %j is an error', (json) => {
    expect(() => readArtifactMetadata(json)).toThrow('artifact.metadata');
  });
});

describe('PyLate', () => {
  test('fills queries up and drops punctuation unless it says otherwise', () => {
    const settings = readPyLateConfig(pylate, { out_features: 64 }, {});
    expect(settings).toMatchObject({ queryLength: 48, queryMarker: '[Q] ', doQueryExpansion: true, dim: 64 });
    expect(settings).toMatchObject({ attendToExpansionTokens: false, lowerCase: false, skiplistBy: 'vocabulary' });
    expect(settings.skiplistWords).toHaveLength(32);
    const other = { ...pylate, do_query_expansion: false, skiplist_words: ['!'], attend_to_expansion_tokens: true };
    expect(readPyLateConfig(other, { out_features: 64 }, { do_lower_case: true })).toMatchObject({
      ...{ doQueryExpansion: false, skiplistWords: ['!'], attendToExpansionTokens: true, lowerCase: true },
    });
  });

  test('without a projection there is no dimension', () => {
    expect(() => readPyLateConfig(pylate, undefined, {})).toThrow('1_Dense/config.json is missing');
  });

  test('of several linear layers the last one has the dimension', () => {
    const files = new Map<string, unknown>([
      ['config_sentence_transformers.json', pylate],
      ['10_Dense/config.json', { out_features: 8 }],
      ['2_Dense/config.json', { out_features: 48 }],
      ['1_Dense/config.json', { out_features: 512 }],
    ]);
    expect(denseFolders(files)).toEqual(['1_Dense', '2_Dense', '10_Dense']);
    expect(readSettings(files).dim).toBe(8);
    const modules = ['', '1_Dense', '2_Dense', '3_Normalize'].map((path) => ({
      path,
      type:
        path === '' ? 'sentence_transformers.models.Transformer' : `pylate.models.${path.slice(2)}.${path.slice(2)}`,
    }));
    files.set('modules.json', modules);
    expect(denseFolders(files)).toEqual(['1_Dense', '2_Dense']);
    expect(readSettings(files).dim).toBe(48);
    files.delete('2_Dense/config.json');
    expect(() => readSettings(files)).toThrow('2_Dense/config.json is missing');
  });

  test('a default prompt is refused, since no text would get it', () => {
    const prompts = { query: '', task: 'Find: ' };
    expect(readPyLateConfig({ ...pylate, prompts, default_prompt_name: 'query' }, { out_features: 8 }, {}).dim).toBe(8);
    expect(() =>
      readPyLateConfig({ ...pylate, prompts, default_prompt_name: 'task' }, { out_features: 8 }, {}),
    ).toThrow('puts the prompt "Find: " before every text');
  });

  test('pylate-onnx-export writes the one under the name of the other', () => {
    const files = new Map<string, unknown>([['config_sentence_transformers.json', onnx]]);
    expect(readSettings(files)).toEqual(readOnnxConfig(onnx));
    files.set('config_sentence_transformers.json', { ...onnx, embedding_dim: 0 });
    expect(() => readSettings(files)).toThrow('config_sentence_transformers.json: embedding_dim');
  });

  test('onnx_config.json has ids beside the tokens', () => {
    expect(readOnnxConfig(onnx)).toMatchObject({
      ...{ queryLength: 8192, doQueryExpansion: false, dim: 128, skiplistWords: [], statedIds: { queryMarkerId: 5 } },
    });
  });
});

describe('of several files', () => {
  const all = new Map<string, unknown>([
    ['onnx_config.json', { ...onnx, query_length: 1 }],
    ['artifact.metadata', { ...artifact, query_maxlen: 2 }],
    ['config_sentence_transformers.json', { ...pylate, query_length: 3 }],
    ['1_Dense/config.json', { out_features: 128 }],
  ]);

  test('the one that says most about the ONNX is read', () => {
    const left = new Map(all);
    expect(readSettings(left).queryLength).toBe(1);
    left.delete('onnx_config.json');
    expect(readSettings(left).queryLength).toBe(2);
    left.delete('artifact.metadata');
    expect(readSettings(left).queryLength).toBe(3);
  });

  test('where there is none the error names them', () => {
    expect(() => readSettings(new Map())).toThrow(
      /onnx_config\.json, artifact\.metadata and config_sentence_transformers\.json/,
    );
  });
});

describe('a tokenizer with other habits', () => {
  test('texts without the space around them, as PyLate strips them', () => {
    const { tokenizer } = pylateTokenizer();
    expect(tokenizer.encode(' \n River\t')).toEqual(tokenizer.encode('River'));
    expect(tokenizer.encode(' \n')).toEqual([]);
  });

  test('markers that are plain words cannot be planted by a text', () => {
    const { tokenizer, config } = pylateTokenizer();
    expect(tokenizer.tokenOf(config.queryMarkerId)).toBe('[Q] ');
    expect(tokenizer.encode('[Q] River').map((id) => tokenizer.tokenOf(id))).toEqual(['[', 'Q', ']', 'River']);
  });

  test('texts in lower case, and what is aligned with them too', () => {
    const { tokenizer } = pylateTokenizer({ lowerCase: true });
    expect(tokenizer.encode('River').map((id) => tokenizer.tokenOf(id))).toEqual(['river']);
    expect(tokenizer.normalize('River')).toBe('river');
  });

  test('a skiplist by the vocabulary', () => {
    const listed = (words: string[]) => {
      const { tokenizer, config } = pylateTokenizer({ skiplistWords: words });
      return [...config.skiplist].map((id) => tokenizer.tokenOf(id));
    };
    expect(listed(['!'])).toEqual(['!']);
    expect(listed(['!', 'not there'])).toEqual(['!', '[UNK]']); // as PyLate has it
  });

  test('an id that the files state otherwise is an error', () => {
    const right = pylateTokenizer().config;
    const { queryMarkerId, documentMarkerId, maskId, padId } = right;
    const statedIds = { queryMarkerId, documentMarkerId, maskId, padId };
    expect(pylateTokenizer({ statedIds }).config).toMatchObject(statedIds);
    expect(() => pylateTokenizer({ statedIds: { ...statedIds, queryMarkerId: 77 } })).toThrow(
      `The tokenizer's query marker "[Q] " has the id ${queryMarkerId}; the model's files say 77.`,
    );
  });
});
