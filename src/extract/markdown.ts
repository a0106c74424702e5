/**
 * Markdown (CommonMark with GitHub's tables, task lists and strike-through) → its text without the markup. Links keep
 * their words, pictures their description, pieces of HTML are read as HTML. The tree is walked without recursion, and
 * what would take the parser minutes (thousands of open stars, brackets in brackets) is read as plain text.
 */
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import type { TextBlock } from '../types.ts';
import { TextBuilder, type ExtractionResult } from './builder.ts';
import { appendHtml } from './html.ts';
import { extractPlain } from './plain.ts';

type Root = ReturnType<typeof fromMarkdown>;
type Nodes = Root['children'][number];

/** Larger files are read as plain text: the parser does about 200 kB a second. */
export const maxMarkdownCharacters = 8 * 1024 * 1024;
/** Parsed at a time, in UTF-16 units; the parser's memory is about a hundred times that. */
const partCharacters = 256 * 1024;
/** Steps of the parser's quadratic parts; about two seconds in all. */
const stepBudget = 5e7;
const cheapSteps = 1e5;

export function extractMarkdown(source: string): ExtractionResult {
  const { body, title, language } = withoutFrontMatter(source);
  if (body.length > maxMarkdownCharacters) {
    return { ...extractPlain(body, 'prose'), title, language, notes: ['Too long for Markdown; read as plain text.'] };
  }
  const builder = new TextBuilder();
  let steps = 0;
  let isPlain = false;
  for (const part of parts(body)) {
    const cost = estimateSteps(part);
    if (steps + cost <= stepBudget || cost <= cheapSteps) {
      steps += cost;
      if (appendMarkdown(part, builder)) continue;
    }
    isPlain = true;
    appendPlain(part, builder);
  }
  const result = builder.finish(title, language);
  return isPlain
    ? { ...result, notes: ['Some of its marks nest too deeply; that part was read as plain text.'] }
    : result;
}

// ─── parts ──────────────────────────────────────────────────────────────────────────────────────────

