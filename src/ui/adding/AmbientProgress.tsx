/** Where the reading is, in the sections that have no room for all of it: one line, and the way to the rest. */
import { Hint } from '../parts/Hint.tsx';
import { formatAddress } from '../state/address.ts';
import { useAddress } from '../state/use-address.ts';
import { progressLine, rereadingLine } from '../words.ts';
import { useAddingState, useRereading } from './AddingProvider.tsx';
import { shareOf } from './ProgressPanel.tsx';

/** @param slim the bar alone, with the words as its hint */
export function AmbientProgress({ slim }: { readonly slim: boolean }) {
  const state = useAddingState();
  const again = useRereading().progress;
  const { address } = useAddress();
  const reading = state.phase === 'running';
  if ((!reading && again === null) || address.section === 'search' || address.section === 'library') return null;
  const line = reading || again === null ? progressLine(state) : rereadingLine(again);
  const share = shareOf(reading || again === null ? state : again);
  return (
    <Hint text={line} disabled={!slim} side="right">
      <a
        className={slim ? 'ambient ambient--slim' : 'ambient'}
        href={formatAddress({ section: 'search', query: address.query })}
        aria-label={line}
      >
        {slim ? null : <span className="ambient__line tabular">{line}</span>}
        <span className="progress__track">
          <span className="progress__fill" style={{ inlineSize: `${share * 100}%` }} />
        </span>
      </a>
    </Hint>
  );
}
