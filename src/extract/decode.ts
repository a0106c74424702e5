/**
 * Bytes → text, in whatever encoding they are. UTF-8 is tried first, because text in another encoding is almost never
 * valid UTF-8; then what the bytes say of themselves, then what they look like.
 */
import { analyse } from 'chardet';
import { LateralError } from '../errors.ts';

export interface DecodedText {
  /** LF for CRLF and CR; no byte order mark. */
  readonly text: string;
  /** Name of the encoding as the Encoding standard has it. */
  readonly encoding: string;
  /** What a person should know; empty for clean UTF-8. */
  readonly notes: readonly string[];
}

/**
 * @param name the file's name, for the message
 * @param isHtml whether a `<meta charset>` counts
 * @throws 'file-binary' for bytes that are not text
 */
export function decodeText(name: string, bytes: Uint8Array, isHtml = false): DecodedText {
  const { text, encoding, notes } = decode(bytes, isHtml);
  if (isGibberish(text)) throw notReadable(name);
  return { text: text.replace(/\r\n?/g, '\n'), encoding, notes };
}

export function notReadable(name: string): LateralError {
  return new LateralError('file-binary', `${name} is not a kind of file Lateral can read.`, { details: { name } });
}

function decode(bytes: Uint8Array, isHtml: boolean): DecodedText {
  const marked = fromByteOrderMark(bytes);
  if (marked !== undefined) return decodeAs(marked, bytes);
  const sample = bytes.subarray(0, sampleBytes);
  const wide = guessUtf16(sample);
  if (wide !== undefined) return decodeAs(wide, bytes);
  // ISO-2022-JP is made of ASCII bytes, so that it would pass for UTF-8.
  if (hasJapaneseEscapes(sample)) return decodeAs('iso-2022-jp', bytes);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, encoding: 'utf-8', notes: [] };
  } catch {
    // Not UTF-8, or UTF-8 with damage.
  }
  return (isHtml ? fromDeclaration(bytes) : undefined) ?? damagedUtf8(bytes) ?? decodeAs(guessEncoding(sample), bytes);
}

const sampleBytes = 64 * 1024;
const fallback = 'windows-1252';

/**
 * The guess goes by letter statistics, which for a few accents are no better than a toss between the Latin code pages:
 * Western Europe's wins when it is nearly as likely as the best.
 */
function guessEncoding(sample: Uint8Array): string {
  const matches = analyse(sample).filter(({ confidence }) => confidence > 0);
  const best = matches[0];
  if (best === undefined) return fallback;
  if (!/^(?:windows-125[0478]|ISO-8859-[29])$/.test(best.name)) return best.name;
  const western = matches.find(({ name }) => name === 'windows-1252' || name === 'ISO-8859-1');
  return western !== undefined && western.confidence >= best.confidence * 0.75 ? fallback : best.name;
}

function fromByteOrderMark(bytes: Uint8Array): string | undefined {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  return undefined;
}

/** A label that the platform does not know is read as windows-1252. Broken characters become U+FFFD. */
function decodeAs(label: string, bytes: Uint8Array): DecodedText {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(label);
  } catch {
    decoder = new TextDecoder(fallback);
  }
  const decoded = decoder.decode(bytes);
  const text = decoder.encoding === 'windows-1252' ? repairWindows1252(decoded) : decoded;
  const broken = countBroken(text);
  const notes = decoder.encoding === 'utf-8' ? [] : [`Read as ${decoder.encoding}.`];
  if (broken > 0) notes.push(`${broken} broken ${broken === 1 ? 'character' : 'characters'}.`);
  return { text, encoding: decoder.encoding, notes };
}

/**
 * Node (from 20.18.3, 22.13 and 23.4 on) decodes windows-1252 as Latin 1, which has control characters where the quotes and dashes are.
 * https://github.com/nodejs/node/issues/56542. Elsewhere there is nothing to repair.
 */
function repairWindows1252(text: string): string {
  return text.replace(/[\x80-\x9f]/g, (control) => windows1252[control.charCodeAt(0) - 0x80]!);
}

/** 0x80 to 0x9f. */
const windows1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** `<meta charset=…>` or the longer form, in the first 1,024 bytes as the standard has it. */
function fromDeclaration(bytes: Uint8Array): DecodedText | undefined {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 1024));
  const label = /<(?:meta|\?xml)\b[^>]{0,500}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{1,40})/i.exec(head)?.[1];
  // A page that says UTF-16 in ASCII letters is not UTF-16; one that says UTF-8 was tried.
  if (label === undefined || /^utf/i.test(label)) return undefined;
  try {
    new TextDecoder(label);
  } catch {
    return undefined;
  }
  return decodeAs(label, bytes);
}

/** UTF-8 with a few bad bytes (a cut, a pasted quote) stays UTF-8; elsewhere nearly every foreign letter is bad. */
function damagedUtf8(bytes: Uint8Array): DecodedText | undefined {
  const decoded = decodeAs('utf-8', bytes);
  const broken = countBroken(decoded.text);
  let foreign = 0;
  for (let i = 0; i < decoded.text.length; i++) if (decoded.text.charCodeAt(i) >= 0x80) foreign++;
  return broken * 10 <= foreign ? decoded : undefined;
}

function hasJapaneseEscapes(sample: Uint8Array): boolean {
  let escapes = 0;
  for (let i = 0; i + 2 < sample.length; i++) {
    if (sample[i]! >= 0x80) return false;
    // ESC $ B or ESC $ @
    if (sample[i] === 0x1b && sample[i + 1] === 0x24 && (sample[i + 2] === 0x42 || sample[i + 2] === 0x40)) escapes++;
  }
  return escapes > 0;
}

/**
 * UTF-16 without a mark has NULs wherever a space, a digit, a line's end or a Latin letter is, always on the same side.
 * Accepted only if it then reads as text.
 */
function guessUtf16(sample: Uint8Array): string | undefined {
  const nuls = [0, 0];
  const length = sample.length - (sample.length % 2);
  for (let i = 0; i < length; i++) if (sample[i] === 0) nuls[i % 2]!++;
  const [even, odd] = nuls as [number, number];
  if (even + odd < Math.max(1, length / 200)) return undefined;
  const label = odd > even ? 'utf-16le' : 'utf-16be';
  if (Math.min(even, odd) * 20 > Math.max(even, odd)) return undefined;
  const text = new TextDecoder(label).decode(sample.subarray(0, length));
  return isGibberish(text) || countUnlikely(text) * 20 > text.length ? undefined : label;
}

function countUnlikely(text: string): number {
  return text.match(/[\p{Cn}\p{Co}\ufffd]/gu)?.length ?? 0;
}

/** More than one in fifty (and more than two) is a control character or broken: not a text. */
function isGibberish(text: string): boolean {
  let bad = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if ((unit < 0x20 && !(unit >= 0x09 && unit <= 0x0d) && unit !== 0x1b) || unit === 0x7f || unit === 0xfffd) bad++;
    else if (unit >= 0x80 && unit < 0xa0 && unit !== 0x85) bad++;
  }
  return bad > 2 + text.length / 50;
}

function countBroken(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\ufffd'); at !== -1; at = text.indexOf('\ufffd', at + 1)) count++;
  return count;
}
