/** Asks before a large addition: how long it takes, how much it needs, and whether there is room. */
import { Dialog } from '@base-ui/react/dialog';
import type { DocumentInput } from '../../index.ts';
import { bytes, count, duration } from '../format.ts';
import { words } from '../words.ts';
import type { Estimate } from './estimate.ts';

const askAboveBytes = 100_000_000;
const askAboveSeconds = 30;

/** An addition that is asked about first. */
export interface Asked {
  readonly inputs: readonly DocumentInput[];
  readonly estimate: Estimate;
}

export const isLarge = (estimate: Estimate): boolean =>
  estimate.bytes > askAboveBytes || (estimate.measured && estimate.seconds > askAboveSeconds) || lacksRoom(estimate);

const lacksRoom = ({ bytes: needed, freeBytes }: Estimate): boolean => freeBytes !== null && needed > freeBytes;

export interface LargeAddDialogProps {
  /** null while there is nothing to ask. */
  readonly asked: Asked | null;
  readonly onAnswer: (add: boolean) => void;
}

export function LargeAddDialog({ asked, onAnswer }: LargeAddDialogProps) {
  return (
    <Dialog.Root open={asked !== null} onOpenChange={(open) => (open ? undefined : onAnswer(false))}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          {asked === null ? null : <Question asked={asked} onAnswer={onAnswer} />}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Question({ asked, onAnswer }: { readonly asked: Asked; readonly onAnswer: (add: boolean) => void }) {
  const { inputs, estimate } = asked;
  const files = count(inputs.length, 'file');
  const size = bytes(Math.round(estimate.bytes));
  const free = estimate.freeBytes === null ? '' : bytes(Math.round(estimate.freeBytes));
  if (lacksRoom(estimate)) {
    return (
      <>
        <Dialog.Title className="dialog__title">{words.noRoomTitle(files)}</Dialog.Title>
        <Dialog.Description className="dialog__lead">{words.noRoomLead(size, free)}</Dialog.Description>
        <div className="dialog__actions">
          <Dialog.Close className="button">{words.cancel}</Dialog.Close>
          <button type="button" className="button" onClick={() => onAnswer(true)}>
            {words.addAnyway}
          </button>
          <a className="button button--primary" href="#section=library" onClick={() => onAnswer(false)}>
            {words.manageStorage}
          </a>
        </div>
      </>
    );
  }
  return (
    <>
      <Dialog.Title className="dialog__title">{words.largeTitle(files)}</Dialog.Title>
      <Dialog.Description className="dialog__lead">
        {words.largeLead(duration(estimate.seconds), size, free)}
      </Dialog.Description>
      <div className="dialog__actions">
        <Dialog.Close className="button">{words.cancel}</Dialog.Close>
        <button type="button" className="button button--primary" onClick={() => onAnswer(true)}>
          {words.largeAdd(files)}
        </button>
      </div>
    </>
  );
}
