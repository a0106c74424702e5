/**
 * HTML → what a reader sees: no scripts, no styles, nothing hidden, white space folded as a browser folds it. A stream
 * of tags is enough for that; no tree is built, nothing is run, nothing is fetched.
 */
import { Parser } from 'htmlparser2';
import type { TextBlock } from '../types.ts';
import { TextBuilder, type ExtractionResult } from './builder.ts';

export function extractHtml(html: string): ExtractionResult {
  const reader = new PageReader(new TextBuilder());
  readHtml(html, reader);
  return reader.builder.finish(reader.title, reader.language);
}

/** Appends the blocks of a piece of HTML inside another format. */
export function appendHtml(html: string, builder: TextBuilder): void {
  readHtml(html, new PageReader(builder));
}

// ─── what tags mean ─────────────────────────────────────────────────────────────────────────────────

/** Not shown, with all that is inside. Not head: where its end tag is missing, the page would be inside it. */
const dropped = new Set(
  'script style title template noscript iframe object embed canvas audio video datalist noframes noembed'.split(' '),
);
/** Begin and end a block of their own. */
const blocks = new Set(
  (
    'address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form ' +
    'h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p pre search section select ' +
    'summary table tbody textarea tfoot thead tr ul caption listing xmp plaintext title'
  ).split(' '),
);
/** Blocks that a short table row swallows: word processors put a paragraph into every cell. */
const softInRow = new Set(['p', 'div', 'center']);
const preformatted = new Set(['pre', 'textarea', 'listing', 'xmp', 'plaintext']);
/** Their content is raw text to the tokenizer, so that nothing can nest in them. */
const raw = new Set(['script', 'style', 'title', 'textarea', 'xmp', 'iframe', 'noembed', 'noframes', 'plaintext']);
const inlineNames = new Set(
  'a abbr acronym b bdi bdo big cite code em font i ins kbd label mark nobr q s samp small span strike strong sub sup tt u var'.split(
    ' ',
  ),
);

/** A row longer than this is a page laid out with a table, in UTF-16 units. */
const longRow = 400;
/** Browsers stop at 512, too. Old pages that never close <font> reach it. */
const deepest = 512;
const deepestInline = 128;

// ─── the parser, bounded ────────────────────────────────────────────────────────────────────────────

/**
 * htmlparser2 searches its stack for each closing tag, so that 100,000 open tags and as many closing ones that fit none
 * would take minutes. Below a depth that no page needs, tags are read as empty elements: their text still counts.
 */
class BoundedParser extends Parser {
  private readonly reader: PageReader;
  /** The decision for the tag being read; asked twice (before its attributes and after), it must not change between. */
  private latched: boolean | null = null;
  private decision = false;

  constructor(reader: PageReader) {
    super(
      {
        onopentagname: (name) => {
          // </br> and </p> open what they close; br asks only once.
          if (name !== 'br') this.latched = this.decision;
        },
        onopentag: (name, attributes) => reader.open(name, attributes),
        onclosetag: (name) => reader.close(name),
        ontext: (text) => reader.text(text),
      },
      { decodeEntities: true },
    );
    this.reader = reader;
  }

  protected override isVoidElement(name: string): boolean {
    if (this.latched !== null) {
      const decision = this.latched;
      this.latched = null;
      return decision;
    }
    const depth = this.reader.depth;
    this.decision =
      super.isVoidElement(name) ||
      (!raw.has(name) && (depth >= deepest || (depth >= deepestInline && inlineNames.has(name))));
    return this.decision;
  }
}

function readHtml(html: string, reader: PageReader): void {
  const parser = new BoundedParser(reader);
  parser.write(html);
  parser.end();
  reader.flush();
}

// ─── the page ───────────────────────────────────────────────────────────────────────────────────────

interface OpenElement {
  readonly name: string;
  readonly drops: boolean;
  readonly isForeign: boolean;
}

