/** Asks before everything stored here is deleted: this one has no way back. */
import { Dialog } from '@base-ui/react/dialog';
import { useState } from 'react';
import { count } from '../format.ts';
import { toasts } from '../parts/toasts.ts';
import { useDocuments, useIndex } from '../state/index-context.tsx';
import { setPreferences } from '../state/preferences.ts';
import { useViewer } from '../viewer/viewer-context.tsx';
import { words } from '../words.ts';

export interface DeleteAllDialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

export function DeleteAllDialog({ open, onOpenChange }: DeleteAllDialogProps) {
  const { index } = useIndex();
  const { documents } = useDocuments();
  const { close } = useViewer();
  const [failed, setFailed] = useState(false);
  const clear = async (): Promise<void> => {
    if (index === null) return;
    try {
      await index.clear();
      setPreferences({ hadDocuments: false });
      close();
      onOpenChange(false);
      toasts.add({ description: words.deletedAll, timeout: 6000 });
    } catch {
      setFailed(true);
    }
  };
  return (
    <Dialog.Root
      open={open}
      onOpenChange={(next) => {
        setFailed(false);
        onOpenChange(next);
      }}
    >
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title className="dialog__title">
            {words.deleteAllTitle(count(documents?.length ?? 0, 'document'))}
          </Dialog.Title>
          <Dialog.Description className="dialog__lead">{words.deleteAllLead}</Dialog.Description>
          {failed ? (
            <p className="dialog__lead" role="alert">
              {words.deleteFailed}
            </p>
          ) : null}
          <div className="dialog__actions">
            <Dialog.Close className="button">{words.cancel}</Dialog.Close>
            <button type="button" className="button button--danger-filled" onClick={() => void clear()}>
              {words.deleteAllDo}
            </button>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
