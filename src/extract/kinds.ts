/**
 * What kind of file this is: by its media type where that says something, by its name's ending, by its first bytes.
 * Kinds that cannot be read yet are known by name, so that a person is told what to do instead.
 */

export type TextKind = 'html' | 'markdown' | 'prose' | 'rows' | 'lines' | 'code';

export interface KnownKind {
  readonly kind: TextKind;
  readonly mediaType: string;
}

/** Formats with parsers of their own; the rest as in `Lateral cannot read … files yet.` */
export type ForeignKind =
  'PDF' | 'Word' | 'EPUB' | 'older Word' | 'Excel' | 'PowerPoint' | 'OpenDocument' | 'RTF' | 'other';

const html: KnownKind = { kind: 'html', mediaType: 'text/html' };
const markdown: KnownKind = { kind: 'markdown', mediaType: 'text/markdown' };
const plain: KnownKind = { kind: 'prose', mediaType: 'text/plain' };
const source: KnownKind = { kind: 'code', mediaType: 'text/x-source' };
const json: KnownKind = { kind: 'code', mediaType: 'application/json' };
const jsonLines: KnownKind = { kind: 'lines', mediaType: 'application/jsonl' };

const byMediaType = new Map<string, KnownKind>([
  ['text/html', html],
  ['application/xhtml+xml', { kind: 'html', mediaType: 'application/xhtml+xml' }],
  ['text/markdown', markdown],
  ['text/x-markdown', markdown],
  ['text/csv', { kind: 'rows', mediaType: 'text/csv' }],
  ['text/tab-separated-values', { kind: 'rows', mediaType: 'text/tab-separated-values' }],
  ['application/json', json],
  ['application/ld+json', json],
  ['application/jsonl', jsonLines],
  ['application/x-ndjson', jsonLines],
]);

const sourceEndings = (
  'js mjs cjs jsx ts tsx mts cts py pyi rb php java kt kts scala groovy c h cc cpp cxx hpp hh hxx cs go rs swift m mm ' +
  'r jl lua pl pm sh bash zsh fish ps1 bat cmd sql css scss sass less vue svelte dart ex exs erl hs ml mli fs fsx clj ' +
  'cljs lisp el scm vb pas f f90 asm s zig nim d cr sol tf hcl proto graphql gql wgsl glsl xml svg xsl yaml yml toml ' +
  'ini cfg conf properties env cmake gradle makefile mk dockerfile diff patch tex bib ipynb json5 jsonc'
).split(' ');

const byEnding = new Map<string, KnownKind>([
  ...sourceEndings.map((ending): [string, KnownKind] => [ending, source]),
  ...['html', 'htm', 'xhtml', 'xht'].map((ending): [string, KnownKind] => [ending, html]),
  ...['md', 'markdown', 'mdown', 'mkd', 'mkdn', 'mdx', 'qmd', 'rmd'].map((ending): [string, KnownKind] => [
    ending,
    markdown,
  ]),
  ...['txt', 'text', 'log', 'rst', 'adoc', 'asciidoc', 'org', 'srt', 'vtt', 'eml'].map(
    (ending): [string, KnownKind] => [ending, plain],
  ),
  ['csv', { kind: 'rows', mediaType: 'text/csv' }],
  ['tsv', { kind: 'rows', mediaType: 'text/tab-separated-values' }],
  ['json', json],
  ['jsonl', jsonLines],
  ['ndjson', jsonLines],
]);

/** @param text the decoded text, looked at only where neither type nor name says anything */
export function kindOfText(name: string, mediaType: string | undefined, text: string): KnownKind {
  return kindByName(name, mediaType) ?? (looksLikeHtml(text) ? html : plain);
}

/** `text/plain` and the like say nothing: servers and browsers give it to whatever they do not know. */
export function kindByName(name: string, mediaType: string | undefined): KnownKind | undefined {
  const type = mediaType?.split(';')[0]?.trim().toLowerCase() ?? '';
  return byMediaType.get(type) ?? byEnding.get(endingOf(name));
}