class PageReader {
  title: string | undefined;
  language: string | undefined;
  readonly builder: TextBuilder;
  private readonly stack: OpenElement[] = [];
  /** How many open elements drop their text. */
  private dropping = 0;
  /** How many open elements keep white space. */
  private keeping = 0;
  private titleParts: string[] | null = null;
  /** The open block's text. */
  private parts: string[] = [];
  private partsLength = 0;
  private endsWithSpace = true;
  /** Open elements by name, for those that give a block its kind. */
  private readonly openBlocks = new Map<string, number>();

  constructor(builder: TextBuilder) {
    this.builder = builder;
  }

  get depth(): number {
    return this.stack.length;
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    const isForeign = name === 'svg' || name === 'math' || this.stack.at(-1)?.isForeign === true;
    if (name === 'html' && this.language === undefined) this.language = attributes.lang ?? attributes['xml:lang'];
    if (name === 'title' && !isForeign && this.title === undefined && this.titleParts === null) this.titleParts = [];
    const drops = dropped.has(name) || isHidden(attributes);
    if (!drops && this.dropping === 0) this.boundary(name, true);
    this.stack.push({ name, drops, isForeign });
    if (drops) this.dropping++;
    else this.count(name, 1);
  }

  close(name: string): void {
    if (this.stack.at(-1)?.name !== name) return;
    const element = this.stack.pop()!;
    if (name === 'title' && this.titleParts !== null) {
      this.title = this.titleParts.join('');
      this.titleParts = null;
    }
    if (element.drops) {
      this.dropping--;
      return;
    }
    if (this.dropping === 0) this.boundary(name, false);
    this.count(name, -1);
  }

  text(text: string): void {
    if (this.titleParts !== null) this.titleParts.push(text);
    if (this.dropping > 0) return;
    if (this.keeping > 0) this.push(text);
    else {
      let folded = text.replace(/[ \t\n\f\r]+/g, ' ');
      if (this.endsWithSpace && folded.startsWith(' ')) folded = folded.slice(1);
      this.push(folded);
    }
  }

  /** Ends the open block. */
  flush(): void {
    if (this.partsLength > 0) {
      const { kind, level } = this.kindOfBlock();
      const text = this.parts.join('');
      this.builder.add(kind, level, kind === 'code' ? text : text.replace(/ ?([\t\n]) ?/g, '$1'));
    }
    this.parts = [];
    this.partsLength = 0;
    this.endsWithSpace = true;
  }

  private push(text: string): void {
    if (text === '') return;
    this.parts.push(text);
    this.partsLength += text.length;
    this.endsWithSpace = /[ \t\n]$/.test(text);
  }

  /** What a tag does to the text around it. */
  private boundary(name: string, opens: boolean): void {
    if (name === 'br' && opens) this.push('\n');
    else if (name === 'td' || name === 'th') {
      // As innerText has it: a tab between cells.
      if (opens && this.partsLength > 0) this.push('\t');
    } else if (blocks.has(name)) {
      if (softInRow.has(name) && this.within('tr') && this.partsLength < longRow) {
        if (!this.endsWithSpace) this.push(' ');
      } else this.flush();
    }
  }

  private kindOfBlock(): { kind: TextBlock['kind']; level: number } {
    if (this.keeping > 0) return { kind: 'code', level: 0 };
    for (let level = 1; level <= 6; level++) if (this.within(`h${level}`)) return { kind: 'heading', level };
    if (this.within('tr')) return { kind: 'table-row', level: 0 };
    if (this.within('li')) return { kind: 'list-item', level: Math.max(1, this.openBlocks.get('li') ?? 0) };
    if (this.within('blockquote')) return { kind: 'quote', level: this.openBlocks.get('blockquote') ?? 1 };
    return { kind: 'paragraph', level: 0 };
  }

  private within(name: string): boolean {
    return (this.openBlocks.get(name) ?? 0) > 0;
  }

  private count(name: string, by: 1 | -1): void {
    if (preformatted.has(name)) this.keeping += by;
    if (blocks.has(name)) this.openBlocks.set(name, (this.openBlocks.get(name) ?? 0) + by);
  }
}

function isHidden(attributes: Readonly<Record<string, string>>): boolean {
  if (Object.hasOwn(attributes, 'hidden')) return attributes.hidden !== 'until-found';
  const style = attributes.style;
  return style !== undefined && /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i.test(style);
}
