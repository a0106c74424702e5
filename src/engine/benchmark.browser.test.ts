/** The race with what only a browser has: threads over shared memory and a graphics device of its own. */
import { expect, test } from 'vitest';
import { openIndex } from '../index.ts';

test('threads and the graphics adapter take part, and the index is as before', async () => {
  const index = await openIndex({ baseUrl: `${location.origin}/`, storage: 'memory', scorer: 'webgpu' });
  await index.add([
    { name: 'trade.txt', content: 'When the river silted up, the merchants moved their warehouses to the coast.' },
    { name: 'mars.txt', content: 'Mars looks red because of rust in its soil.' },
  ]);
  const before = await index.search('why did traders leave');
  const { figures, gpu, failed, sameScores, origin } = await index.benchmark({ rounds: 1 });
  expect(failed).toEqual([]);
  expect(sameScores).toBe(true);
  expect(origin).toBe('made-up');
  expect(gpu).toMatchObject({ software: true });
  expect(figures.map(({ kind }) => kind)).toContain('webgpu');
  const threads = Math.min(8, navigator.hardwareConcurrency);
  if (threads > 1) expect(Math.max(...figures.map((figure) => figure.threads))).toBe(threads);
  expect(Math.max(...figures.map(({ tokens }) => tokens))).toBe(65_536);
  expect(await index.search('why did traders leave')).toEqual(before); // its own device is still there
  expect(index.status().scorer).toMatchObject({ kind: 'webgpu' });

  const controller = new AbortController();
  const stopped = index.benchmark({ rounds: 50, signal: controller.signal, onProgress: () => controller.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  await expect(index.benchmark({ rounds: 0 })).rejects.toMatchObject({ code: 'invalid-argument' });
  await index.close();
});
