/** Where in the document the hits lie: longer and darker is stronger. One tab stop, arrows between bars. */
import { useRef } from 'react';
import type { KeyboardEvent } from 'react';
import type { Hit } from '../../index.ts';
import { capitalised } from '../format.ts';
import { hitKey, placeOf } from '../search/describe.ts';
import { words } from '../words.ts';
import { heatOf } from './blocks.ts';

export interface DocumentMapProps {
  readonly hits: readonly Hit[];
  /** Where each of them lies, as a share of the document's height, 0 to 1. */
  readonly positions: readonly number[];
  readonly current: number;
  /** The part in sight, as shares of the document's height. */
  readonly from: number;
  readonly to: number;
  readonly onJump: (hit: Hit) => void;
}

const most = 50;
const strengthWords = { 1: 'fainter', 2: 'close', 3: 'strong' } as const;

export function DocumentMap({ hits, positions, current, from, to, onJump }: DocumentMapProps) {
  const map = useRef<HTMLElement>(null);
  const shown = hits.slice(0, most);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const bars = [...(map.current?.querySelectorAll('button') ?? [])];
    bars[bars.findIndex((bar) => bar === document.activeElement) + step]?.focus();
  };
  return (
    <nav ref={map} className="map" aria-label={words.map} onKeyDown={onKeyDown}>
      <div
        className="map__sight"
        hidden={to - from > 0.98}
        style={{ insetBlockStart: `${from * 100}%`, blockSize: `${Math.max(2, (to - from) * 100)}%` }}
        aria-hidden
      />
      {shown.map((hit, index) => {
        const heat = heatOf(hit.relative);
        const chosen = index === Math.max(0, current);
        return (
          <button
            key={hitKey(hit)}
            type="button"
            className="map__bar"
            data-heat={heat}
            aria-label={`${capitalised(placeOf(hit))}, ${strengthWords[heat]}`}
            aria-current={index === current ? 'true' : undefined}
            tabIndex={chosen ? 0 : -1}
            style={{ insetBlockStart: `${(positions[index] ?? 0) * 100}%` }}
            onClick={() => onJump(hit)}
          />
        );
      })}
    </nav>
  );
}
