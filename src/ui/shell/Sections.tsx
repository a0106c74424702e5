/** The way between sections: a sidebar, a rail of icons, or a bar at the bottom with the rest behind "More". */
import { Ellipsis, FlaskConical, HardDrive, Hexagon, LibraryBig, Search, SlidersHorizontal, Timer } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { AddButtons } from '../adding/AddButtons.tsx';
import { useAddingPhase } from '../adding/AddingProvider.tsx';
import { AmbientProgress } from '../adding/AmbientProgress.tsx';
import { OfflineLine } from '../offline/OfflineLine.tsx';
import { Hint } from '../parts/Hint.tsx';
import { StorageMeter } from '../parts/StorageMeter.tsx';
import { formatAddress } from '../state/address.ts';
import type { Section } from '../state/address.ts';
import { useDocuments } from '../state/index-context.tsx';
import { useAddress } from '../state/use-address.ts';
import { narrow, rail as railQuery, useMedia } from '../state/use-media.ts';
import { words } from '../words.ts';
import { DeviceBadge } from './DeviceBadge.tsx';
import { Mark } from './Mark.tsx';

const icons = {
  search: Search,
  library: LibraryBig,
  models: Hexagon,
  evaluate: FlaskConical,
  benchmark: Timer,
  settings: SlidersHorizontal,
} as const;
const first: readonly Section[] = ['search', 'library', 'models'];
const rest: readonly Section[] = ['evaluate', 'benchmark', 'settings'];

export function Sections() {
  const { address } = useAddress();
  const phone = useMedia(narrow);
  const rail = useMedia(railQuery);
  const [more, setMore] = useState(false);
  const nav = useRef<HTMLElement>(null);
  const withDocuments = useHasDocuments();

  useEffect(() => {
    if (!more) return;
    const closeOutside = (event: Event): void => {
      if (!nav.current?.contains(event.target as Node)) setMore(false);
    };
    const closeOnEscape = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') setMore(false);
    };
    document.addEventListener('pointerdown', closeOutside);
    document.addEventListener('keydown', closeOnEscape);
    return () => {
      document.removeEventListener('pointerdown', closeOutside);
      document.removeEventListener('keydown', closeOnEscape);
    };
  }, [more]);

  const link = (section: Section) => {
    const Icon = icons[section];
    const current = address.section === section;
    return (
      <li key={section}>
        <Hint text={words.sections[section]} disabled={!rail} side="right">
          <a
            className="sections__link"
            href={formatAddress({ section, query: address.query })}
            aria-label={words.sections[section]}
            aria-current={current ? 'page' : undefined}
            onClick={() => setMore(false)}
          >
            <Icon className="icon" aria-hidden />
            <span className="sections__label">{words.sections[section]}</span>
          </a>
        </Hint>
      </li>
    );
  };

  return (
    <nav ref={nav} className={rail ? 'sections rail' : 'sections'} aria-label="Sections">
      {phone ? null : (
        <div className="sections__head">
          <p className="sections__product">
            <Mark />
            {rail ? <span className="sr-only">{words.product}</span> : words.product}
          </p>
          {withDocuments ? <AddButtons rail={rail} /> : null}
        </div>
      )}
      <ul className="sections__list">
        {first.map(link)}
        {phone ? (
          <li>
            <button
              type="button"
              className="sections__link"
              aria-expanded={more}
              aria-controls="more-sections"
              data-current={rest.includes(address.section) ? '' : undefined}
              onClick={() => setMore(!more)}
            >
              <Ellipsis className="icon" aria-hidden />
              <span className="sections__label">{words.more}</span>
            </button>
          </li>
        ) : null}
      </ul>
      <ul id="more-sections" className="sections__list sections__rest" hidden={phone && !more}>
        {rest.map(link)}
      </ul>
      {phone ? <AmbientProgress slim /> : <Foot rail={rail} />}
    </nav>
  );
}

/** Search and Library have the buttons in their middle while they are empty; two of each would be one too many. */
function useHasDocuments(): boolean {
  const { documents } = useDocuments();
  const phase = useAddingPhase();
  const { address } = useAddress();
  return (documents?.length ?? 0) > 0 || phase === 'running' || !['search', 'library'].includes(address.section);
}

function Foot({ rail }: { readonly rail: boolean }) {
  const { documents, stats } = useDocuments();
  return (
    <div className="sections__foot">
      <AmbientProgress slim={rail} />
      <OfflineLine as={rail ? 'rail' : 'brief'} />
      <DeviceBadge rail={rail} />
      {rail || stats === null || documents === null || documents.length === 0 ? null : (
        <div className="sections__storage">
          <HardDrive className="icon" aria-hidden />
          <StorageMeter stats={stats} brief />
        </div>
      )}
    </div>
  );
}
