import { describe, expect, it } from 'vitest';
import { extractHtml } from './html.ts';

/** `kind[level]: text`, one for each block. */
function blocksOf(html: string): string[] {
  const { text, blocks } = extractHtml(html);
  return blocks.map(({ kind, level, start, end }) => `${kind}${level || ''}: ${text.slice(start, end)}`);
}

describe('extractHtml', () => {
  it('keeps what a reader sees, in its blocks', () => {
    const page = `<!doctype html><html lang="de-AT"><head><title> The
      page </title><style>p { color: red }</style></head><body>
      <h1>Trade &amp; harbours</h1>
      <p>One <b>bold</b>&nbsp;word,<br> a   line.
      <ul><li>first<ul><li>inner</ul><li>second</ul>
      <blockquote><p>Quoted.</blockquote>
      <table><tr><th>Port<th>Ships<tr><td><p>Riga</p></td><td> 12 </td></table>
      <pre>
  if (a &lt; b)
    go();
</pre></body></html>`;
    expect(blocksOf(page)).toEqual([
      'heading1: Trade & harbours',
      'paragraph: One bold\u00a0word,\na line.',
      'list-item1: first',
      'list-item2: inner',
      'list-item1: second',
      'quote1: Quoted.',
      'table-row: Port\tShips',
      'table-row: Riga\t12',
      'code:   if (a < b)\n    go();',
    ]);
    const { title, language, sections, text } = extractHtml(page);
    expect([title, language]).toEqual(['The page', 'de-AT']);
    expect(sections).toEqual([{ kind: 'heading', label: 'Trade & harbours', level: 1, start: 0, end: text.length }]);
  });

  it('drops scripts, styles, templates and what is hidden, however they nest', () => {
    const page =
      '<p>seen</p><script>alert("<p>no</p>")</script><style>no</style><noscript><p>no</p></noscript>' +
      '<template><div>no</div></template><div hidden>no <p>no</p></div><p style="color:red; display : none">no</p>' +
      '<p hidden>no<p>too<svg><title>no</title><style>no</style></svg><iframe>no</iframe><input hidden><!-- no -->end';
    expect(blocksOf(page)).toEqual(['paragraph: seen', 'paragraph: tooend']);
  });

  it('text stays text: what looks like a tag after decoding is not one', () => {
    expect(blocksOf('<p>&lt;img src=x onerror=alert(1)&gt; &#0;&#xD800;&bogus; &eacute;</p>')).toEqual([
      'paragraph: <img src=x onerror=alert(1)> \ufffd\ufffd&bogus; é',
    ]);
  });

  it('sections reach from heading to heading', () => {
    const { text, sections } = extractHtml('before<h2>A</h2>a<h3>B<br>b</h3>c');
    expect(sections.map(({ label, level, start, end }) => [label, level, text.slice(start, end)])).toEqual([
      ['A', 2, 'A\n\na\n\n'],
      ['B b', 3, 'B\nb\n\nc'],
    ]);
  });

  it('reads a page whose tags are not closed, and one that is cut off', () => {
    expect(blocksOf('<head><title>T</title><p>one<p>two <b>three')).toEqual(['paragraph: one', 'paragraph: two three']);
    expect(blocksOf('<p>one</p><p class="x')).toEqual(['paragraph: one']);
    expect(blocksOf('one</p>two</br>three</nonsense>')).toEqual(['paragraph: one', 'paragraph: two\nthree']);
  });

  it('a page laid out with a table is not one row', () => {
    const long = 'word '.repeat(200).trim();
    const kinds = extractHtml(`<table><tr><td><p>${long}</p><p>${long}</p></td></tr></table>`).blocks;
    expect(kinds).toHaveLength(2);
  });

  it('names from the page are only names', () => {
    expect(blocksOf('<x-__proto__ __proto__="x" constructor hidden=until-found>a</x-__proto__><p toString>b')).toEqual([
      'paragraph: a',
      'paragraph: b',
    ]);
  });

  it.each([
    ['blocks', '<div>'.repeat(100_000) + 'deep'],
    ['blocks, closed', '<div>'.repeat(100_000) + 'deep' + '</div>'.repeat(100_000)],
    ['inline, closed by others', '<i>'.repeat(200_000) + 'deep' + '</b>'.repeat(200_000)],
    ['lists', '<ul><li>'.repeat(50_000) + 'deep'],
    ['tables', '<table><tr><td>'.repeat(50_000) + 'deep'],
    ['svg', '<svg><foreignObject>'.repeat(50_000) + 'deep' + '</FOREIGNOBJECT>'.repeat(50_000)],
    ['attributes', `<p ${'a '.repeat(500_000)}>deep`],
    ['open angles', '<'.repeat(1_000_000) + ' deep'],
    ['comments', '<!--'.repeat(200_000) + '--> deep'],
    ['entities', '&amp;'.repeat(500_000) + ' deep'],
    ['white space', ' \n'.repeat(1_000_000) + 'deep'],
    ['kept white space', `<pre>a${' '.repeat(1_000_000)}b</pre>deep`],
  ])('takes seconds for 100,000 nested %s', (_, page) => {
    const started = performance.now();
    expect(extractHtml(page).text).toContain('deep');
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('reads on behind a depth that no page needs: the text counts, scripts still do not', () => {
    const page = '<font>'.repeat(600) + '<p>one<script>no</script><p>two</p><ul><li>three</ul><h1>four</h1>';
    expect(extractHtml('<div>'.repeat(600) + page).text.replace(/\s+/g, ' ')).toBe('one two three four');
    // Unclosed inline tags alone cost no structure.
    expect(blocksOf(page)).toEqual(['paragraph: one', 'paragraph: two', 'list-item1: three', 'heading1: four']);
  });
});
