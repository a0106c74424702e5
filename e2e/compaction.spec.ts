/** Nothing is lost where the browser is killed while stored vectors are being written anew. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPage, type BenchPage } from '../bench/browser.mjs';
import { buildPage } from '../bench/build-page.ts';
import { expect, test } from './lateral.ts';
import type { Found } from './pages/compaction/main.ts';

const rounds = process.env.LATERAL_LONG === '1' ? 40 : 4;
const perRound = 40; // 20 MiB, which become a full block and some

test('kill -9 in the middle of compaction', { tag: '@once' }, async () => {
  test.setTimeout(30_000 * rounds + 60_000);
  const files = await buildPage(fileURLToPath(new URL('pages/compaction', import.meta.url)));
  const profile = mkdtempSync(join(tmpdir(), 'lateral-compaction-'));
  let port = 0;
  const opened = async (): Promise<BenchPage> => {
    const one = await openPage(files, { profile, port });
    port = Number(new URL(one.origin).port); // the next one's too: a database belongs to an origin
    await one.page.waitForFunction('globalThis.check !== undefined');
    return one;
  };
  const interrupted: boolean[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const first = await opened();
      await first.page.evaluate(`fill(${round * perRound}, ${perRound})`);
      let done = false;
      void first.page.evaluate('compact()').then(
        () => (done = true),
        () => undefined,
      );
      await first.page.waitForTimeout(15 + ((round * 37) % 150)); // another moment in each round
      interrupted.push(!done);
      await kill(first);

      const second = await opened();
      const found = await second.page.evaluate<Found>('check()');
      expect(found.wrong).toEqual([]);
      expect(found.documents).toBe((round + 1) * perRound);
      if (round === rounds - 1) {
        expect(await second.page.evaluate<boolean>('compact()')).toBe(true);
        const after = await second.page.evaluate<Found>('check()');
        expect(after).toEqual({ documents: rounds * perRound, blocks: after.blocks, wrong: [] });
        expect(after.blocks).toBeLessThanOrEqual(Math.ceil((rounds * perRound) / 16)); // of 32, at least half full
      }
      await second.close();
    }
    expect(interrupted).toContain(true);
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});

async function kill(opened: BenchPage): Promise<void> {
  const session = await opened.browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  process.kill(processInfo.find(({ type }) => type === 'browser')!.id, 'SIGKILL');
  await opened.close().catch(() => undefined); // its browser is gone
}
