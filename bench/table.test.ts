import { expect, it } from 'vitest';
import { columns, rounded, shown } from './table.ts';

it('aligns columns', () => {
  expect(
    columns([
      ['a', 'b'],
      ['long', '100'],
    ]),
  ).toEqual(['a       b', 'long  100']);
});

it('keeps four digits, and says what is missing', () => {
  expect(rounded({ a: 1.234567, b: 123456, c: null, d: 'text', e: 98765.4321 })).toEqual({
    ...{ a: 1.235, b: 123456, c: null, d: 'text', e: 98770 },
  });
  expect([shown(null), shown(true), shown(1.5)]).toEqual(['–', 'yes', '1.5']);
});
