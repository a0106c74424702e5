/** The whole window takes drops; the page outside text fields takes pastes. */
import { useEffect, useState } from 'react';
import { isModelFolder, toImport } from '../models/describe.ts';
import { usePreparer } from '../models/ModelsProvider.tsx';
import { modelWords } from '../models/words.ts';
import { parseAddress } from '../state/address.ts';
import { useAddress } from '../state/use-address.ts';
import { words } from '../words.ts';
import { useAdding } from './AddingProvider.tsx';
import { fromDrop, fromFiles, fromText } from './collect.ts';

export function DropTarget() {
  const { adder, offer } = useAdding();
  const preparer = usePreparer();
  const { address } = useAddress();
  const [over, setOver] = useState(false);

  useEffect(() => {
    let depth = 0; // dragenter and dragleave come for every element passed
    const leave = (): void => {
      depth = 0;
      setOver(false);
    };
    const enter = (event: DragEvent): void => {
      if (!takes(event)) return;
      event.preventDefault();
      depth += 1;
      setOver(true);
    };
    const out = (event: DragEvent): void => {
      if (!takes(event)) return;
      depth -= 1;
      if (depth <= 0) leave();
    };
    const move = (event: DragEvent): void => {
      if (!takes(event) || event.dataTransfer === null) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = 'copy';
    };
    const drop = (event: DragEvent): void => {
      if (!takes(event) || event.dataTransfer === null) return;
      event.preventDefault();
      leave();
      const onModels = parseAddress(location.hash).section === 'models';
      void fromDrop(event.dataTransfer).then(({ inputs, unreadable }) => {
        if (onModels && isModelFolder(inputs)) {
          preparer.offerFolder(toImport(inputs));
          return;
        }
        adder.addFailures(unreadable);
        offer(inputs);
      });
    };
    const paste = (event: ClipboardEvent): void => {
      if (isTextField(event.target) || event.clipboardData === null) return;
      const { files } = event.clipboardData;
      const text = event.clipboardData.getData('text/plain');
      if (files.length > 0) offer(fromFiles(files));
      else if (text.trim() !== '') offer([fromText(text, '')]);
    };
    const listeners = [
      ['dragenter', enter],
      ['dragleave', out],
      ['dragover', move],
      ['drop', drop],
      ['paste', paste],
    ] as const;
    for (const [type, listener] of listeners) window.addEventListener(type, listener as EventListener);
    return () => {
      for (const [type, listener] of listeners) window.removeEventListener(type, listener as EventListener);
    };
  }, [adder, offer, preparer]);

  if (!over) return null;
  return (
    <div className="drop">
      <p className="drop__title">{address.section === 'models' ? modelWords.dropTitle : words.dropTitle}</p>
      <p className="drop__lead">{words.dropLead}</p>
    </div>
  );
}

/** Files always; text unless it is dropped into a field, or dragged from this page. */
function takes(event: DragEvent): boolean {
  const types = event.dataTransfer?.types ?? [];
  if (types.includes('Files')) return true;
  return types.includes('text/plain') && !isTextField(event.target) && document.getSelection()?.isCollapsed !== false;
}

export function isTextField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
