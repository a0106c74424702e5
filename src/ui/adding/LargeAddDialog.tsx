/** Asks before a very large addition: how much it is, and how much room there is. */
import { Dialog } from '@base-ui/react/dialog';
import type { DocumentInput, IndexStats } from '../../index.ts';
import { bytes, count } from '../format.ts';
import { useDocuments } from '../state/index-context.tsx';
import { words } from '../words.ts';

const askAboveBytes = 100_000_000;

export const isLarge = (inputs: readonly DocumentInput[]): boolean => sizeOf(inputs) > askAboveBytes;

export interface LargeAddDialogProps {
  /** null while there is nothing to ask. */
  readonly inputs: readonly DocumentInput[] | null;
  readonly onAnswer: (add: boolean) => void;
}

export function LargeAddDialog({ inputs, onAnswer }: LargeAddDialogProps) {
  const { stats } = useDocuments();
  const files = count(inputs?.length ?? 0, 'file');
  const size = bytes(sizeOf(inputs ?? []));
  const free = freeBytes(stats);
  return (
    <Dialog.Root open={inputs !== null} onOpenChange={(open) => (open ? undefined : onAnswer(false))}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title className="dialog__title">{words.largeTitle(files)}</Dialog.Title>
          <Dialog.Description className="dialog__lead">
            {words.largeLead(size, free === null ? '' : bytes(free))}
          </Dialog.Description>
          <div className="dialog__actions">
            <Dialog.Close className="button">{words.cancel}</Dialog.Close>
            <button type="button" className="button button--primary" onClick={() => onAnswer(true)}>
              {words.largeAdd(files)}
            </button>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function freeBytes(stats: IndexStats | null): number | null {
  if (typeof stats?.quotaBytes !== 'number') return null;
  return stats.quotaBytes - (stats.usageBytes ?? 0);
}

function sizeOf(inputs: readonly DocumentInput[]): number {
  return inputs.reduce((sum, { content }) => {
    if (typeof content === 'string') return sum + content.length;
    return sum + (content instanceof Blob ? content.size : content.byteLength);
  }, 0);
}
