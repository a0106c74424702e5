/** One section's scrolling room. Keeps its scroll while hidden, and gives its title the focus when it comes. */
import { useEffect, useLayoutEffect, useRef } from 'react';
import type { ReactNode } from 'react';
import type { Section } from '../state/address.ts';

let changed = false;

/** Whether a section has been changed since the page began: only then may titles take the focus. */
export const sectionsChanged = (): boolean => changed;

export interface PaneProps {
  readonly section: Section;
  readonly active: boolean;
  readonly children: ReactNode;
}

export function Pane({ section, active, children }: PaneProps) {
  const pane = useRef<HTMLDivElement>(null);
  const top = useRef(0);
  const before = useRef<boolean | null>(null);
  useLayoutEffect(() => {
    // Only where there is something to restore: it makes the browser lay the page out at once, in the middle of this task.
    if (active && top.current > 0 && pane.current !== null) pane.current.scrollTop = top.current;
  }, [active]);
  useEffect(() => {
    if (before.current !== null || (active && section !== 'search' && changed)) {
      if (active) pane.current?.querySelector('h1')?.focus({ preventScroll: true });
      else changed = true;
    }
    before.current = active;
  }, [active, section]);
  return (
    <div
      ref={pane}
      className="pane"
      data-section={section}
      hidden={!active}
      onScroll={(event) => {
        if (active && event.target === pane.current) top.current = pane.current.scrollTop;
      }}
    >
      {children}
    </div>
  );
}
