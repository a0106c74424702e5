/** What of the origin's storage is Lateral itself, in the browser that keeps it. */
import { afterEach, expect, test } from 'vitest';
import { appBytesOf, cachedBytes } from './app-bytes.ts';

const cacheName = 'app-bytes-test';
afterEach(() => caches.delete(cacheName));

test('what is kept to work offline is counted by the length of each file', async () => {
  const before = await cachedBytes();
  const cache = await caches.open(cacheName);
  for (const size of [300_000, 20_000]) {
    const headers = { 'content-length': String(size) };
    await cache.put(`/kept-${size}`, new Response(new Uint8Array(size), { headers }));
  }
  await cache.put('/unmeasured', new Response('x'));
  expect((await cachedBytes()) - before).toBe(320_000);
});

test('where the browser tells what is stored by which way, all but the databases is the app', async () => {
  expect(await appBytesOf({ usage: 1000, usageDetails: { indexedDB: 400, caches: 580, fileSystem: 20 } })).toBe(600);
  expect(await appBytesOf({ usage: 580, usageDetails: { caches: 580 } })).toBe(580); // kinds with nothing are left out
  expect(await appBytesOf({})).toBeNull();
});

test('what is counted is never more than all that is used', async () => {
  const cache = await caches.open(cacheName);
  await cache.put('/kept', new Response('x', { headers: { 'content-length': '5000000' } }));
  expect(await appBytesOf({ usage: 100 })).toBe(100);
});
