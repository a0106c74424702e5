/** Hands the adder, the file pickers and the paste dialog to the page; holds the hidden inputs behind the buttons. */
import { createContext, use, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { ChangeEvent, ReactNode } from 'react';
import { useIndex } from '../state/index-context.tsx';
import { Adder } from './adder.ts';
import type { AddingState } from './adder.ts';
import { fromFiles } from './collect.ts';
import { PasteDialog } from './PasteDialog.tsx';

interface Adding {
  readonly adder: Adder;
  readonly pickFiles: () => void;
  readonly pickFolder: () => void;
  readonly openPaste: () => void;
}

const AddingContext = createContext<Adding | null>(null);

export function AddingProvider({ children }: { readonly children: ReactNode }) {
  const { opening } = useIndex();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [pasting, setPasting] = useState(false);
  const adding = useMemo<Adding>(
    () => ({
      adder: new Adder(opening),
      pickFiles: () => files.current?.click(),
      pickFolder: () => folder.current?.click(),
      openPaste: () => setPasting(true),
    }),
    [opening],
  );
  const take = (event: ChangeEvent<HTMLInputElement>): void => {
    adding.adder.add(fromFiles(event.target.files ?? []));
    event.target.value = ''; // so that the same file can be chosen again
  };
  return (
    <AddingContext value={adding}>
      {children}
      <input ref={files} type="file" multiple hidden onChange={take} />
      <input
        ref={(input) => {
          folder.current = input;
          input?.setAttribute('webkitdirectory', ''); // React's types do not know it
        }}
        type="file"
        hidden
        onChange={take}
      />
      <PasteDialog open={pasting} onOpenChange={setPasting} onAdd={(input) => adding.adder.add([input])} />
    </AddingContext>
  );
}

export function useAdding(): Adding {
  const adding = use(AddingContext);
  if (adding === null) throw new Error('useAdding needs an AddingProvider above it.');
  return adding;
}

export function useAddingState(): AddingState {
  const { adder } = useAdding();
  return useSyncExternalStore(adder.subscribe, adder.state);
}
