/** Sentences of models that are put together of parts. */
import { expect, test } from 'vitest';
import { type ErrorCode, errorCodes } from '../../errors.ts';
import type { ModelInfo, Progress } from '../../index.ts';
import { unlisted } from './describe.ts';
import {
  addressProblem,
  checkedLine,
  detailRows,
  dimName,
  downloadLead,
  licenceLine,
  licenceName,
  modelFailure,
  preparingLine,
  preparingValue,
  replacementLine,
  rereadLead,
  sizeLine,
  switchingLine,
} from './words.ts';

const model: ModelInfo = {
  ...unlisted({ model: 'jina-colbert-v2', title: 'jina-colbert-v2', kind: 'download' }),
  licence: { name: 'CC-BY-NC-4.0', url: '', conditions: true, nonCommercial: true },
  downloadBytes: 2_233_980_000,
  keptBytes: 352_170_000,
};
const failure = (code: ErrorCode, details = {}, kept = 0): string =>
  modelFailure({ code, message: 'Said so.', details }, kept);

test('what a download takes, with its terms', () => {
  expect(downloadLead(model, null, null)).toBe(
    'Its makers allow this model for non-commercial use (CC BY-NC 4.0). It downloads 2.2 GB once, keeps 352 MB, then works offline.',
  );
  expect(downloadLead({ ...model, licence: null, keptBytes: null }, 360, 22.8e9)).toBe(
    'Nothing says under which terms it may be used, so see its page first. It downloads 2.2 GB once in about 6 min, then works offline. 23 GB is free.',
  );
});

test.each([
  ['cc-by-nc-4.0', 'CC BY-NC 4.0'],
  ['CC-BY-NC-SA-4.0', 'CC BY-NC-SA 4.0'],
  ['apache-2.0', 'Apache-2.0'],
  ['mit', 'MIT'],
  ['gemma', 'gemma'],
])('%s is written %s', (name, written) => {
  expect(licenceName({ name, url: '', conditions: false, nonCommercial: false })).toBe(written);
});

test('licences in words', () => {
  expect(licenceLine(model.licence)).toBe('Non-commercial use (CC BY-NC 4.0)');
  expect(licenceLine({ name: 'mit', url: '', conditions: false, nonCommercial: false })).toBe('Any use (MIT)');
  expect(licenceLine(null)).toBe('Licence not known');
});

test.each([
  [{}, 'Downloads 2.2 GB, keeps 352 MB'],
  [{ state: 'partial', presentBytes: 412e6 }, '412 MB of 2.2 GB is here'],
  [{ state: 'ready' }, 'Keeps 352 MB'],
  [{ state: 'ready', origin: 'built-in' }, '352 MB, part of Lateral'],
  [{ keptBytes: 2_233_980_000 }, 'Downloads and keeps 2.2 GB'],
  [{ downloadBytes: null }, ''],
] as const)('sizes of %j: %s', (change, line) => {
  expect(sizeLine({ ...model, ...change })).toBe(line);
});

test('an import that was interrupted, alone and beside a model that is ready', () => {
  const interrupted = { presentBytes: 412e6, totalBytes: 2.2e9, complete: false };
  expect(sizeLine({ ...model, origin: 'folder', state: 'partial', interrupted })).toBe(
    '412 MB of 2.2 GB is copied. The rest needs its folder once more',
  );
  expect(replacementLine(interrupted)).toBe('A new one was interrupted: 412 MB of 2.2 GB is copied.');
  expect(replacementLine({ ...interrupted, complete: true })).toContain('has to be made smaller and checked');
  expect(modelFailure({ code: 'self-test-failed', message: '', details: {} }, 0, true)).toContain('that is here stays');
});

test('while another model is opened: how much of it is read, as long as that says something', () => {
  const loading = (done: number): Progress => ({ phase: 'loading-model', done, total: 200, unit: 'bytes' });
  expect([0, 86, 200].map((done) => switchingLine(loading(done)))).toEqual([
    'Getting ready…',
    'Getting ready… 43 %',
    'Getting ready…',
  ]);
});

