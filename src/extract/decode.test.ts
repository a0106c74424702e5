import { describe, expect, it } from 'vitest';
import { decodeText } from './decode.ts';

const bytesOf = (...values: number[]) => Uint8Array.from(values);
const utf8 = (text: string) => new TextEncoder().encode(text);
const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

function utf16(text: string, endian: 'little' | 'big'): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), endian === 'little');
  return bytes;
}

describe('decodeText', () => {
  it('reads UTF-8, with and without a mark, and says nothing about it', () => {
    expect(decodeText('a.txt', utf8('Straße 図書館 👍'))).toEqual({
      text: 'Straße 図書館 👍',
      encoding: 'utf-8',
      notes: [],
    });
    expect(decodeText('a.txt', bytesOf(0xef, 0xbb, 0xbf, 0x61)).text).toBe('a');
  });

  it('ends lines with LF', () => {
    expect(decodeText('a.txt', utf8('one\r\ntwo\rthree\n')).text).toBe('one\ntwo\nthree\n');
  });

  it.each(['little', 'big'] as const)('reads UTF-16, %s end first, without a mark', (endian) => {
    for (const text of [
      'Plain words.\nMore of them.',
      'Пример текста, строка 1.\nЕщё одна.',
      '図書館で 本を\n読む。1',
    ]) {
      const decoded = decodeText('a.txt', utf16(text, endian));
      expect(decoded.text).toBe(text);
      expect(decoded.notes).toEqual([`Read as utf-16${endian === 'little' ? 'le' : 'be'}.`]);
    }
  });

  it('reads UTF-16 with a mark; half a surrogate pair becomes U+FFFD', () => {
    expect(decodeText('a.txt', utf16('\ufeffab\ud800c', 'little')).text).toBe('ab\ufffdc');
  });

  it('reads windows-1252 and says so', () => {
    const decoded = decodeText(
      'a.txt',
      latin1('Caf\xe9 \x93na\xefve\x94, d\xe9j\xe0 vu \x96 le gar\xe7on a mang\xe9.'),
    );
    expect(decoded.text).toBe('Café “naïve”, déjà vu – le garçon a mangé.');
    expect(decoded.notes).toEqual(['Read as windows-1252.']);
  });

  it.each([
    [
      'windows-1251',
      [0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2, 0x2c, 0x20, 0xea, 0xe0, 0xea, 0x20, 0xe4, 0xe5, 0xeb, 0xe0],
      'Привет, как дела',
    ],
    [
      'shift_jis',
      [0x82, 0xb1, 0x82, 0xf1, 0x82, 0xc9, 0x82, 0xbf, 0x82, 0xcd, 0x90, 0xa2, 0x8a, 0x45],
      'こんにちは世界',
    ],
  ])('guesses %s', (encoding, bytes, text) => {
    const decoded = decodeText('a.txt', bytesOf(...bytes, 0x0a, ...bytes, 0x0a, ...bytes));
    expect([decoded.encoding, decoded.text]).toEqual([encoding, `${text}\n${text}\n${text}`]);
  });

  it('reads ISO-2022-JP, whose bytes are all ASCII', () => {
    // ESC $ B, 日本, ESC ( B
    const bytes = bytesOf(0x1b, 0x24, 0x42, 0x46, 0x7c, 0x4b, 0x5c, 0x1b, 0x28, 0x42);
    expect(decodeText('a.txt', bytes).text).toBe('日本');
  });

  it('believes a page’s declaration, in HTML only', () => {
    const page = latin1('<meta charset="iso-8859-7"><p>\xc5\xeb\xeb\xdc\xe4\xe1</p>');
    expect(decodeText('a.html', page, true).text).toContain('Ελλάδα');
    expect(decodeText('a.txt', page, false).text).not.toContain('Ελλάδα');
  });

  it('keeps UTF-8 with a broken character as UTF-8', () => {
    const bytes = utf8('Grüße aus Köln, schöne Straßen und Bäume, größer als früher. Öl. Äpfel. Übung.');
    const broken = Uint8Array.from([...bytes, 0xe2, 0x80]); // cut in the middle
    const decoded = decodeText('a.txt', broken);
    expect(decoded.text.startsWith('Grüße aus Köln')).toBe(true);
    expect(decoded.notes).toEqual(['1 broken character.']);
  });

  it('refuses bytes that are no text, by the file’s name', () => {
    const noise = Uint8Array.from({ length: 4096 }, (_, i) => (i * 197 + (i >> 3) * 31) & 0xff);
    expect(() => decodeText('data.bin', noise)).toThrow(
      expect.objectContaining({ code: 'file-binary', message: 'data.bin is not a kind of file Lateral can read.' }),
    );
  });
});
