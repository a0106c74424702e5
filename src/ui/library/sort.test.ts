import { expect, it } from 'vitest';
import { sortDocuments } from './sort.ts';

const record = (name: string, mediaType: string, chunkCount: number, addedAt: number) => ({
  name,
  mediaType,
  chunkCount,
  addedAt,
});
const records = [
  record('note 10.txt', 'text/plain', 3, 2),
  record('note 2.txt', 'text/plain', 3, 1),
  record('Atlas.pdf', 'application/pdf', 40, 2),
];
const names = (by: 'name' | 'type' | 'passages' | 'added', up: boolean) =>
  sortDocuments(records, { by, up }).map(({ name }) => name);

it('reads numbers in names as numbers', () => {
  expect(names('name', true)).toEqual(['Atlas.pdf', 'note 2.txt', 'note 10.txt']);
});

it('puts equals by name, whichever way it sorts', () => {
  expect(names('passages', false)).toEqual(['Atlas.pdf', 'note 2.txt', 'note 10.txt']);
  expect(names('added', false)).toEqual(['Atlas.pdf', 'note 10.txt', 'note 2.txt']);
  expect(names('type', true)).toEqual(['Atlas.pdf', 'note 2.txt', 'note 10.txt']);
});
