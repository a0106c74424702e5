/** E-books (EPUB): the chapters in the order in which the book's package file lists them, each read as a web page. */
import { LateralError } from '../errors.ts';
import { TextBuilder, type ExtractionResult } from './builder.ts';
import { decodeText } from './decode.ts';
import { readTags, type Tag } from './html-tags.ts';
import { appendHtml } from './html.ts';
import { damaged, unzip, type Files } from './zip.ts';

/** @throws 'file-damaged', 'file-too-large', 'file-locked' */
export function extractEpub(name: string, bytes: Uint8Array): ExtractionResult {
  const files = unzip(name, bytes, (path) => textEndings.test(path));
  try {
    const packagePath = packagePathOf(files);
    const tags = readTags(textOf(files, packagePath));
    const chapters = chaptersOf(tags, packagePath);
    if (chapters.length === 0) throw damaged(name);
    refuseLocked(name, files, chapters);
    const builder = new TextBuilder();
    let found = 0;
    for (const chapter of chapters) {
      const content = files.get(chapter);
      if (content === undefined) continue;
      found++;
      appendHtml(withEndTags(decodeText(name, content, true).text), builder);
    }
    if (found === 0) throw damaged(name);
    const missing = chapters.length - found;
    const notes = missing === 0 ? [] : [`${missing} of ${chapters.length} chapters are missing in the file.`];
    return { ...builder.finish(firstText(tags, 'title'), firstText(tags, 'language')), notes };
  } catch (thrown) {
    throw thrown instanceof LateralError && thrown.code !== 'file-binary' ? thrown : damaged(name, thrown);
  }
}

const textEndings = /(?:\.(?:opf|xml|xhtml|html?|xht)|^META-INF\/[^/]+)$/i;

function packagePathOf(files: Files): string {
  const rootFile = readTags(textOf(files, 'META-INF/container.xml')).find(({ name }) => name === 'rootfile');
  const path = rootFile?.attributes['full-path'];
  if (path === undefined) throw new Error('The container names no package file.');
  return path;
}

/** Paths of the chapters, in reading order; the table of contents is none. */
function chaptersOf(tags: readonly Tag[], packagePath: string): string[] {
  const items = new Map<string, Tag>();
  for (const tag of tags) if (tag.name === 'item' && tag.attributes.id !== undefined) items.set(tag.attributes.id, tag);
  return tags.flatMap(({ name, attributes }) => {
    const item = name === 'itemref' ? items.get(attributes.idref ?? '') : undefined;
    const href = item?.attributes.href;
    const isContents = /\bnav\b/.test(item?.attributes.properties ?? '');
    return href === undefined || isContents ? [] : [resolve(packagePath, href)];
  });
}

/** A path inside the archive, from the file that names it. */
function resolve(from: string, href: string): string {
  const base = 'archive:///';
  return decodeURIComponent(new URL(href, base + from).pathname).replace(/^\/+/, '');
}

/** Encrypted fonts do not matter; encrypted chapters cannot be read. */
function refuseLocked(name: string, files: Files, chapters: readonly string[]): void {
  if (!files.has('META-INF/encryption.xml')) return;
  const encrypted = new Set(
    readTags(textOf(files, 'META-INF/encryption.xml'))
      .filter((tag) => tag.name === 'CipherReference')
      .map(({ attributes }) => decodeURIComponent(attributes.URI ?? '')),
  );
  if (!chapters.some((chapter) => encrypted.has(chapter))) return;
  throw new LateralError('file-locked', `${name} is locked by its seller. Lateral can read only copies that are not.`, {
    details: { name },
  });
}

function textOf(files: Files, path: string): string {
  const content = files.get(path);
  if (content === undefined) throw new Error(`${path} is missing.`);
  return decodeText(path, content, true).text;
}

function firstText(tags: readonly Tag[], name: string): string | undefined {
  return tags.find((tag) => tag.name === name && tag.text !== '')?.text;
}

/** In XHTML an element may end in its own tag, which a web page reads as left open. */
function withEndTags(xhtml: string): string {
  return xhtml.replace(
    /<(title|script|style|textarea|iframe|p|div|span|a|i|b|em|td|th|li)(\s[^<>]*)?\/>/gi,
    '<$1$2></$1>',
  );
}
