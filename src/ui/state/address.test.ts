import { expect, it } from 'vitest';
import { formatAddress, parseAddress } from './address.ts';

it('keeps section and query through a round trip', () => {
  const address = { section: 'library', query: 'why & how? “port” 港' } as const;
  expect(parseAddress(formatAddress(address))).toEqual(address);
});

it('reads plain fragments', () => {
  expect(parseAddress('#q=why%20did%20traders')).toEqual({ section: 'search', query: 'why did traders' });
  expect(parseAddress('')).toEqual({ section: 'search', query: '' });
  expect(parseAddress('#section=nowhere')).toEqual({ section: 'search', query: '' });
});