export function looksLikeHtml(text: string): boolean {
  return /^\s{0,100}(?:<!--[^]{0,2000}?-->\s{0,100})?<(?:!doctype\s+html|html|head|body)\b/i.test(text.slice(0, 4096));
}

/** After the last dot, lower case; the whole name where there is none (Makefile). */
function endingOf(name: string): string {
  const file = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  return file.slice(file.lastIndexOf('.') + 1).toLowerCase();
}

// ─── kinds that are not text ────────────────────────────────────────────────────────────────────────

const officeEndings = new Map<string, ForeignKind>([
  ['docx', 'Word'],
  ['docm', 'Word'],
  ['dotx', 'Word'],
  ['doc', 'older Word'],
  ['xlsx', 'Excel'],
  ['xlsm', 'Excel'],
  ['xls', 'Excel'],
  ['pptx', 'PowerPoint'],
  ['ppt', 'PowerPoint'],
  ['odt', 'OpenDocument'],
  ['ods', 'OpenDocument'],
  ['odp', 'OpenDocument'],
  ['epub', 'EPUB'],
]);

/** Beginnings of files that are not text though they may have few control characters. */
const signatures: readonly (readonly [ForeignKind, string, number?])[] = [
  ['RTF', '{\\rtf'],
  ['other', '\x89PNG'],
  ['other', '\xff\xd8\xff'],
  ['other', 'GIF87a'],
  ['other', 'GIF89a'],
  ['other', 'WEBP', 8],
  ['other', 'WAVE', 8],
  ['other', 'AVI ', 8],
  ['other', 'ftyp', 4],
  ['other', 'II*\0'],
  ['other', 'MM\0*'],
  ['other', '\0\0\x01\0'],
  ['other', '\x7fELF'],
  ['other', '\0asm'],
  ['other', '\xca\xfe\xba\xbe'],
  ['other', '\xcf\xfa\xed\xfe'],
  ['other', '\xce\xfa\xed\xfe'],
  ['other', '\x1f\x8b'],
  ['other', '7z\xbc\xaf'],
  ['other', 'Rar!\x1a'],
  ['other', '\xfd7zXZ'],
  ['other', '\x28\xb5\x2f\xfd'],
  ['other', 'SQLite format 3\0'],
  ['other', 'OggS\0'],
  ['other', 'fLaC\0'],
  ['other', 'ID3\x02'],
  ['other', 'ID3\x03'],
  ['other', 'ID3\x04'],
  ['other', 'wOFF'],
  ['other', 'wOF2'],
  ['other', '\0\x01\0\0'],
  ['other', 'PAR1'],
];

/** A format that is not text, by its first bytes; undefined for what may be text. */
export function foreignKind(name: string, bytes: Uint8Array): ForeignKind | undefined {
  const head = latin1(bytes, 0, 1024);
  if (head.startsWith('%PDF-') || /[\0-\x20]%PDF-\d/.test(head)) return 'PDF';
  if (/^PK(?:\x03\x04|\x05\x06|\x07\x08)/.test(head)) {
    const named = officeEndings.get(endingOf(name));
    return named === undefined || named === 'older Word' ? kindOfZip(bytes) : named;
  }
  // Also what Office encrypts with a password.
  if (head.startsWith('\xd0\xcf\x11\xe0')) return olderKind(officeEndings.get(endingOf(name)) ?? 'other');
  if (/^MZ[^]{0,200}\0/.test(head)) return 'other';
  return signatures.find(([, mark, at = 0]) => head.startsWith(mark, at))?.[0];
}

function olderKind(kind: ForeignKind): ForeignKind {
  return kind === 'Word' ? 'older Word' : kind;
}

/** By the names of its first entries, which are not compressed. */
function kindOfZip(bytes: Uint8Array): ForeignKind {
  const start = latin1(bytes, 0, 8192);
  if (start.includes('application/epub+zip')) return 'EPUB';
  if (start.includes('application/vnd.oasis.opendocument')) return 'OpenDocument';
  if (start.includes('word/')) return 'Word';
  if (start.includes('xl/')) return 'Excel';
  return start.includes('ppt/') ? 'PowerPoint' : 'other';
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}
