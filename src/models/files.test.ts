/** Against a real server on this machine that misbehaves as servers do. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchModelFiles } from './files.ts';

let server: Server;
let base: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    switch (request.url) {
      case '/m/config.json':
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"dim":128}');
        return;
      case '/m/broken.json':
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"dim":');
        return;
      case '/m/weights.onnx':
        response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': '6' }).end('abcdef');
        return;
      case '/m/cut.onnx':
        response.writeHead(200, { 'Content-Length': '6' });
        response.write('abc');
        setTimeout(() => response.destroy(), 20);
        return;
      case '/m/page.onnx':
        response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html>');
        return;
      default:
        response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m/`;
});
afterAll(() => server.close());

test('JSON and bytes, with progress', async () => {
  const files = fetchModelFiles(base);
  expect(await files.json('config.json')).toEqual({ dim: 128 });
  const seen: [number, number][] = [];
  const bytes = await files.bytes('weights.onnx', (done, total) => seen.push([done, total]));
  expect(new TextDecoder().decode(bytes)).toBe('abcdef');
  expect(seen.at(-1)).toEqual([6, 6]);
});

test.each([
  ['missing.onnx', /404/],
  ['page.onnx', /web page/],
])('%s is said', async (name, message) => {
  await expect(fetchModelFiles(base).bytes(name)).rejects.toMatchObject({
    code: 'model-unavailable',
    message: expect.stringMatching(message) as string,
  });
});

test('a body that ends early is not taken for a model', async () => {
  await expect(fetchModelFiles(base).bytes('cut.onnx')).rejects.toMatchObject({ code: 'model-unavailable' });
});

test('JSON that is none', async () => {
  await expect(fetchModelFiles(base).json('broken.json')).rejects.toMatchObject({ code: 'model-unavailable' });
});

test('no server at all', async () => {
  await expect(fetchModelFiles('http://127.0.0.1:9/').json('config.json')).rejects.toMatchObject({
    code: 'model-unavailable',
  });
});