/** YAML (---) or TOML (+++) at the very beginning: its title and language are kept, the rest is not text. */
function withoutFrontMatter(source: string): {
  body: string;
  title?: string | undefined;
  language?: string | undefined;
} {
  const fence = source.startsWith('---\n') ? '---' : source.startsWith('+++\n') ? '+++' : '';
  if (fence === '') return { body: source };
  const end = source.indexOf(`\n${fence}`, 3);
  const afterFence = source.indexOf('\n', end + 1);
  const closing = source.slice(end + 1, afterFence === -1 ? source.length : afterFence).trimEnd();
  if (end === -1 || closing !== fence) return { body: source };
  const matter = source.slice(4, end + 1);
  // "---" may also be a line across the page: then what follows is no list of keys.
  if (!/^\s*(?:#|[\w"'-]+\s*[:=])/.test(matter)) return { body: source };
  return {
    body: afterFence === -1 ? '' : source.slice(afterFence + 1),
    title: valueOf('title', matter),
    language: valueOf('lang', matter) ?? valueOf('language', matter),
  };
}

function valueOf(key: string, matter: string): string | undefined {
  const found = new RegExp(`^${key}[ \\t]*[:=][ \\t]*(.*)$`, 'm').exec(matter)?.[1]?.trim();
  if (found === undefined || /^[|>&*![{]/.test(found)) return undefined;
  return found.replace(/^(["'])(.*)\1$/, '$2');
}

/** Long documents in parts, cut at an empty line before a line that begins something new, never inside a code fence. */
function* parts(body: string): Generator<string> {
  let from = 0;
  let fence = '';
  let afterEmpty = false;
  for (let at = 0; at < body.length && body.length - from > partCharacters;) {
    const newline = body.indexOf('\n', at);
    const next = newline === -1 ? body.length : newline + 1;
    const line = body.slice(at, Math.min(next, at + 200));
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? '';
    if (mark !== '') {
      if (fence === '') fence = mark;
      else if (mark.startsWith(fence)) fence = '';
    }
    if (at - from >= partCharacters && afterEmpty && fence === '' && /^[\p{L}\p{N}#]/u.test(line)) {
      yield body.slice(from, at);
      from = at;
    }
    afterEmpty = line.trim() === '';
    at = next;
  }
  yield body.slice(from);
}

/**
 * What the parser's quadratic parts will cost, in steps: each emphasis mark is compared with those before it in its
 * paragraph, each backtick fence is searched to the paragraph's end, each line walks the lists and quotes it is in.
 */
function estimateSteps(part: string): number {
  let steps = 0;
  let marks = 0;
  let fences = new Set<number>();
  let characters = 0;
  const endParagraph = () => {
    steps += marks * marks + Math.max(0, fences.size - 3) * characters;
    marks = 0;
    fences = new Set();
    characters = 0;
  };
  for (let at = 0; at < part.length;) {
    const newline = part.indexOf('\n', at);
    const next = newline === -1 ? part.length : newline + 1;
    const prefix = prefixLength(part, at, next);
    if (prefix > 8) steps += prefix * prefix;
    if (prefix === next - at || part.charCodeAt(at) === 0x7c) endParagraph(); // an empty line, or a table's row
    for (let i = at + prefix; i < next; i++) {
      const unit = part.charCodeAt(i);
      if (unit === 0x2a || unit === 0x5f || unit === 0x7e || unit === 0x5b) marks++;
      else if (unit === 0x60) {
        const start = i;
        while (part.charCodeAt(i + 1) === 0x60) i++;
        fences.add(i - start);
      }
    }
    characters += next - at;
    at = next;
  }
  endParagraph();
  return steps;
}

/** Spaces and the marks of quotes and lists at a line's beginning. */
function prefixLength(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && ' \t\n>-+*'.includes(text.charAt(at))) at++;
  return at - start;
}

function appendPlain(part: string, builder: TextBuilder): void {
  const { text, blocks } = extractPlain(part, 'prose');
  for (const { start, end } of blocks) builder.add('paragraph', 0, text.slice(start, end));
}

// ─── the tree ───────────────────────────────────────────────────────────────────────────────────────

/** @returns false where the parser gave up (its stack); nothing was appended then */
function appendMarkdown(part: string, builder: TextBuilder): boolean {
  let children: readonly Nodes[];
  try {
    children = fromMarkdown(part, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }).children;
  } catch {
    return false;
  }
  const open: { node: Nodes; lists: number; quotes: number }[] = [];
  const pushAll = (nodes: readonly Nodes[], lists: number, quotes: number) => {
    for (let i = nodes.length - 1; i >= 0; i--) open.push({ node: nodes[i]!, lists, quotes });
  };
  pushAll(children, 0, 0);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, lists, quotes } = next;
    switch (node.type) {
      case 'heading':
        builder.add('heading', node.depth, inlineText(node));
        break;
      case 'paragraph': {
        const [kind, level] = kindOf(lists, quotes);
        builder.add(kind, level, inlineText(node));
        break;
      }
      case 'code':
        builder.add('code', 0, node.value);
        break;
      case 'html':
        appendHtml(node.value, builder);
        break;
      case 'tableRow':
        builder.add('table-row', 0, node.children.map(inlineText).join('\t'));
        break;
      case 'listItem':
        pushAll(node.children, lists + 1, quotes);
        break;
      case 'blockquote':
        pushAll(node.children, lists, quotes + 1);
        break;
      default:
        if ('children' in node) pushAll(node.children, lists, quotes);
    }
  }
  return true;
}

function kindOf(lists: number, quotes: number): [TextBlock['kind'], number] {
  if (lists > 0) return ['list-item', lists];
  return quotes > 0 ? ['quote', quotes] : ['paragraph', 0];
}

/** Words of a paragraph, without recursion: a paragraph may nest as deep as it is long. */
function inlineText(root: Nodes): string {
  const parts: string[] = [];
  const open: Nodes[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.type === 'text' || node.type === 'inlineCode') parts.push(node.value);
    else if (node.type === 'break') parts.push('\n');
    else if (node.type === 'image' || node.type === 'imageReference') parts.push(node.alt ?? '');
    else if (node.type === 'html') parts.push(/^<(?:br|wbr)\b/i.test(node.value) ? '\n' : '');
    else if ('children' in node) {
      for (let i = node.children.length - 1; i >= 0; i--) open.push(node.children[i]!);
    }
  }
  return parts.join('');
}
