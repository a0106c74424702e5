/** One passage: what it is from, where, how close, and the words that matched. */
import { Copy, TextSearch } from 'lucide-react';
import { memo, useId } from 'react';
import type { MouseEvent } from 'react';
import type { Hit, QueryWord, Segment } from '../../index.ts';
import { languageName } from '../format.ts';
import { Hint } from '../parts/Hint.tsx';
import { languageOf } from '../parts/script.ts';
import { words } from '../words.ts';
import { fitExcerpt, hitDescription, placeOf, splitHeading, withoutHeading } from './describe.ts';
import { Lit } from './lit-word.tsx';
import { ResultMenu } from './ResultMenu.tsx';
import { useCopy } from './use-copy.ts';
import { WhyPopover } from './WhyPopover.tsx';

export interface ResultCardProps {
  readonly hit: Hit;
  readonly position: number;
  readonly total: number;
  readonly more: number;
  /** Even the best of the list is not close: a bar that is relative to it would say otherwise. */
  readonly weak: boolean;
  readonly open: boolean;
  readonly queryWords: readonly QueryWord[];
  /** Width of the list, to cut the excerpt to its lines. */
  readonly width: number;
  readonly onOpen: (hit: Hit) => void;
  readonly onFocus: (hit: Hit) => void;
  readonly onLike: (hit: Hit) => void;
  readonly onOnly: (hit: Hit) => void;
}

const wideScripts = /^(ja|zh|ko)/;
/** Letters up to which a place ('page 214', 'passage 12') is never cut, however long the name beside it. */
const shortPlace = 16;

export const ResultCard = memo(function ResultCard(props: ResultCardProps) {
  const { hit, position, total, more, weak, open, queryWords, width, onOpen, onFocus, onLike, onOnly } = props;
  const copy = useCopy();
  const id = useId();
  const language = languageOf(hit.language, hit.excerpt.map((segment) => segment.text).join(''));
  const letterWidth = wideScripts.test(language ?? '') ? 16.5 : 8;
  const fitting = fitExcerpt(withoutHeading(hit.excerpt, hit.place), Math.floor(width / letterWidth) * 3);
  const { heading, rest } = splitHeading(fitting, hit.place);
  const place = placeOf(hit);

  const openUnlessSelecting = (event: MouseEvent): void => {
    if (!event.currentTarget.contains(event.target as Node)) return; // from a popover, which React nests here
    const selecting = document.getSelection()?.isCollapsed === false;
    if (!selecting && (event.target as Element).closest('button, a') === null) onOpen(hit);
  };

  return (
    <li
      className="result"
      data-result=""
      data-open={open ? '' : undefined}
      aria-setsize={total}
      aria-posinset={position}
      onClick={openUnlessSelecting}
    >
      <div className="result__head">
        <h3 className="result__title">
          <button
            type="button"
            className="result__open"
            data-result-title=""
            dir="auto"
            lang={language}
            title={hit.path === '' ? hit.documentName : `${hit.path}/${hit.documentName}`}
            aria-current={open ? 'true' : undefined}
            aria-describedby={id}
            onClick={() => onOpen(hit)}
            onFocus={() => onFocus(hit)}
          >
            {hit.documentName}
          </button>
        </h3>
        <span className="result__place" data-short={place.length <= shortPlace ? '' : undefined} dir="auto" aria-hidden>
          {place}
        </span>
        {weak ? null : (
          <span className="score" aria-hidden>
            <span className="score__fill" style={{ inlineSize: `${Math.max(4, hit.relative * 100)}%` }} />
          </span>
        )}
        <span id={id} hidden>
          {hitDescription(hit, weak)}
        </span>
      </div>
      <p className="result__excerpt reading" lang={language} dir="auto">
        {heading.length === 0 ? null : (
          <span className="result__heading">
            <Segments of={heading} />
          </span>
        )}
        <Segments of={rest} />
      </p>
      <div className="result__meta">
        {more > 0 ? <span className="result__more">{words.moreIn(more)}</span> : null}
        {hit.path === '' ? null : <bdi className="result__path">{hit.path}</bdi>}
        <span className="result__language">{languageName(hit.language)}</span>
        <span className="result__actions">
          <Hint text={words.copySource}>
            <button
              type="button"
              className="icon-button result__copy"
              aria-label={words.copy}
              data-control="copy"
              onClick={() => void copy(hit)}
            >
              <Copy className="icon" aria-hidden />
            </button>
          </Hint>
          <Hint text={words.moreLikeThis}>
            <button
              type="button"
              className="icon-button result__copy"
              aria-label={words.moreLikeThis}
              data-control="like"
              onClick={() => onLike(hit)}
            >
              <TextSearch className="icon" aria-hidden />
            </button>
          </Hint>
          <ResultMenu hit={hit} onLike={onLike} onOnly={onOnly} />
          <WhyPopover hit={hit} queryWords={queryWords} />
        </span>
      </div>
    </li>
  );
});

function Segments({ of }: { readonly of: readonly Segment[] }) {
  return of.map((segment, index) => (
    <Lit key={index} text={segment.text} strength={segment.strength} words={segment.words} />
  ));
}
