/** A document's text as structured blocks, with the found passage and the lit words. Text nodes only, never HTML. */
import { memo, useMemo } from 'react';
import type { ReactNode } from 'react';
import type { ExtractedText, LitRange, TextBlock } from '../../index.ts';
import { languageOf } from '../parts/script.ts';
import { Lit } from '../search/lit-word.tsx';
import { words } from '../words.ts';
import { cellsOf, coverage, groupsOf, overlaps, piecesOf } from './blocks.ts';
import type { Group, Range, Run } from './blocks.ts';

export interface DocumentBodyProps {
  readonly extracted: ExtractedText;
  readonly language: string;
  readonly lit: readonly LitRange[];
  readonly found: Range | null;
}

const noLit: readonly LitRange[] = [];

export const DocumentBody = memo(function DocumentBody({ extracted, language, lit, found }: DocumentBodyProps) {
  const groups = useMemo(() => groupsOf(extracted), [extracted]);
  return (
    <article
      className="paper reading"
      lang={languageOf(language, extracted.text)}
      dir="auto"
      data-plain={extracted.mediaType === 'text/plain' ? '' : undefined}
    >
      {groups.map((group) => {
        const inside = lit.filter((range) => overlaps(range, group));
        return (
          <GroupOfRuns
            key={group.start}
            text={extracted.text}
            mediaType={extracted.mediaType}
            group={group}
            lit={inside.length === 0 ? noLit : inside}
            found={found !== null && overlaps(found, group) ? found : null}
          />
        );
      })}
    </article>
  );
});

interface PartProps {
  readonly text: string;
  readonly mediaType: string;
  readonly lit: readonly LitRange[];
  readonly found: Range | null;
}

const GroupOfRuns = memo(function GroupOfRuns({ group, ...part }: PartProps & { readonly group: Group }) {
  return (
    <div className="paper__group" data-group-start={group.start} data-group-end={group.end}>
      {group.page === undefined ? null : <p className="paper__page">{words.page(group.page)}</p>}
      {group.runs.map((run, index) => (
        <OneRun key={index} run={run} {...part} />
      ))}
    </div>
  );
});

function OneRun({ run, ...part }: PartProps & { readonly run: Run }) {
  const first = run.blocks[0]!;
  switch (run.kind) {
    case 'heading':
      return <Heading block={first} {...part} />;
    case 'list-item':
      return (
        <ul className="paper__list">
          {run.blocks.map((block) => (
            <li key={block.start} dir="auto" data-level={Math.min(block.level, 4)} {...foundProps(block, part.found)}>
              <Pieces range={block} {...part} />
            </li>
          ))}
        </ul>
      );
    case 'table-row':
      return <Table blocks={run.blocks} {...part} />;
    case 'code':
      return (
        <pre className="paper__code" dir="ltr">
          {run.blocks.map((block) => (
            <code key={block.start} {...foundProps(block, part.found)}>
              <Pieces range={block} {...part} />
              {'\n'}
            </code>
          ))}
        </pre>
      );
    case 'quote':
      return (
        <blockquote className="paper__quote" dir="auto" {...foundProps(first, part.found)}>
          <Pieces range={first} {...part} />
        </blockquote>
      );
    case 'paragraph':
      return (
        <p dir="auto" {...foundProps(first, part.found)}>
          <Pieces range={first} {...part} />
        </p>
      );
  }
}

function Heading({ block, ...part }: PartProps & { readonly block: TextBlock }) {
  const Tag = headingTags[Math.max(0, Math.min(block.level - 1, 3))]!;
  return (
    <Tag className="paper__heading" data-level={block.level} dir="auto" {...foundProps(block, part.found)}>
      <Pieces range={block} {...part} />
    </Tag>
  );
}
/** The page's own headings end at 2. */
const headingTags = ['h3', 'h4', 'h5', 'h6'] as const;

function Table({ blocks, ...part }: PartProps & { readonly blocks: readonly TextBlock[] }) {
  return (
    <div className="paper__table">
      <table>
        <tbody>
          {blocks.map((block) => (
            <tr key={block.start} {...foundProps(block, part.found)}>
              {cellsOf(part.text, block, part.mediaType).map((cell) => (
                <td key={cell.start} dir="auto">
                  <Pieces range={cell} {...part} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Pieces({ text, range, lit, found }: PartProps & { readonly range: Range }): ReactNode {
  const whole = isWhole(range, found);
  return piecesOf(text, range, lit, whole ? null : found).map((piece) => {
    const content = <Lit key={piece.start} text={piece.text} strength={piece.strength} words={piece.words} />;
    if (!piece.found) return content;
    return (
      <span key={piece.start} className="found" data-found="">
        {content}
      </span>
    );
  });
}

const isWhole = (block: Range, found: Range | null): boolean => coverage(block, found) > 0.98;

function foundProps(block: Range, found: Range | null): { readonly 'data-found'?: string } {
  return isWhole(block, found) ? { 'data-found': 'block' } : {};
}
