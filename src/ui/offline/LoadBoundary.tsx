/** Where a section's script does not load (an old page, no network), says so in its place: never a blank page. */
import { Component, type ReactNode } from 'react';
import './offline.css';
import { offlineWords } from './words.ts';

export class LoadBoundary extends Component<{ readonly children: ReactNode }, { readonly failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { readonly failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="part-missing" role="alert">
        <p>{offlineWords.partMissing}</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          {offlineWords.reload}
        </button>
      </div>
    );
  }
}
