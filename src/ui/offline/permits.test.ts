import { expect, it } from 'vitest';
import { contentSecurityPolicy, permitting } from '../../../scripts/headers.mjs';
import { permits } from './permits.ts';

const hub = 'https://huggingface.co';

it('reads what our own servers write', () => {
  expect(permits(contentSecurityPolicy, hub)).toBe(false);
  const policy = permitting(contentSecurityPolicy, [hub, 'https://*.hf.co', 'http://localhost:80']);
  for (const origin of [hub, 'https://*.hf.co', 'http://localhost:80']) expect(permits(policy, origin)).toBe(true);
  expect(permits(policy, 'https://cdn-lfs.huggingface.co')).toBe(false);
});

it('reads what other servers may set', () => {
  expect(permits(null, hub)).toBe(true);
  expect(permits('', hub)).toBe(true);
  expect(permits('img-src *', hub)).toBe(true); // nothing said of connections
  expect(permits("default-src 'self'", hub)).toBe(false);
  expect(permits("default-src 'self'; connect-src https:", hub)).toBe(true);
  expect(permits("default-src 'self'; connect-src https:", 'http://localhost:80')).toBe(false);
  expect(permits('default-src *; connect-src', hub)).toBe(false);
  expect(permits("Connect-Src *, default-src 'none'", hub)).toBe(false); // two policies
});
