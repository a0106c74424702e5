/** The inside of a dialog that asks one thing: title, what it means, Cancel, and the one thing to do. What fails is said in its place. */
import { Dialog } from '@base-ui/react/dialog';
import { useState } from 'react';
import { unbroken } from '../format.ts';
import { words } from '../words.ts';

export interface ConfirmProps {
  readonly title: string;
  readonly lead: string;
  /** On the button that does it. */
  readonly label: string;
  /** For what cannot be undone. */
  readonly danger?: boolean;
  readonly onClose: () => void;
  /** A promise is waited for before the dialog closes. */
  readonly onConfirm: () => unknown;
  /** What is said where it failed. */
  readonly problemOf?: (thrown: unknown) => string;
}

export function Confirm({ title, lead, label, danger = false, onClose, onConfirm, problemOf }: ConfirmProps) {
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (thrown) {
      setProblem(problemOf?.(thrown) ?? '');
      setBusy(false);
    }
  };
  return (
    <>
      <Dialog.Title className="dialog__title">{title}</Dialog.Title>
      <Dialog.Description className="dialog__lead">{unbroken(lead)}</Dialog.Description>
      {problem === '' ? null : (
        <p className="dialog__problem" role="alert">
          {problem}
        </p>
      )}
      <div className="dialog__actions">
        <Dialog.Close className="button">{words.cancel}</Dialog.Close>
        <button
          type="button"
          className={danger ? 'button button--danger-filled' : 'button button--primary'}
          disabled={busy}
          onClick={() => void confirm()}
        >
          {label}
        </button>
      </div>
    </>
  );
}
