/** From a key press to what it means. Single letters fall back to the key's place on layouts without Latin letters. Pure. */
export type Command = 'search' | 'escape' | 'keys' | 'why' | 'copy' | 'like' | 'next' | 'previous';

export interface KeyPress {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

const letters: Readonly<Record<string, Command>> = {
  '/': 'search',
  '?': 'keys',
  w: 'why',
  c: 'copy',
  m: 'like',
  n: 'next',
  p: 'previous',
};

export function commandOf(
  press: KeyPress,
  where: { readonly inText: boolean; readonly letterKeys: boolean },
): Command | null {
  const letter = letterOf(press);
  if (press.key === 'Escape') return 'escape';
  if ((press.ctrlKey || press.metaKey) && !press.altKey) return letter === 'k' ? 'search' : null;
  if (press.altKey || where.inText || !where.letterKeys) return null;
  return letters[letter] ?? null;
}

function letterOf({ key, code }: KeyPress): string {
  const isLatin = key.length !== 1 || key.charCodeAt(0) < 0x250;
  const place = /^Key([A-Z])$/.exec(code)?.[1];
  return isLatin || place === undefined ? key.toLowerCase() : place.toLowerCase();
}
