/** A section's title. Pages that load late take the focus here, once a person has changed sections. */
import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';
import { sectionsChanged } from '../shell/Pane.tsx';

export function PageTitle({
  title,
  lead,
  children,
}: {
  readonly title: string;
  readonly lead?: string;
  readonly children?: ReactNode;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (sectionsChanged()) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <header className="page-title">
      <div className="page-title__words">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead === undefined ? null : <p>{lead}</p>}
      </div>
      {children}
    </header>
  );
}
