/** The keys that work everywhere. Escape closes the nearest thing: popover, then viewer, then the query. */
import { useEffect } from 'react';
import { isTextField } from '../adding/DropTarget.tsx';
import { pressInResult } from '../search/result-focus.ts';
import { useSearch } from '../search/search-context.tsx';
import { useAddress } from '../state/use-address.ts';
import { usePreferences } from '../state/preferences.ts';
import { useViewer } from '../viewer/viewer-context.tsx';
import { commandOf } from './keys.ts';
import type { Command } from './keys.ts';

/** Open ones only: a list that was once in focus stays in the page, closed. */
const overlays = ':is(.popover, .menu, .dialog)[data-open]';

export function useKeys(showKeys: () => void): void {
  const { letterKeys } = usePreferences();
  const { query, setQuery } = useSearch();
  const { opened, close } = useViewer();
  const { address } = useAddress();

  useEffect(() => {
    const escape = (): boolean => {
      if (opened !== null) {
        const title = document.querySelector<HTMLElement>('[data-result-title][aria-current]');
        const inViewer = document.activeElement?.closest('.viewer') instanceof HTMLElement;
        close();
        // once the viewer is gone: while it is open it follows the focus, and would open again
        if (inViewer) requestAnimationFrame(() => title?.focus());
        return true;
      }
      if (query === '' || address.section !== 'search') return false;
      setQuery('');
      document.getElementById('search')?.focus();
      return true;
    };
    const search = (): boolean => {
      const focus = (): void => {
        const box = document.getElementById('search') as HTMLInputElement | null;
        box?.focus();
        box?.select();
      };
      if (address.section === 'search') {
        focus(); // at once: what is typed next belongs there
      } else {
        location.hash = `#q=${encodeURIComponent(query)}`;
        requestAnimationFrame(focus);
      }
      return true;
    };
    const press = (control: string): boolean => {
      const button = document.querySelector<HTMLElement>(`[data-control="${control}"]`);
      button?.click();
      return button !== null;
    };
    const actions: Readonly<Record<Command, () => boolean>> = {
      escape,
      search,
      keys: () => {
        showKeys();
        return true;
      },
      why: () => pressInResult('why'),
      copy: () => pressInResult('copy'),
      like: () => pressInResult('like'),
      next: () => press('next'),
      previous: () => press('previous'),
    };
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.isComposing || event.defaultPrevented) return;
      const command = commandOf(event, { inText: isTextField(event.target), letterKeys });
      if (command === null || document.querySelector(overlays) !== null) return;
      if (actions[command]()) event.preventDefault();
    };
    // in the capture phase: an open popover is still there to be seen, and closes by itself
    window.addEventListener('keydown', onKeyDown, { capture: true });
    return () => window.removeEventListener('keydown', onKeyDown, { capture: true });
  }, [letterKeys, query, setQuery, opened, close, address.section, showKeys]);
}
