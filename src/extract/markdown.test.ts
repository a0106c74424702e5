import { describe, expect, it } from 'vitest';
import { extractMarkdown } from './markdown.ts';

/** `kind[level]: text`, one for each block. */
function blocksOf(source: string): string[] {
  const { text, blocks } = extractMarkdown(source);
  return blocks.map(({ kind, level, start, end }) => `${kind}${level || ''}: ${text.slice(start, end)}`);
}

describe('extractMarkdown', () => {
  it('keeps the words without the marks', () => {
    const source = `# Late *interaction*

One **bold** [link](http://example.com "t"), \`code\`, ~~gone~~ and ![a picture](x.png).
Second line  
after a break &amp; more.

- first
  - inner
- [x] done

> Quoted.

| Port | Ships |
|------|------:|
| Riga | **12** |

\`\`\`js
if (a < b) {
  go();
}
\`\`\`

<div>Some <b>HTML</b><script>no</script></div>

Note[^1].

[^1]: The note.

[ref]: http://example.com
`;
    expect(blocksOf(source)).toEqual([
      'heading1: Late interaction',
      'paragraph: One bold link, code, gone and a picture.\nSecond line\nafter a break & more.',
      'list-item1: first',
      'list-item2: inner',
      'list-item1: done',
      'quote1: Quoted.',
      'table-row: Port\tShips',
      'table-row: Riga\t12',
      'code: if (a < b) {\n  go();\n}',
      'paragraph: Some HTML',
      'paragraph: Note.',
      'paragraph: The note.',
    ]);
  });

  it('makes sections of headings, the title of the first', () => {
    const { text, sections, title } = extractMarkdown('A\n=\n\none\n\n## B\n\ntwo');
    expect(title).toBe('A');
    expect(sections.map(({ label, level, start, end }) => [label, level, text.slice(start, end)])).toEqual([
      ['A', 1, 'A\n\none\n\n'],
      ['B', 2, 'B\n\ntwo'],
    ]);
  });

  it('takes title and language from the front matter, nothing else', () => {
    const { text, title, language } = extractMarkdown(
      '---\ntitle: "Trade: a history"\nlang: de\ntags: [a]\n---\n# Heading\n',
    );
    expect([text, title, language]).toEqual(['Heading', 'Trade: a history', 'de']);
    expect(extractMarkdown('+++\ntitle = "T"\n+++\nx').title).toBe('T');
  });

  it('a line across the page is no front matter', () => {
    expect(extractMarkdown('---\n\nWords between lines.\n\n---\n').text).toBe('Words between lines.');
    expect(extractMarkdown('---\nnever closed').text).toBe('never closed');
  });

  it('markup stays text', () => {
    expect(extractMarkdown('a \\<img onerror=x> `<script>`\n\n<!-- no -->').text).toBe('a <img onerror=x> <script>');
  });

  it('reads a long document in parts, code fences whole', () => {
    const source = `${'Words of a paragraph.\n\n'.repeat(15_000)}\`\`\`\n${'line\n\n'.repeat(5_000)}\`\`\`\n\nend`;
    const { blocks, notes } = extractMarkdown(source);
    expect(blocks).toHaveLength(15_002);
    expect(blocks.filter(({ kind }) => kind === 'code')).toHaveLength(1);
    expect(notes).toBeUndefined();
  });

  it.each([
    ['quotes', '>'.repeat(10_000) + ' deep'],
    ['quotes, line by line', Array.from({ length: 2000 }, (_, i) => `${'>'.repeat(i)} deep`).join('\n')],
    ['lists', Array.from({ length: 1500 }, (_, i) => `${' '.repeat(i * 2)}- deep`).join('\n')],
    ['list marks in one line', '- '.repeat(10_000) + 'deep'],
    ['brackets', '['.repeat(50_000) + 'deep' + ']'.repeat(50_000)],
    ['pictures', '![a]('.repeat(20_000) + 'deep'],
    ['stars', '*a_ '.repeat(20_000) + 'deep'],
    ['pairs of stars', '**a '.repeat(20_000) + 'deep'],
    ['many paragraphs of stars', ('*a_ '.repeat(1000) + 'deep\n\n').repeat(100)],
    ['fences of all lengths', Array.from({ length: 1000 }, (_, i) => '`'.repeat(i)).join(' ') + ' deep'],
    ['tags', '<a '.repeat(50_000) + 'deep'],
    ['tables', `${'|'.repeat(20_000)}\n${'|-'.repeat(20_000)}\n${'|deep'.repeat(20_000)}`],
    ['references', '[a]: b\n'.repeat(20_000) + '\ndeep'],
    ['addresses', 'http://a.b/('.repeat(10_000) + ' deep'],
  ])('takes seconds for thousands of %s', (_, source) => {
    const started = performance.now();
    expect(extractMarkdown(source).text).toContain('deep');
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
