/** "Paste text": a document from the clipboard or typed in. */
import { Dialog } from '@base-ui/react/dialog';
import { useId, useState } from 'react';
import type { KeyboardEvent } from 'react';
import type { DocumentInput } from '../../index.ts';
import { words } from '../words.ts';
import { fromText } from './collect.ts';

export interface PasteDialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly onAdd: (input: DocumentInput) => void;
}

export function PasteDialog({ open, onOpenChange, onAdd }: PasteDialogProps) {
  const [text, setText] = useState('');
  const [name, setName] = useState('');
  const id = useId();
  const ready = text.trim() !== '';

  const add = (): void => {
    if (!ready) return;
    onAdd(fromText(text, name));
    setText('');
    setName('');
    onOpenChange(false);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    add();
  };

  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog paste" onKeyDown={onKeyDown}>
          <Dialog.Title className="dialog__title">{words.paste}</Dialog.Title>
          <Dialog.Description className="dialog__lead">{words.pasteLead}</Dialog.Description>
          <label className="paste__label" htmlFor={`${id}-text`}>
            {words.pasteText}
          </label>
          <textarea
            id={`${id}-text`}
            className="field paste__text reading"
            dir="auto"
            rows={8}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <label className="paste__label" htmlFor={`${id}-name`}>
            {words.pasteName}
          </label>
          <input
            id={`${id}-name`}
            className="field"
            dir="auto"
            autoComplete="off"
            placeholder={words.pasteNameHint}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <div className="dialog__actions">
            <Dialog.Close className="button">{words.cancel}</Dialog.Close>
            <button type="button" className="button button--primary" disabled={!ready} onClick={add}>
              {words.pasteAdd}
            </button>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
