import { expect, it, test } from 'vitest';
import { contentSecurityPolicy, headersFor, isConnectSource, permittedSources, permitting } from './headers.mjs';

const script = 'assets/models.worker-BaeX0y_-.js';
const hub = 'https://huggingface.co';
const asked = (...hosts: string[]) => new URLSearchParams(hosts.map((host) => ['connect', host]));

test.each([
  'https://huggingface.co',
  'https://*.hf.co',
  'https://cdn-lfs.huggingface.co',
  'https://mirror.example:8443',
  'https://models', // a name in a network of one's own
  'https://xn--bcher-kva.example',
  'http://localhost:6333',
  'http://127.0.0.1',
])('%s can be permitted', (source) => expect(isConnectSource(source)).toBe(true));

test.each([
  '',
  '*',
  'https:',
  'https://',
  'https://*',
  'https://*.co', // a whole country's
  'https://a.*.co',
  'https://huggingface.co/',
  'https://huggingface.co/maker/model',
  'https://huggingface.co?a',
  'https://user@huggingface.co',
  'https://huggingface.co:*',
  'https://huggingface.co; script-src *',
  'https://huggingface.co, https://other.example',
  'https://huggingface.co https://other.example',
  'https://huggingface.co\n',
  "'self'",
  "'unsafe-inline'",
  'data:',
  'http://huggingface.co',
  'http://localhost.example',
  'http://127.0.0.1.example',
  'http://*.localhost',
  'http://[::1]:80', // a policy has no way to write it
  'ws://localhost',
])('%j cannot', (source) => expect(isConnectSource(source)).toBe(false));

it('lets only the worker that downloads models name hosts', () => {
  expect(permittedSources(script, asked(hub, 'https://*.hf.co'))).toEqual([hub, 'https://*.hf.co']);
  expect(permittedSources(`/${script}`, asked(hub))).toEqual([hub]);
  for (const other of [
    '',
    'index.html',
    'offline.sw.js',
    'assets/engine.worker-BaeX0y_-.js',
    'assets/models.worker-BaeX0y_-.js.html',
    'assets/models.worker-x/../index-x.js',
    'other/assets/models.worker-x.js',
  ]) {
    expect(permittedSources(other, asked(hub))).toEqual([]);
  }
});

it('permits nothing where one host is not one', () => {
  expect(permittedSources(script, asked(hub, '*'))).toEqual([]);
});

it('changes connect-src and nothing else', () => {
  expect(permitting(contentSecurityPolicy, [])).toBe(contentSecurityPolicy);
  expect(permitting(contentSecurityPolicy, [hub, 'https://*.hf.co'])).toBe(
    contentSecurityPolicy.replace("connect-src 'self'", `connect-src 'self' ${hub} https://*.hf.co`),
  );
});

it("adds to a server's own policy, whatever is in it", () => {
  expect(permitting("default-src 'none'", [hub])).toBe(`default-src 'none'; connect-src 'self' ${hub}`);
  expect(permitting("connect-src 'none'; img-src *;", [hub])).toBe(`connect-src ${hub}; img-src *`);
  expect(permitting(`Connect-Src 'self' ${hub}`, [hub])).toBe(`connect-src 'self' ${hub}`);
  // Two policies: both have to let it through.
  expect(permitting("connect-src 'self', default-src 'self'", [hub])).toBe(
    `connect-src 'self' ${hub}, default-src 'self'; connect-src 'self' ${hub}`,
  );
});

it('gives the headers of an answer by the address that was asked for', () => {
  const policyOf = (url: string) => headersFor(url)['Content-Security-Policy'];
  expect(policyOf('/')).toBe(contentSecurityPolicy);
  expect(policyOf(`/${script}`)).toBe(contentSecurityPolicy);
  expect(policyOf(`/?${asked(hub)}`)).toBe(contentSecurityPolicy);
  expect(policyOf(`/${script}?${asked(hub)}`)).toContain(`connect-src 'self' ${hub};`);
  expect(headersFor(`/${script}?${asked(hub)}`)).toMatchObject({ 'Cross-Origin-Embedder-Policy': 'require-corp' });
});
