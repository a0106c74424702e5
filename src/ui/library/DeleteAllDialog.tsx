/** Asks before everything stored here is deleted: this one has no way back. */
import { Dialog } from '@base-ui/react/dialog';
import { count } from '../format.ts';
import { Confirm } from '../parts/Confirm.tsx';
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
  const clear = async (): Promise<void> => {
    if (index === null) return;
    await index.clear();
    setPreferences({ hadDocuments: false });
    close();
    toasts.add({ description: words.deletedAll, timeout: 6000 });
  };
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Confirm
            danger
            title={words.deleteAllTitle(count(documents?.length ?? 0, 'document'))}
            lead={words.deleteAllLead}
            label={words.deleteAllDo}
            onClose={() => onOpenChange(false)}
            onConfirm={clear}
            problemOf={() => words.deleteFailed}
          />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
