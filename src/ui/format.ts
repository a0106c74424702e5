/** Numbers, sizes, times and names as people read them. */

/** Formats are made when first needed: the first of them costs a browser some 20 ms, which the start of the page has no room for. */
function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

const whole = lazily(() => new Intl.NumberFormat('en'));
export const number = (value: number): string => whole().format(value);

/** `1 file`, `1,204 passages`. */
export const count = (value: number, unit: string): string => `${number(value)} ${unit}${value === 1 ? '' : 's'}`;

/** `38 MB`, `1.2 GB`: decimal units, as disks are sold. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let size = value;
  let unit = -1;
  do {
    size /= 1000;
    unit += 1;
  } while (size >= 999.5 && unit < units.length - 1);
  return `${size < 10 && unit > 0 ? size.toFixed(1).replace('.0', '') : Math.round(size).toString()} ${units[unit] ?? ''}`;
}

/** A text in which no figure is parted from its unit at the end of a line. */
export const unbroken = (text: string): string => text.replace(/(\d) (?=(B|KB|MB|GB|TB|s|min|h)\b)/g, '$1\u00a0');

/** `40 s`, `5 min`, `2 h`: rounded so that it does not flicker. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.max(1, Math.ceil(seconds))} s`;
  if (seconds < 55) return `${Math.ceil(seconds / 5) * 5} s`;
  if (seconds < 5400) return `${Math.max(1, Math.round(seconds / 60))} min`;
  return `${Math.round(seconds / 1800) / 2} h`;
}

/** `about 5 seconds` for `about 5 s`: units in full, for assistive technology. */
export function spokenTime(text: string): string {
  const units: Readonly<Record<string, string>> = { s: 'second', min: 'minute', h: 'hour' };
  return text.replace(
    /([\d.]+) (s|min|h)\b/,
    (_, amount: string, unit: string) => `${amount} ${units[unit]!}${amount === '1' ? '' : 's'}`,
  );
}

const languages = lazily(() => new Intl.DisplayNames('en', { type: 'language', fallback: 'none' }));
/** `German` for `de`; '' where the tag is empty or not one. */
export function languageName(tag: string): string {
  if (tag === '') return '';
  try {
    return languages().of(tag) ?? '';
  } catch {
    return '';
  }
}

const sameYear = lazily(() => new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' }));
const otherYear = lazily(() => new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' }));
export function day(time: number, now = Date.now()): string {
  const date = new Date(time);
  const today = new Date(now);
  if (date.toDateString() === today.toDateString()) return 'Today';
  return (date.getFullYear() === today.getFullYear() ? sameYear() : otherYear()).format(date);
}

export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
