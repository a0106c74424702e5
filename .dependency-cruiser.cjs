/**
 * Imports point one way:
 *   ui → index → (interop, evaluation) → rpc → engine → (models, store, gpu, maxsim) →
 *   (extract, text, colbert, vectors, ranking) → types, errors
 * No circles, and one place per foreign library.
 */
const layers = [
  ['types', 'errors'],
  ['extract', 'text', 'colbert', 'vectors', 'ranking'],
  ['models', 'store', 'gpu', 'maxsim'],
  ['engine'],
  ['rpc'],
  ['interop', 'evaluation'],
  ['index', 'react', 'element', 'server'],
  ['ui'],
];
const pattern = (names) => `^src/(${names.join('|')})(/|\\.ts)`;
const test = '\\.test\\.tsx?$|/testing/';

const downwardOnly = layers.slice(0, -1).map((names, level) => ({
  name: `layer-${names.join('-')}`,
  comment: `${names.join(', ')} may import only from their own layer and those below`,
  severity: 'error',
  from: { path: pattern(names), pathNot: test },
  to: {
    path: `^(workers|bin|e2e)/|${layers
      .slice(level + 1)
      .map(pattern)
      .join('|')}`,
    // The page knows this worker's address (`?worker&url`), to name hosts in it.
    ...(names.includes('index') ? { pathNot: '^workers/models\\.worker\\.ts$' } : {}),
  },
}));

const onePlace = [
  ['idb', '^src/store/idb-'],
  ['onnxruntime-(web|node|common)', '^src/colbert/session(-node|-wrap)?\\.ts'],
  ['@huggingface/transformers', '^src/colbert/tokenizer'],
  ['htmlparser2', '^src/extract/html'],
  ['(mdast-util|micromark)[^/]*', '^src/extract/markdown'],
  ['chardet', '^src/extract/decode'],
  [
    'valibot',
    '^src/(colbert/settings|interop/|store/collection-file|engine/keywords|models/dense-head|models/hub/hub-api|models/kept/manifest|models/stored-entry)',
  ],
  ['hash-wasm', '^src/models/digest'],
  ['minisearch', '^src/ranking/keyword-index'],
  ['pdfjs-dist', '^src/extract/pdf/(library|all)'],
  ['mammoth', '^src/extract/(docx|mammoth)'],
  ['@bufbuild/protobuf', '^src/models/quantize/onnx\\.ts'],
  ['fflate', '^src/extract/zip'],
  ['(react|react-dom|@base-ui|lucide-react|@tanstack|@visx|@fontsource[^/]*)', '^src/(ui|react)'],
].map(([library, home]) => ({
  name: `one-place-${library}`,
  severity: 'error',
  from: { path: '^(src|workers)/', pathNot: [home, test] },
  to: { path: `node_modules/${library}(/|$)` },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...downwardOnly,
    ...onePlace,
    {
      name: 'page-without-engine',
      comment: 'the page talks to the public API, never to the engine behind it',
      severity: 'error',
      from: { path: '^src/ui/', pathNot: test },
      to: { path: '^src/', pathNot: '^src/(ui/|index\\.ts|react\\.ts)' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^virtual:|\\?(worker|raw|url)' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.css', '.wgsl', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'browser', 'default', 'types'],
    },
  },
};
