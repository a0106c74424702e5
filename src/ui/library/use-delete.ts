/** Deletes documents and offers the way back for ten seconds. */
import { useCallback } from 'react';
import { toasts } from '../parts/toasts.ts';
import { announceStop } from '../state/announce.tsx';
import { useIndex } from '../state/index-context.tsx';
import { setPreferences } from '../state/preferences.ts';
import { useViewer } from '../viewer/viewer-context.tsx';
import { words } from '../words.ts';

const undoShownMs = 10_000;

export function useDelete(): (documentIds: readonly string[]) => Promise<void> {
  const { index } = useIndex();
  const { opened, close } = useViewer();
  return useCallback(
    async (documentIds: readonly string[]) => {
      if (index === null || documentIds.length === 0) return;
      if (opened !== null && documentIds.includes(opened.documentId)) close();
      const { removed, undo } = await index.remove(documentIds).catch(() => {
        announceStop(words.deleteFailed);
        return { removed: 0, undo: null };
      });
      if (removed === 0) return;
      if (index.status().documents === 0) setPreferences({ hadDocuments: false }); // by hand, not by the browser
      const id = toasts.add({
        description: words.deleted(removed),
        timeout: undo === null ? 6000 : undoShownMs,
        ...(undo === null
          ? {}
          : {
              actionProps: {
                children: words.undo,
                onClick: () => {
                  toasts.close(id);
                  index
                    .restore(undo)
                    .catch(() => announceStop('The documents could not be brought back. Add them again.'));
                },
              },
            }),
      });
    },
    [index, opened, close],
  );
}
