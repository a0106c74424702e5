/** Hands the adder, collections in and out, the file pickers and the dialogs to the page; holds the hidden inputs. */
import { createContext, use, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { ChangeEvent, ReactNode } from 'react';
import type { DocumentInput } from '../../index.ts';
import { formatAddress, parseAddress } from '../state/address.ts';
import { useDocuments, useIndex, useStatus } from '../state/index-context.tsx';
import { preferences } from '../state/preferences.ts';
import { Adder } from './adder.ts';
import type { AddingState } from './adder.ts';
import { fromFiles } from './collect.ts';
import { Collections } from './collections.ts';
import type { TransferState } from './collections.ts';
import { estimate } from './estimate.ts';
import { isLarge, LargeAddDialog } from './LargeAddDialog.tsx';
import type { Asked } from './LargeAddDialog.tsx';
import { PasteDialog } from './PasteDialog.tsx';
import { Rereader } from './rereader.ts';
import type { RereadingState } from './rereader.ts';

interface Adding {
  readonly adder: Adder;
  readonly collections: Collections;
  readonly rereader: Rereader;
  /** Adds what came by picker, drop or paste; asks first where it is large. A saved collection is imported. */
  readonly offer: (inputs: readonly DocumentInput[]) => void;
  readonly pickFiles: () => void;
  readonly pickFolder: () => void;
  readonly pickCollection: () => void;
  readonly openPaste: () => void;
}

const AddingContext = createContext<Adding | null>(null);
/** A collection that Lateral has saved. */
const isCollection = (input: DocumentInput): input is DocumentInput & { readonly content: Blob } =>
  /\.lateral$/i.test(input.name) && input.content instanceof Blob;

export function AddingProvider({ children }: { readonly children: ReactNode }) {
  const { opening } = useIndex();
  const { documents, stats } = useDocuments();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const collection = useRef<HTMLInputElement>(null);
  const [pasting, setPasting] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const known = useRef({ documents, stats });
  useEffect(() => {
    known.current = { documents, stats };
  }, [documents, stats]);
  const adding = useMemo<Adding>(() => {
    const adder = new Adder(opening);
    const collections = new Collections(opening);
    return {
      adder,
      collections,
      rereader: new Rereader(),
      offer: (inputs) => {
        if (inputs.length === 0) return;
        showProgress();
        for (const { content } of inputs.filter(isCollection)) void collections.import(content);
        const plain = inputs.filter((input) => !isCollection(input));
        if (plain.length === 0) return;
        const { documents: here, stats: room } = known.current;
        const { tokensPerSecond, keepSources } = preferences();
        const estimated = estimate(plain, { documents: here ?? [], stats: room, tokensPerSecond, keepSources });
        if (isLarge(estimated)) setAsked({ inputs: plain, estimate: estimated });
        else adder.add(plain);
      },
      pickFiles: () => files.current?.click(),
      pickFolder: () => folder.current?.click(),
      pickCollection: () => collection.current?.click(),
      openPaste: () => setPasting(true),
    };
  }, [opening]);
  useReadingAgain(adding.rereader);
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
      <input ref={collection} type="file" accept=".lateral" hidden onChange={take} />
      <PasteDialog open={pasting} onOpenChange={setPasting} onAdd={(input) => adding.offer([input])} />
      <LargeAddDialog
        asked={asked}
        onAnswer={(add) => {
          if (add && asked !== null) adding.adder.add(asked.inputs);
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

/** For what changes only when the reading begins or ends. */
export function useAddingPhase(): AddingState['phase'] {
  const { adder } = useAdding();
  return useSyncExternalStore(adder.subscribe, () => adder.state().phase);
}

/** Reads documents of another model again once they are here: at the start, or from a collection that was opened. */
function useReadingAgain(rereader: Rereader): void {
  const { index } = useIndex();
  const unencoded = useStatus()?.unencoded ?? 0;
  const before = useRef(0);
  useEffect(() => {
    const more = unencoded > before.current; // what cannot be read again is not tried again and again
    before.current = unencoded;
    if (index !== null && more) rereader.begin(index);
  }, [index, rereader, unencoded]);
}

export function useRereading(): RereadingState {
  const { rereader } = useAdding();
  return useSyncExternalStore(rereader.subscribe, rereader.state);
}

export function useTransfer(): TransferState {
  const { collections } = useAdding();
  return useSyncExternalStore(collections.subscribe, collections.state);
}

/** Progress stands in Search and Library; from elsewhere, the way leads to Search. */
function showProgress(): void {
  const { section, query } = parseAddress(location.hash);
  if (section !== 'search' && section !== 'library') location.hash = formatAddress({ section: 'search', query });
}
