/** A head of a few kilobytes out of a large file, from a hub and from a server of plain files. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readHead } from '../quantize/safetensors.ts';
import { HubServer, someBytes } from '../testing/hub-server.ts';
import { failureOf, quick } from '../testing/setting.ts';
import { openRemoteFile } from './remote-file.ts';
import { hubSource, pathSource } from './source.ts';

const path = 'model.safetensors';
const dim = 4;
const width = 8;
const weight = Float32Array.from({ length: dim * width }, (_, i) => Math.sin(i));
const before = someBytes(400_000, 1);

/** A tensor of 400,000 bytes, then the head. */
function safetensors(): Uint8Array {
  const header = JSON.stringify({
    body: { dtype: 'U8', shape: [before.length], data_offsets: [0, before.length] },
    'linear.weight': {
      ...{ dtype: 'F32', shape: [dim, width] },
      data_offsets: [before.length, before.length + weight.byteLength],
    },
  }).padEnd(200);
  const bytes = new Uint8Array(8 + header.length + before.length + weight.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  bytes.set(before, 8 + header.length);
  bytes.set(new Uint8Array(weight.buffer), 8 + header.length + before.length);
  return bytes;
}

let hub: HubServer;
beforeEach(async () => {
  hub = await new HubServer({ [path]: safetensors() }).start();
});
afterEach(() => hub.stop());

test('only the part that is read comes over the network', async () => {
  const file = await openRemoteFile(hubSource(hub.repo, 'main', hub.endpoint), path, { retry: quick });
  expect(file.size).toBe(safetensors().length);
  expect((await readHead(file)).weight).toEqual(weight);
  expect(hub.bytesSent(path)).toBeLessThan(1_000);
});

test('from a server of plain files too', async () => {
  const file = await openRemoteFile(pathSource(hub.plainUrl), path, { retry: quick });
  expect((await readHead(file)).weight).toEqual(weight);
});

test('a broken connection and an overloaded server are asked again', async () => {
  const file = await openRemoteFile(hubSource(hub.repo, 'main', hub.endpoint), path, { retry: quick });
  hub.fail(path, { kind: 'drop', at: 0.1 }, { kind: 'status', status: 503 });
  expect((await readHead(file)).weight).toEqual(weight);
});

test('a server without ranges, and a file that is not there, say so', async () => {
  const file = await openRemoteFile(hubSource(hub.repo, 'main', hub.endpoint), path, { retry: quick });
  hub.fail(path, { kind: 'no-range' });
  expect(await failureOf(file.read(0, 8))).toMatchObject({ code: 'model-unavailable' });
  const missing = openRemoteFile(hubSource(hub.repo, 'main', hub.endpoint), 'other.safetensors', { retry: quick });
  expect(await failureOf(missing)).toMatchObject({ code: 'model-unavailable' });
  expect(await failureOf(file.read(file.size - 4, 8))).toMatchObject({ code: 'invalid-argument' });
});
