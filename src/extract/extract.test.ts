import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LateralError } from '../errors.ts';
import type { ExtractedText } from '../types.ts';
import { extract, maxTextBytes } from './extract.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const read = (name: string, content: string | Uint8Array, mediaType?: string) =>
  extract({ name, mediaType, bytes: typeof content === 'string' ? utf8(content) : content });

async function failure(name: string, content: string | Uint8Array): Promise<LateralError> {
  try {
    await read(name, content);
  } catch (error) {
    if (error instanceof LateralError) return error;
    throw error;
  }
  throw new Error(`${name} was read`);
}

describe('extract chooses', () => {
  it.each([
    ['by the name', 'notes.md', undefined, '# A', 'text/markdown'],
    ['by the type', 'notes', 'text/markdown; charset=utf-8', '# A', 'text/markdown'],
    ['the name over a type that says nothing', 'notes.md', 'text/plain', '# A', 'text/markdown'],
    ['by the content', 'page', undefined, '<!-- x --><!DOCTYPE html><p>A', 'text/html'],
    ['plain text else', 'README', undefined, 'A < B', 'text/plain'],
    ['source by its ending', 'a/b/main.RS', undefined, 'fn main() {}', 'text/x-source'],
    ['source by its name', 'Makefile', undefined, 'all:', 'text/x-source'],
    ['tables', 'a.csv', undefined, 'x,y\n1,2', 'text/csv'],
    ['JSON lines', 'a.jsonl', undefined, '{}\n{}', 'application/jsonl'],
  ])('%s', async (_, name, mediaType, content, expected) => {
    expect((await read(name, content, mediaType)).mediaType).toBe(expected);
  });
});

describe('extract reads plain text', () => {
  it('as it is, in paragraphs', async () => {
    const { text, blocks, notes } = await read('a.txt', '\n  One\r\nline.\r\n\r\n \r\nTwo\0.  \n');
    expect(text).toBe('\n  One\nline.\n\n \nTwo .  \n');
    expect(blocks.map(({ kind, start, end }) => [kind, text.slice(start, end)])).toEqual([
      ['paragraph', 'One\nline.'],
      ['paragraph', 'Two .'],
    ]);
    expect(notes).toEqual([]);
  });

  it('source code as one block with its indentation, rows as rows', async () => {
    const { text, blocks } = await read('a.py', '\n    return 1\n\nx = 2\n');
    expect(blocks.map(({ kind, start, end }) => [kind, text.slice(start, end)])).toEqual([
      ['code', '    return 1\n\nx = 2'],
    ]);
    expect((await read('a.csv', 'a,b\n\n1,2\n')).blocks.map(({ kind }) => kind)).toEqual(['table-row', 'table-row']);
  });

  it('does not normalise: offsets point into what was written', async () => {
    expect((await read('a.txt', 'e\u0301 ﬁ')).text).toBe('e\u0301 ﬁ');
  });
});

describe('extract refuses', () => {
  it.each([
    ['notes.txt', '', 'notes.txt is empty.'],
    ['notes.txt', ' \n\t\u00a0\ufeff', 'notes.txt is empty.'],
    ['page.html', '<script>only()</script>', 'page.html is empty.'],
  ])('%s without text', async (name, content, message) => {
    expect(await failure(name, content)).toMatchObject({ code: 'file-empty', message, details: { name } });
  });

  it.each([
    ['table.xlsx', 'PK\x03\x04xl/workbook.xml', 'Excel'],
    ['slides', 'PK\x03\x04\x14\0[Content_Types].xmlPK\x03\x04ppt/presentation.xml', 'PowerPoint'],
    ['letter.odt', 'PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.text', 'OpenDocument'],
    ['letter.doc', Uint8Array.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]), 'older Word'],
    ['letter.rtf', '{\\rtf1 text}', 'RTF'],
  ])('%s, and says what to do', async (name, content, kind) => {
    const error = await failure(name, content);
    expect(error).toMatchObject({ code: 'file-unsupported', details: { name, kind } });
    expect(error.message).toBe(
      `${name} was not added: Lateral cannot read ${kind} files yet. Save it as text or a web page and add that.`,
    );
  });

  it.each([
    ['report.pdf', '%PDF-1.7\n1 0 obj'],
    ['letter.docx', 'PK\x03\x04word/document.xml'],
    ['letter', 'PK\x03\x04\x14\0[Content_Types].xmlPK\x03\x04word/document.xml'],
    ['book.epub', 'PK\x03\x04mimetypeapplication/epub+zip'],
  ])('%s that is broken', async (name, content) => {
    expect(await failure(name, content)).toMatchObject({
      code: 'file-damaged',
      message: `${name} is damaged and could not be read. Try exporting it again.`,
    });
  });

  it.each([
    ['data.bin', Uint8Array.from({ length: 64 }, (_, i) => i)],
    ['named.txt', new Uint8Array(1000)],
    ['photo.png', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])],
    ['photo.txt', Uint8Array.from([0xff, 0xd8, 0xff, 0xe0])],
    ['archive.zip', utf8('PK\x03\x04\x14\0notes.txt')],
    ['program.exe', utf8('MZ\x90\0\x03\0')],
  ])('%s', async (name, bytes) => {
    expect(await failure(name, bytes)).toMatchObject({
      code: 'file-binary',
      message: `${name} is not a kind of file Lateral can read.`,
    });
  });

  it('what is too large, with the limit', async () => {
    expect(await failure('a.txt', new Uint8Array(maxTextBytes + 1).fill(0x61))).toMatchObject({
      code: 'file-too-large',
      message: 'a.txt is larger than 64 MB. Split it and add the parts.',
      details: { limitBytes: maxTextBytes },
    });
  });
});

