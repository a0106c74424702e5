/**
 * The place in the app, kept in the address's fragment, which no server sees: `#q=why did traders leave`,
 * `#section=library`. Pure; the hook is in use-address.ts.
 */
export const sections = ['search', 'library', 'models', 'evaluate', 'benchmark', 'settings'] as const;
export type Section = (typeof sections)[number];

export interface Address {
  readonly section: Section;
  readonly query: string;
}

export function parseAddress(hash: string): Address {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const section = sections.find((name) => name === parameters.get('section')) ?? 'search';
  return { section, query: parameters.get('q') ?? '' };
}

/** The fragment, with `#`. `#` alone for the bare start. */
export function formatAddress({ section, query }: Address): string {
  const parameters = new URLSearchParams();
  if (section !== 'search') parameters.set('section', section);
  if (query !== '') parameters.set('q', query);
  return `#${parameters.toString()}`;
}
