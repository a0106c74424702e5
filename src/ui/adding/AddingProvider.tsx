/** Hands the adder, the file pickers and the paste dialog to the page; holds the hidden inputs behind the buttons. */
import { createContext, use, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { ChangeEvent, ReactNode } from 'react';
import type { DocumentInput } from '../../index.ts';
import { formatAddress, parseAddress } from '../state/address.ts';
import { useIndex } from '../state/index-context.tsx';
import { Adder } from './adder.ts';
import type { AddingState } from './adder.ts';
import { fromFiles } from './collect.ts';
import { isLarge, LargeAddDialog } from './LargeAddDialog.tsx';
import { PasteDialog } from './PasteDialog.tsx';

interface Adding {
  readonly adder: Adder;
  /** Adds what came by picker, drop or paste; asks first where it is very large. */
  readonly offer: (inputs: readonly DocumentInput[]) => void;
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
  const [asked, setAsked] = useState<readonly DocumentInput[] | null>(null);
  const adding = useMemo<Adding>(() => {
    const adder = new Adder(opening);
    return {
      adder,
      offer: (inputs) => {
        if (inputs.length === 0) return;
        showProgress();
        if (isLarge(inputs)) setAsked(inputs);
        else adder.add(inputs);
      },
      pickFiles: () => files.current?.click(),
      pickFolder: () => folder.current?.click(),
      openPaste: () => setPasting(true),
    };
  }, [opening]);
  const take = (event: ChangeEvent<HTMLInputElement>): void => {
    adding.offer(fromFiles(event.target.files ?? []));
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
      <PasteDialog open={pasting} onOpenChange={setPasting} onAdd={(input) => adding.offer([input])} />
      <LargeAddDialog
        inputs={asked}
        onAnswer={(add) => {
          if (add && asked !== null) adding.adder.add(asked);
          setAsked(null);
        }}
      />
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

/** Progress stands in Search and Library; from elsewhere, the way leads to Search. */
function showProgress(): void {
  const { section, query } = parseAddress(location.hash);
  if (section !== 'search' && section !== 'library') location.hash = formatAddress({ section: 'search', query });
}
