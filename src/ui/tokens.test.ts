/** Recomputes the contrasts that the interface promises, from the tokens themselves. */
import { describe, expect, it } from 'vitest';

// The page's code is compiled without Node's types, so the one function needed here is named by hand.
const { readFileSync } = (await import(['node', 'fs'].join(':'))) as {
  readonly readFileSync: (path: URL, encoding: 'utf8') => string;
};
const css = readFileSync(new URL('./styles/tokens.css', import.meta.url), 'utf8');

const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name, light, dark]) => [
    name!,
    [light!, dark!] as const,
  ]),
);

/** Relative luminance, WCAG 2.2. */
function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function lowest(foreground: string, backgrounds: readonly string[], theme: 0 | 1): number {
  const values = backgrounds.map((name) => contrast(tokens.get(foreground)![theme], tokens.get(name)![theme]));
  return Math.min(...values);
}

const pages = ['canvas', 'surface', 'sunken', 'raised', 'selected'];
const withSoft = [...pages, 'accent-soft'];

/** Name, what it stands on, and the least contrast asked for: light, dark. */
const asked: readonly (readonly [string, readonly string[], number, number])[] = [
  ['ink', withSoft, 14.7, 11.3],
  ['ink-2', withSoft, 6.6, 6.6],
  ['ink-3', withSoft, 4.9, 4.7],
  ['accent', pages, 6.1, 6.8],
  ['on-accent', ['accent'], 7.1, 8.3],
  ['danger', [...pages, 'danger-soft'], 5.6, 6.7],
  ['on-danger', ['danger'], 6.5, 9.1],
  ['ok', withSoft, 5.6, 7.5],
  ['strong-ink', ['strong-fill'], 11.9, 7.1],
  ['ink', ['weak-fill'], 15.3, 10.9],
  ['control', pages, 3.1, 3.2],
  ['bar', pages, 3.5, 6.4],
  ['series-2', pages, 6.4, 7.0],
  ['strong-line', ['strong-fill'], 4.2, 5.1],
  ['weak-line', ['weak-fill'], 4.6, 5.3],
  ['accent', ['strong-fill', 'weak-fill'], 5.0, 3.9],
];

describe('tokens', () => {
  it('are all given for light and dark', () => {
    expect(tokens.size).toBe(29);
  });

  it.each(asked)('%s on %j', (name, backgrounds, light, dark) => {
    // the table is given to one decimal, rounded
    expect(lowest(name, backgrounds, 0)).toBeGreaterThanOrEqual(light - 0.05);
    expect(lowest(name, backgrounds, 1)).toBeGreaterThanOrEqual(dark - 0.05);
  });
});
