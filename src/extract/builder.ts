/**
 * Puts an ExtractedText together, block by block: every format ends here, so that all of them keep the same promises
 * (blocks in order, sections from headings, no character that a text cannot hold).
 */
import type { ExtractedText, Section, TextBlock } from '../types.ts';

export interface ExtractionResult {
  readonly text: string;
  readonly blocks: readonly TextBlock[];
  readonly sections: readonly Section[];
  readonly title?: string | undefined;
  readonly language?: string | undefined;
  readonly notes?: readonly string[];
}

export class TextBuilder {
  private readonly parts: string[] = [];
  private readonly blocks: TextBlock[] = [];
  private length = 0;
  private firstHeading: string | undefined;

  /** Appends a block on lines of its own. A text of white space is ignored. */
  add(kind: TextBlock['kind'], level: number, raw: string): void {
    const text = cleanCharacters(kind === 'code' ? withoutEmptyEnds(raw) : raw.trim());
    if (text.trim() === '') return;
    if (this.length > 0) {
      const separator = isTight(kind) && this.blocks.at(-1)?.kind === kind ? '\n' : '\n\n';
      this.parts.push(separator);
      this.length += separator.length;
    }
    this.parts.push(text);
    this.blocks.push({ kind, level, start: this.length, end: this.length + text.length });
    this.length += text.length;
    if (kind === 'heading') this.firstHeading ??= text.replace(/\s+/g, ' ');
  }

  /** @param title where the format has one; else the first heading is */
  finish(title?: string, language?: string): ExtractionResult {
    const text = this.parts.join('');
    return {
      text,
      blocks: this.blocks,
      sections: sectionsFromHeadings(text, this.blocks),
      title: nonEmpty(title) ?? this.firstHeading,
      language: nonEmpty(language),
    };
  }
}

/** Adds what every format shares and leaves out what is not known. */
export function complete(result: ExtractionResult, mediaType: string, notes: readonly string[]): ExtractedText {
  return {
    text: result.text,
    sections: result.sections,
    blocks: result.blocks,
    ...(result.title === undefined ? {} : { title: result.title }),
    ...(result.language === undefined ? {} : { language: result.language }),
    mediaType,
    notes: [...notes, ...(result.notes ?? [])],
  };
}

/**
 * Characters that a text should not hold, replaced one for one so that offsets stay: NUL, which some databases cut a
 * string at, becomes a space; half a surrogate pair becomes U+FFFD.
 */
export function cleanCharacters(text: string): string {
  return text.replaceAll('\0', ' ').replace(loneSurrogate, '\ufffd');
}

const loneSurrogate = /\p{Cs}/gu;

/** Flat, as sections must not overlap: each reaches from its heading to the next heading of any level. */
function sectionsFromHeadings(text: string, blocks: readonly TextBlock[]): Section[] {
  const headings = blocks.filter(({ kind }) => kind === 'heading');
  return headings.map(({ level, start, end }, i) => ({
    kind: 'heading',
    label: text.slice(start, end).replace(/\s+/g, ' '),
    level: Math.min(6, Math.max(1, level)),
    start,
    end: headings[i + 1]?.start ?? text.length,
  }));
}

function isTight(kind: TextBlock['kind']): boolean {
  return kind === 'list-item' || kind === 'table-row';
}

/** Code keeps the indentation of its first line. */
function withoutEmptyEnds(code: string): string {
  const first = code.length - code.trimStart().length;
  return code.slice(code.lastIndexOf('\n', first) + 1).trimEnd();
}

function nonEmpty(text: string | undefined): string | undefined {
  const folded = text === undefined ? '' : cleanCharacters(text).replace(/\s+/g, ' ').trim();
  return folded === '' ? undefined : folded;
}
