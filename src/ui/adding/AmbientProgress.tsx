/** Where the reading is, and models on their way, in the sections that have no room for all of it: a line each, and the way to the rest. */
import { shareOfPreparing, shareOfSwitch } from '../models/describe.ts';
import { usePreparing, useSwitching } from '../models/ModelsProvider.tsx';
import { preparingBrief, switchingBrief } from '../models/words.ts';
import { Hint } from '../parts/Hint.tsx';
import { formatAddress } from '../state/address.ts';
import type { Section } from '../state/address.ts';
import { useAddress } from '../state/use-address.ts';
import { progressLine, rereadingLine } from '../words.ts';
import { useAddingState, useRereading } from './AddingProvider.tsx';
import { shareOf } from './ProgressPanel.tsx';

interface Line {
  readonly key: string;
  readonly text: string;
  readonly share: number;
  /** Where all of it stands. */
  readonly section: Section;
}

/** @param slim the bars alone, with the words as their hints */
export function AmbientProgress({ slim }: { readonly slim: boolean }) {
  const { address } = useAddress();
  const lines = [useReadingLine(), ...useModelLines()].filter((line) => line !== null);
  return lines
    .filter(({ section }) => section !== address.section && !(section === 'search' && address.section === 'library'))
    .map(({ key, text, share, section }) => (
      <Hint key={key} text={text} disabled={!slim} side="right">
        <a
          className={slim ? 'ambient ambient--slim' : 'ambient'}
          href={formatAddress({ section, query: address.query })}
          aria-label={text}
        >
          {slim ? null : <span className="ambient__line tabular">{text}</span>}
          <span className="progress__track">
            <span className="progress__fill" style={{ inlineSize: `${share * 100}%` }} />
          </span>
        </a>
      </Hint>
    ));
}

function useReadingLine(): Line | null {
  const state = useAddingState();
  const again = useRereading().progress;
  if (state.phase === 'running') {
    return { key: 'reading', text: progressLine(state), share: shareOf(state), section: 'search' };
  }
  if (again === null) return null;
  return { key: 'reading', text: rereadingLine(again), share: shareOf(again), section: 'search' };
}

function useModelLines(): readonly Line[] {
  const { preparations } = usePreparing();
  const { phase, to, progress } = useSwitching();
  const change: readonly Line[] =
    phase !== 'running' || to === null
      ? []
      : [
          {
            key: 'switching',
            text: switchingBrief(to.title, progress),
            share: shareOfSwitch(progress),
            section: 'models',
          },
        ];
  const coming = [...preparations.values()]
    .filter(({ problem }) => problem === null)
    .map((one): Line => ({
      key: one.model,
      text: preparingBrief(one.title, one.progress),
      share: shareOfPreparing(one.kind, one.progress),
      section: 'models',
    }));
  return [...change, ...coming];
}
