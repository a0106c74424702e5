/** Copies a passage with its source. */
import { useCallback } from 'react';
import type { Hit } from '../../index.ts';
import { announceStop } from '../state/announce.tsx';
import { toasts } from '../parts/toasts.ts';
import { useIndex } from '../state/index-context.tsx';
import { words } from '../words.ts';
import { citation } from './describe.ts';

export function useCopy(): (hit: Hit) => Promise<void> {
  const { index } = useIndex();
  return useCallback(
    async (hit: Hit) => {
      if (index === null) return;
      try {
        const { text } = await index.text(hit.documentId);
        await navigator.clipboard.writeText(citation(text.slice(hit.start, hit.end), hit));
        toasts.add({ description: words.copied, timeout: 6000 });
      } catch {
        announceStop('The passage could not be copied.'); // clipboard refused, or the document is gone
      }
    },
    [index],
  );
}
