import { describe, expect, it } from 'vitest';
import type { Hit, SearchResult } from '../../index.ts';
import { isSmall, shownOf } from './shown.ts';

const hit = (relevant: boolean, relative: number): Hit => ({ relevant, relative }) as Hit;
const found = (...hits: readonly Hit[]): SearchResult =>
  ({ hits, relevant: hits.some(({ relevant }) => relevant) }) as unknown as SearchResult;
const weak = found(...[0.5, 0.4, 0.3, 0.2, 0.1].map((relative) => hit(false, relative)));

describe('where nothing is relevant', () => {
  it('a small collection shows its three nearest as weak, and the rest when asked for', () => {
    const shown = shownOf(weak, true, false);
    expect(shown).toMatchObject({ weaker: 2, nothingRelevant: false, onlyWeak: true });
    expect(shown.hits.map(({ relative }) => relative)).toEqual([1, 0.8, 0.6]); // of the best, 0.5
    expect(shownOf(weak, true, true)).toMatchObject({ weaker: 0, nothingRelevant: false, onlyWeak: true });
    expect(shownOf(weak, true, true).hits).toHaveLength(5);
  });

  it('a larger one shows none until asked for', () => {
    expect(shownOf(weak, false, false)).toEqual({ hits: [], weaker: 0, nothingRelevant: true, onlyWeak: false });
    expect(shownOf(weak, false, true)).toMatchObject({ weaker: 0, nothingRelevant: false, onlyWeak: false });
    expect(shownOf(weak, false, true).hits).toHaveLength(5);
  });

  it('without a hit there is nothing to show, however small it is', () => {
    expect(shownOf(found(), true, false)).toEqual({ hits: [], weaker: 0, nothingRelevant: true, onlyWeak: false });
  });
});

it('weak hits stay back beside a relevant one, in a small collection too', () => {
  const shown = shownOf(found(hit(false, 1), hit(true, 0.5), hit(false, 0.2)), true, false);
  expect(shown).toEqual({ hits: [hit(true, 1)], weaker: 2, nothingRelevant: false, onlyWeak: false });
});

it('what is not known to be small is not', () => {
  expect([null, 1, 20, 21].map(isSmall)).toEqual([false, true, true, false]);
});
