/** The command itself, from a repository of a hub on this machine. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HubServer } from '../src/models/testing/hub-server.ts';
import { smallDim, smallModel } from '../src/models/testing/small-model.ts';

const home = join(import.meta.dirname, '..');
let out: string;
let hub: HubServer;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'lateral-quantize-'));
  hub = await new HubServer(smallModel({}, 'modernbert-script-17'), { licence: 'cc-by-nc-4.0' }).start();
});
afterEach(async () => {
  await hub.stop();
  await rm(out, { recursive: true, force: true });
});

function run(...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'bin/quantize.ts', ...words], { cwd: home });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

test('a repository is downloaded and quantised, once its licence is accepted', { timeout: 120_000 }, async () => {
  const words = [hub.repo, '--out', out, '--endpoint', hub.endpoint, '--min-elements', '256', '--json'];
  const refused = await run(...words);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('cc-by-nc-4.0');
  expect(existsSync(join(out, 'onnx'))).toBe(false);

  const done = await run(...words, '--accept-licence');
  expect(done).toMatchObject({ code: 0 });
  const plan = JSON.parse(done.stdout) as { graphBytes: number; dataBytes: number; dim: number };
  expect(plan.dim).toBe(smallDim);
  expect(readFileSync(join(out, 'onnx/model_q4.onnx')).length).toBe(plan.graphBytes);
  expect(readFileSync(join(out, 'onnx/model_q4.onnx_data')).length).toBe(plan.dataBytes);
  for (const name of ['tokenizer.json', 'onnx_config.json', 'config.json']) {
    expect(readFileSync(join(out, name))).toEqual(Buffer.from(smallModel()[name]!));
  }
  expect(existsSync(join(out, '.download'))).toBe(false);
});

test('a projection that lies beside the graph goes into the result', { timeout: 60_000 }, async () => {
  const model = join(home, 'fixtures/exports/pylate-modernbert');
  const { code, stdout, stderr } = await run(model, '--out', out, '--min-elements', '256', '--json');
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('1_Dense and 2_Dense') as string });
  expect(JSON.parse(stdout)).toMatchObject({ dim: 16, hasProjection: true });
  const config = readFileSync(join(out, '2_Dense/config.json'));
  expect(config).toEqual(readFileSync(join(model, '2_Dense/config.json')));
});

test('neither a folder nor a repository says how one is written', { timeout: 60_000 }, async () => {
  const { code, stderr } = await run('nothing', '--out', out);
  expect(code).toBe(2);
  expect(stderr).toContain('owner/name');
});
