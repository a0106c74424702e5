/**
 * Word documents (DOCX) → HTML by mammoth, which keeps headings, lists and tables and drops the looks; then as a web page.
 * Only the parts with text are unpacked, and handed on without compression, because mammoth unpacks without limits.
 */
import mammoth from 'mammoth/mammoth.browser.min.js';
import { LateralError } from '../errors.ts';
import type { ExtractionResult } from './builder.ts';
import { extractHtml } from './html.ts';
import { damaged, unzip, zip } from './zip.ts';

/** Word calls a document's title a paragraph style of its own. */
const styles = ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => h2:fresh"];

/** @throws 'file-damaged', 'file-too-large' */
export async function extractDocx(name: string, bytes: Uint8Array): Promise<ExtractionResult> {
  const files = unzip(name, bytes, (path) => /\.(?:xml|rels)$/.test(path) && !path.startsWith('customXml/'));
  if (![...files.keys()].some((path) => /^word\/[^/]+\.xml$/.test(path))) throw damaged(name);
  const packed = zip(files).buffer;
  try {
    const { value } = await mammoth.convertToHtml(
      { arrayBuffer: packed },
      { styleMap: styles, convertImage: mammoth.images.imgElement(() => Promise.resolve({ src: '' })) },
    );
    const { title, ...result } = extractHtml(value);
    return { ...result, title: titleOf(files.get('docProps/core.xml')) ?? title };
  } catch (thrown) {
    throw thrown instanceof LateralError ? thrown : damaged(name, thrown);
  }
}

/** Of the properties; programs write nothing there unless a person did. */
function titleOf(core: Uint8Array | undefined): string | undefined {
  const xml = new TextDecoder().decode(core);
  const title = /<dc:title>([^<]{1,300})<\/dc:title>/.exec(xml)?.[1];
  return title === undefined ? undefined : extractHtml(title).text.trim() || undefined;
}