describe('extract never throws but in words', () => {
  const names = fc.constantFrom(
    'a.txt',
    'a.md',
    'a.html',
    'a.csv',
    'a.json',
    'a.py',
    'a',
    '__proto__',
    '<img onerror=x>.html',
  );
  const seeds = [
    '# A *b*\n\n- c\n  > d\n\n| a | b |\n|---|---|\n| 1 | `2` |\n\n```\nx\n```\n[l](u) <b>h</b>',
    '<!doctype html><title>t</title><body hidden><h1>A</h1><table><tr><td>b<ul><li>c</ul><pre> x</pre>&amp;&#x1F600;',
    '---\ntitle: x\n---\n',
    'Größe 図書館 مرحبا 👨‍👩‍👧\r\n\r\n',
  ];

  async function check(name: string, bytes: Uint8Array): Promise<void> {
    let extracted: ExtractedText;
    try {
      extracted = await extract({ name, bytes });
    } catch (error) {
      expect(error).toBeInstanceOf(LateralError);
      return;
    }
    const { text, blocks, sections } = extracted;
    for (const ranges of [blocks, sections]) {
      let at = 0;
      for (const { start, end } of ranges) {
        expect(start).toBeGreaterThanOrEqual(at);
        expect(end).toBeGreaterThan(start);
        at = end;
      }
      expect(at).toBeLessThanOrEqual(text.length);
    }
    // The blocks hold all words.
    const inBlocks = blocks.map(({ start, end }) => text.slice(start, end)).join('');
    expect(inBlocks.replace(/\s+/g, '')).toBe(text.replace(/\s+/g, ''));
    expect(text).not.toMatch(/\0|\r|\p{Cs}/u);
  }

  it('for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(names, fc.uint8Array({ maxLength: 300 }), (name, bytes) => check(name, bytes)),
      { numRuns: 500 },
    );
  });

  it('for documents with bytes changed, cut and doubled', async () => {
    const edit = fc.record({
      at: fc.nat(400),
      remove: fc.nat(5),
      insert: fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.constantFrom(...seeds).map(utf8)),
    });
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.constantFrom(...seeds),
        fc.array(edit, { maxLength: 6 }),
        async (name, seed, edits) => {
          let bytes = [...utf8(seed)];
          for (const { at, remove, insert } of edits)
            bytes = bytes.toSpliced(at % (bytes.length + 1), remove, ...insert);
          await check(name, Uint8Array.from(bytes));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('for any text', async () => {
    const markup = fc.constantFrom(
      '<',
      '>',
      '&',
      '*',
      '_',
      '`',
      '[',
      ']',
      '(',
      ')',
      '#',
      '-',
      '|',
      '\n',
      ' ',
      '!',
      '~',
      '<p>',
      '</p>',
      '<td>',
      '<pre>',
      '<li hidden>',
      'a',
      '1.',
      '\t',
      '\u0000',
      '\ufeff',
    );
    await fc.assert(
      fc.asyncProperty(names, fc.array(markup, { maxLength: 60 }), (name, parts) => check(name, utf8(parts.join('')))),
      { numRuns: 1000 },
    );
  });
});
