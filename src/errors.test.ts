import { expect, test } from 'vitest';
import { errorCodes, fromWireError, LateralError, toLateralError, toWireError } from './errors.ts';

test.each(errorCodes)('%s survives the way between threads', (code) => {
  const error = new LateralError(code, 'What happened.', { details: { limit: 3 }, cause: new Error('why') });
  const back = fromWireError(structuredClone(toWireError(error)));
  expect(back).toBeInstanceOf(LateralError);
  expect(back).toMatchObject({ code, message: 'What happened.', details: { limit: 3 }, cause: 'Error: why' });
});

test('what the platform throws gets a code', () => {
  expect(toLateralError(new DOMException('x', 'AbortError')).code).toBe('aborted');
  expect(toLateralError(new DOMException('x', 'QuotaExceededError')).code).toBe('storage-full');
  expect(toLateralError(new RangeError('Array buffer allocation failed')).code).toBe('out-of-memory');
  expect(toLateralError('odd').code).toBe('internal');
  const ours = new LateralError('not-found', 'x');
  expect(toLateralError(ours)).toBe(ours);
});
