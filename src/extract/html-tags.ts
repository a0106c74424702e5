/** XML as a stream of tags: enough for the small files that say how an e-book is put together. */
import { Parser } from 'htmlparser2';

/** A tag with its attributes and the text directly inside it. */
export interface Tag {
  /** Without its namespace's prefix. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

/** In the order in which they end. Deep nesting is cut off: no such file needs it. */
export function readTags(xml: string): Tag[] {
  const tags: Tag[] = [];
  const open: { name: string; attributes: Record<string, string>; parts: string[] }[] = [];
  const parser = new Parser(
    {
      onopentag: (name, attributes) => {
        if (open.length >= deepest) throw new Error('Nested too deeply.');
        open.push({ name: name.replace(/^.*:/, ''), attributes, parts: [] });
      },
      ontext: (text) => open.at(-1)?.parts.push(text),
      onclosetag: () => {
        const tag = open.pop();
        if (tag !== undefined)
          tags.push({ name: tag.name, attributes: tag.attributes, text: tag.parts.join('').trim() });
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.write(xml);
  parser.end();
  return tags;
}

const deepest = 64;
