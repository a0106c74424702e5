/** Files that come while the index changes from one model to another: none is lost, and none is there twice, whenever it happens. */
import { expect, test } from 'vitest';
import { embeddedTokenizer } from '../colbert/testing/embedded.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { builtByNext, changeOverAt } from './testing/change-over.ts';
import { toyTabs, vectors } from './testing/toy-tab.ts';

const { tokenizer, config } = embeddedTokenizer();
const openTab = toyTabs(tokenizer, config);

test.each([
  ['kept in the store', true],
  ['given from memory', false],
])('files %s, in whichever moment the index changes over', { timeout: 60_000 }, async (_, keepSources) => {
  const expected = await builtByNext(openTab, createMemoryStore('fresh'));
  const calls = new Set<string>();
  const remaining = new Set<number>();
  for (let at = 0; ; at++) {
    const store = createMemoryStore('toy');
    const { call, result } = await changeOverAt(openTab, store, at, keepSources);
    expect(await vectors(store), `at ${at}, ${call}`).toEqual(expected);
    if (call === '') break;
    calls.add(call);
    remaining.add(result.remaining.length);
  }
  expect([...calls]).toEqual(expect.arrayContaining(keepSources ? ['stage', 'add', 'pendingContent'] : ['add']));
  expect(remaining).toContain(4); // none of them was read before
  expect(remaining).toContain(0); // all were
  expect(remaining.size).toBeGreaterThan(2); // and moments in between
});
