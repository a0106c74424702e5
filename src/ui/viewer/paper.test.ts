/** A page of a file is white in both themes, so the light tokens stand once more in viewer.css. They must stay the same. */
import { expect, it } from 'vitest';

// The page's code is compiled without Node's types, so the one function needed here is named by hand.
const { readFileSync } = (await import(['node', 'fs'].join(':'))) as {
  readonly readFileSync: (path: URL, encoding: 'utf8') => string;
};

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const tokens = read('../styles/tokens.css');
const page = /\n\.page \{(.*?)\n\}/s.exec(read('./viewer.css'))![1]!;
const copies = [...page.matchAll(/(--[a-z0-9-]+): (#[0-9a-f]+);/g)].map(([, name, value]) => [name!, value!] as const);

it('has tokens to compare', () => {
  expect(copies.length).toBeGreaterThan(5);
});

it.each(copies)('%s on a page is the light value %s', (name, value) => {
  expect(tokens).toContain(`${name}: light-dark(${value},`);
});
