import { describe, expect, test } from 'vitest';
import type { DocumentInput, ModelInfo, Progress } from '../../index.ts';
import {
  dimsOffered,
  hostOf,
  isModelFolder,
  needsFolder,
  rereadingSeconds,
  roomNeeded,
  shareOfPreparing,
  shelves,
  speedOf,
  termsOf,
  toImport,
  unlisted,
  waysOn,
  wordsPerSecond,
} from './describe.ts';

const model = (id: string, change: Partial<ModelInfo> = {}): ModelInfo => ({
  ...unlisted({ model: id, title: id, kind: 'download' }),
  ...change,
});

test('in use, ready, begun, then those that one can get; apart, those that cannot be had', () => {
  const list = [
    model('absent'),
    model('nowhere', { instead: 'Try another.' }),
    model('partial', { state: 'partial' }),
    model('ready', { state: 'ready' }),
    model('used', { state: 'ready' }),
    model('failed', { state: 'failed' }),
    model('own export', { instead: 'Try another.', state: 'ready' }),
  ];
  const { offered, without } = shelves(list, 'used');
  expect(offered.map(({ id }) => id)).toEqual(['used', 'ready', 'own export', 'partial', 'failed', 'absent']);
  expect(without.map(({ id }) => id)).toEqual(['nowhere']);
});

describe('how far a preparation is', () => {
  const at = (phase: Progress['phase'], done: number): Progress => ({ phase, done, total: 4, unit: 'bytes' });

  test('never goes back from one step to the next', () => {
    const steps = [at('downloading', 0), at('downloading', 4), at('quantizing', 0), at('quantizing', 4)];
    const shares = [...steps, at('checking', 0), at('checking', 4)].map((step) => shareOfPreparing('download', step));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });

  test('is nothing before it is known, and never more than all', () => {
    expect(shareOfPreparing('download', null)).toBe(0);
    expect(shareOfPreparing('folder', at('copying', 9))).toBe(0.25);
    expect(shareOfPreparing('folder', { phase: 'quantizing', done: 0, total: 0, unit: 'bytes' })).toBe(0.25);
  });
});

test('room is needed for what is still to come and for what is made of it', () => {
  expect(roomNeeded({ downloadBytes: 2200, presentBytes: 200, keptBytes: 350 })).toBe(2350);
  expect(roomNeeded({ downloadBytes: null, presentBytes: 0, keptBytes: 350 })).toBeNull();
});

test('words a second, as people count', () => {
  expect(wordsPerSecond({ tokensPerSecond: 2140 })).toBe(1500); // × 0.7, two digits
  expect(wordsPerSecond({ tokensPerSecond: 70 })).toBe(50); // one
  expect(wordsPerSecond({ tokensPerSecond: 0 })).toBeNull();
});

test('the speed of the model that comes with Lateral is what was measured of it in use', () => {
  const measured = { device: 'wasm', tokensPerSecond: 900 } as const;
  expect(speedOf(model('lateral-mini'), measured)).toBe(measured);
  expect(speedOf(model('lateral-mini'), null)).toBeNull();
  expect(speedOf(model('another'), measured)).toBeNull();
  const check = {
    ...measured,
    device: 'webgpu',
    half: false,
    passed: true,
    minCosine: null,
    checkedAt: 0,
    message: '',
  } as const;
  expect(speedOf(model('another', { check }), measured)).toBe(check);
});

test('an import is gone on with by its folder as long as files of it are missing', () => {
  const importing = { kind: 'folder' } as const;
  const interrupted = { presentBytes: 1, totalBytes: 2, complete: false };
  expect(needsFolder(model('folder:a', { state: 'partial', interrupted }), null)).toBe(true);
  const whole = { ...interrupted, complete: true };
  expect(needsFolder(model('folder:a', { state: 'ready', interrupted: whole }), importing)).toBe(false);
  expect(needsFolder(model('folder:a', { state: 'ready' }), importing)).toBe(true); // it ended before the first file
  expect(needsFolder(model('folder:a', { state: 'failed' }), importing)).toBe(false); // checked again
  expect(needsFolder(model('maker/a', { state: 'partial' }), { kind: 'download' })).toBe(false);
  const checking = { kind: 'check' } as const; // the one that serves, beside an import
  expect(needsFolder(model('folder:a', { state: 'ready', interrupted }), checking)).toBe(false);
  expect(needsFolder(model('folder:a', { state: 'ready', interrupted }), null)).toBe(true);
  expect([waysOn('self-test-failed', true), waysOn('self-test-failed', true, true)]).toEqual([['check'], []]);
});

test('documents that share vectors are read token by token all the same', () => {
  expect(rereadingSeconds({ tokens: 1000, fingerprint: { poolFactor: 2 } }, 100)).toBe(20);
  expect(rereadingSeconds({ tokens: 1000, fingerprint: { poolFactor: 2 } }, null)).toBeNull();
  expect(rereadingSeconds(null, 100)).toBeNull();
});

test('dimensions on offer are the open model’s own', () => {
  const list = [
    model('mine', { state: 'ready', dims: [96, 48] }),
    model('jina-colbert-v2', { state: 'absent', dims: [128, 96, 64] }),
  ];
  expect(dimsOffered(list, 'mine', 96)).toEqual([96, 48]);
  expect(dimsOffered(list, 'jina-colbert-v2', 64)).toEqual([64]); // the others need another head
  expect(dimsOffered(null, 'lateral-mini', 96)).toEqual([128, 96, 64]);
});

describe('a folder', () => {
  const file = (path: string, name: string): DocumentInput => ({ name, path, content: new Blob(['x']) });
  const folder = [file('loads/mine', 'config.json'), file('loads/mine/onnx', 'model.onnx'), file('loads', 'readme.md')];

  test('is a model’s where tokenizer.json or config.json, and an ONNX are in it', () => {
    expect(isModelFolder(folder)).toBe(true);
    expect(isModelFolder([file('mine', 'tokenizer.json'), folder[1]!])).toBe(true);
    expect(isModelFolder(folder.slice(1))).toBe(false);
  });

  test('is called as the one that has one of them', () => {
    const request = toImport(folder);
    expect(request.name).toBe('mine');
    expect(request.files.map(({ path }) => path)).toEqual([
      'loads/mine/config.json',
      'loads/mine/onnx/model.onnx',
      'loads/readme.md',
    ]);
    expect(toImport([{ name: 'config.json', content: new Blob() }]).name).toBe('model');
  });
});

test.each([
  [null, 'unknown'],
  [{ name: '', url: '', conditions: false, nonCommercial: false }, 'unknown'],
  [{ name: 'gemma', url: '', conditions: true, nonCommercial: false }, 'conditions'],
  [{ name: 'CC-BY-NC-4.0', url: '', conditions: true, nonCommercial: true }, 'non-commercial'],
  [{ name: 'mit', url: '', conditions: false, nonCommercial: false }, 'none'],
] as const)('%j asks for consent to: %s', (licence, terms) => {
  expect(termsOf(licence)).toBe(terms);
});

test('the host that is asked', () => {
  const here = new URL('https://lateral.example/app/');
  expect(hostOf({ endpoint: '', path: '' }, here)).toBe('huggingface.co');
  expect(hostOf({ endpoint: 'https://mirror.example', path: '' }, here)).toBe('mirror.example');
  expect(hostOf({ endpoint: 'https://mirror.example', path: '/models' }, here)).toBe('lateral.example');
});