test('the commit of a download is among the details', () => {
  const revision = '4cf816e5e2b03167b132a3c847a9ecd48ba708e1';
  expect(detailRows({ ...model, revision }, null)).toContainEqual(['Revision', revision]);
  expect(detailRows(model, null).map(([name]) => name)).not.toContain('Revision');
});

test('how far it is, for eyes and for ears', () => {
  const progress: Progress = { phase: 'downloading', done: 412e6, total: 2.2e9, unit: 'bytes', etaSeconds: 360 };
  expect(preparingLine(progress)).toBe('Downloading · 412 MB of 2.2 GB · about 6 min');
  expect(preparingValue(progress)).toBe('Downloading, 412 MB of 2.2 GB, about 6 minutes left');
  expect(preparingLine({ ...progress, phase: 'retrying' })).toBe(
    'The connection broke off, trying again · 412 MB of 2.2 GB',
  );
  const checking: Progress = { phase: 'checking', done: 1, total: 60, unit: 'turns' };
  expect(preparingLine(checking)).toBe('Checking it on this device');
  expect(preparingLine({ ...checking, etaSeconds: 50 })).toBe('Checking it on this device · about 50 s');
  expect(preparingValue({ ...checking, etaSeconds: 50 })).toBe('Checking it on this device, about 50 seconds left');
  expect(preparingValue({ ...checking, etaSeconds: 0.4 })).toBe('Checking it on this device, about 1 second left');
  expect(preparingLine({ ...checking, phase: 'quantizing', total: 2.2e9, done: 1e9, unit: 'bytes' })).toBe(
    'Making it smaller · 1 GB of 2.2 GB',
  );
});

test.each([
  ['download-interrupted', {}, 412e6, 'The download broke off. 412 MB is kept.'],
  ['download-interrupted', { reason: 'offline' }, 412e6, 'There is no connection. 412 MB is kept.'],
  ['download-interrupted', {}, 0, 'The hub could not be reached. Check the connection and the address in Settings.'],
  [
    'storage-full',
    { neededBytes: 2.6e9, freeBytes: 1.1e9 },
    0,
    'It needs 2.6 GB more, and this browser gives 1.1 GB. Delete something, then go on.',
  ],
  [
    'model-unavailable',
    { missing: 'tokenizer.json' },
    0,
    'This folder lacks tokenizer.json. Open the whole folder of a model.',
  ],
  ['model-invalid', {}, 0, 'Lateral cannot use this model. Said so.'],
] as const)('%s %j', (code, details, kept, sentence) => {
  expect(failure(code, details, kept)).toBe(sentence);
});

test('every code has a sentence, and only one of them takes it from the engine', () => {
  for (const code of errorCodes) {
    const said = failure(code);
    expect(said).toMatch(/^[A-Z].*\.$/);
    expect(said.includes('Said so.')).toBe(code === 'model-invalid');
  }
});

test('what a switch costs', () => {
  expect(rereadLead(40, 360, true)).toBe('Your 40 documents must be read again, about 6 min. Search keeps working.');
  expect(rereadLead(1, null, false)).toBe('Your document must be read again. Until then it is found by its words.');
});

test('where a model was checked, and at which precision', () => {
  expect(checkedLine({ device: 'webgpu', half: true }, 900)).toBe(
    'Checked on this device’s graphics card, at half precision. Reads about 900 words a second',
  );
  expect(checkedLine({ device: 'webgpu', half: false }, null)).toBe('Checked on this device’s graphics card');
});

test('numbers a word, against the most that a model has', () => {
  expect([128, 96, 64, 48].map((dim) => dimName(dim, 128))).toEqual([
    '128 numbers',
    '96, a quarter less',
    '64, half as much',
    '48 numbers',
  ]);
  expect(dimName(96, 96)).toBe('96 numbers');
});

test.each([
  ['http://example.org', /https:\/\//],
  ['https://me@example.org', /alone/],
  ['example.org', /not an address/],
])('%s cannot be where models come from', (text, said) => {
  expect(addressProblem(text)).toMatch(said);
});
