/** The same over IndexedDB, whose transactions end by themselves: some of the moments, of which change-over.test.ts tries all. */
import { expect, test } from 'vitest';
import { pylateTokenizer } from '../colbert/testing/small-tokenizers.ts';
import { openIdbStore } from '../store/idb-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { builtByNext, changeOverAt } from './testing/change-over.ts';
import { toyTabs, vectors } from './testing/toy-tab.ts';

const letters = Array.from('abcdefghijklmnopqrstuvwxyz0123456789');
const { tokenizer, config } = pylateTokenizer({ dim: 128, documentLength: 128 }, [
  ...letters.filter((letter) => letter !== 'q'),
  ...letters.map((letter) => `##${letter}`),
]);
const openTab = toyTabs(tokenizer, config);

test('files kept in IndexedDB, whenever the index changes over', { timeout: 120_000 }, async () => {
  const expected = await builtByNext(openTab, createMemoryStore('fresh'));
  const remaining = new Set<number>();
  for (let at = 0; ; at += 6) {
    const store = await openIdbStore(`change-over-${String(Date.now())}`);
    try {
      const { call, result } = await changeOverAt(openTab, store, at, true);
      expect(await vectors(store), `at ${at}, ${call}`).toEqual(expected);
      remaining.add(result.remaining.length);
      if (call === '') break;
    } finally {
      await store.close();
    }
  }
  expect(remaining.size).toBeGreaterThan(2);
});
