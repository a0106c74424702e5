import { expect, it } from 'vitest';
import { createBuild, type ListedFile, stageOf, sumOfBytes } from './build-files.ts';

const scope = 'https://example.org/some/folder/';
const file = (url: string, revision: string | null = null, bytes = 10): ListedFile => ({ url, revision, bytes });

it('tells when each file is kept', () => {
  expect(stageOf(file('index.html'))).toBe('shell');
  expect(stageOf(file('assets/SettingsPage-k1fOD6QP.js'))).toBe('shell');
  expect(stageOf(file('assets/pdf.worker-DbcPnj_H.js', null, 1_218_549))).toBe('needed');
  expect(stageOf(file('assets/inter-latin-wght-normal-Dx4kXJAl.woff2'))).toBe('shell');
  expect(stageOf(file('assets/inter-latin-ext-wght-normal-DO1Apj_S.woff2'))).toBe('used');
  expect(stageOf(file('ort/ort-wasm-simd-threaded.wasm'))).toBe('runtime');
  expect(stageOf(file('models/lateral-mini/tokenizer.json'))).toBe('needed');
  expect(stageOf(file('pdf/cmaps/78-H.bcmap'))).toBe('needed');
});

it('needs of the runtime only what this browser uses, and no fonts of other scripts', () => {
  const build = createBuild(
    [
      file('index.html', 'a'),
      file('ort/plain.wasm', 'b', 100),
      file('ort/other.wasm', 'c', 200),
      file('models/m.onnx', 'd', 400),
      file('assets/noto-sans-thai-thai-wght-normal-x.woff2'),
    ],
    scope,
  );
  expect(build.shell.map(({ url }) => url)).toEqual(['index.html']);
  const needed = build.needed(['plain.wasm']);
  expect(needed.map(({ url }) => url)).toEqual(['index.html', 'ort/plain.wasm', 'models/m.onnx']);
  expect(sumOfBytes(needed)).toBe(10 + 100 + 400);
});

it('keys by content: a revision where the name carries no hash; the page is fetched by its folder', () => {
  const { files } = createBuild([file('index.html', 'abc'), file('assets/index-x.js')], scope);
  expect(files.get('index.html')).toMatchObject({ href: scope, key: `${scope}index.html?revision=abc` });
  expect(files.get('assets/index-x.js')).toMatchObject({
    href: `${scope}assets/index-x.js`,
    key: `${scope}assets/index-x.js`,
  });
});
