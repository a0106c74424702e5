/** What is asked before a model is downloaded, used or deleted; and its details. */
import { Dialog } from '@base-ui/react/dialog';
import { useId, useState } from 'react';
import type { ImportRequest, ModelInfo } from '../../index.ts';
import { unbroken } from '../format.ts';
import { Confirm } from '../parts/Confirm.tsx';
import { toasts } from '../parts/toasts.ts';
import { Segmented } from '../parts/Segmented.tsx';
import { useDocuments, useIndex } from '../state/index-context.tsx';
import { preferences, usePreferences } from '../state/preferences.ts';
import { hostOf, type Offer, rereadingSeconds, roomNeeded, speedOf, termsOf } from './describe.ts';
import { titleId } from './ModelCard.tsx';
import { ModelDetails } from './ModelDetails.tsx';
import { useModelSwitch, usePreparer } from './ModelsProvider.tsx';
import { problemOf } from './preparer.ts';
import { dimName, downloadLead, modelFailure, modelWords, noRoom, rereadLead } from './words.ts';

export type Question =
  | { readonly kind: 'get' | 'use' | 'delete' | 'delete-in-use' | 'details'; readonly info: ModelInfo }
  | { readonly kind: 'offer'; readonly offer: Offer }
  | { readonly kind: 'replace'; readonly request: ImportRequest };
export type Ask = (question: Question) => void;

export interface ModelDialogsProps {
  /** The question, also for as long as it fades away. */
  readonly asked: Question | null;
  readonly open: boolean;
  readonly onClose: () => void;
  readonly onPickFolder: () => void;
}

export function ModelDialogs({ asked, open, onClose, onPickFolder }: ModelDialogsProps) {
  const model = asked === null ? '' : modelOf(asked);
  return (
    <Dialog.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup
          className={asked?.kind === 'details' ? 'dialog dialog--wide' : 'dialog'}
          // the button that asked may be gone by then: its card's title takes the focus
          finalFocus={() => document.getElementById(titleId(model)) ?? true}
        >
          {asked === null ? null : (
            <Body key={asked.kind + model} asked={asked} onClose={onClose} onPickFolder={onPickFolder} />
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function modelOf(asked: Question): string {
  if (asked.kind === 'offer') return asked.offer.id;
  return asked.kind === 'replace' ? `folder:${asked.request.name}` : asked.info.id;
}

interface BodyProps {
  readonly asked: Question;
  readonly onClose: () => void;
  readonly onPickFolder: () => void;
}

function Body({ asked, onClose, onPickFolder }: BodyProps) {
  switch (asked.kind) {
    case 'offer':
      return <Get offer={asked.offer} onClose={onClose} onPickFolder={onPickFolder} />;
    case 'use':
      return <Use info={asked.info} onClose={onClose} />;
    case 'delete':
      return <Delete info={asked.info} onClose={onClose} />;
    case 'delete-in-use':
      return <InUse info={asked.info} />;
    case 'replace':
      return <Replace request={asked.request} onClose={onClose} />;
    case 'details':
      return <ModelDetails info={asked.info} />;
  }
}

const titles = {
  'non-commercial': modelWords.nonCommercialTitle,
  conditions: modelWords.conditionsTitle,
  unknown: modelWords.unknownTitle,
} as const;
const agreements = {
  'non-commercial': modelWords.agreeNonCommercial,
  conditions: modelWords.agreeConditions,
  unknown: modelWords.agreeUnknown,
} as const;

/** Terms, size, room and whom it asks, before the first byte. */
function Get({
  offer,
  onClose,
  onPickFolder,
}: {
  readonly offer: Offer;
  readonly onClose: () => void;
  readonly onPickFolder: () => void;
}) {
  const preparer = usePreparer();
  const { modelEndpoint, modelPath } = usePreferences();
  const id = useId();
  const [agreed, setAgreed] = useState(false);
  const [dim, setDim] = useState(String(offer.dims[0] ?? ''));
  const terms = termsOf(offer.licence);
  const needed = roomNeeded(offer);
  const crowded = needed !== null && offer.bytesFree !== null && needed > offer.bytesFree;
  const ready = !crowded && !offer.gated && (terms === 'none' || agreed);
  const host = hostOf({ endpoint: modelEndpoint, path: modelPath }, new URL(location.href));
  const link = linkOf(offer, terms === 'unknown');
  const download = (): void => {
    onClose();
    void preparer.prepare(offer, {
      ...(offer.dims.length > 1 ? { dim: Number(dim) } : {}),
      ...(terms === 'none' ? {} : { consent: true }),
    });
  };
  return (
    <>
      <Dialog.Title className="dialog__title">
        {terms === 'none' ? modelWords.freeTitle(offer.title) : titles[terms]}
      </Dialog.Title>
      {terms === 'none' ? null : (
        <p className="dialog__subject">
          <bdi>{offer.title}</bdi>
        </p>
      )}
      <Dialog.Description className="dialog__lead">
        {unbroken(downloadLead(offer, offer.seconds, crowded ? null : offer.bytesFree))}
      </Dialog.Description>
      <p className="get__says">
        {modelWords.asks(host)}{' '}
        {link === '' ? null : (
          <a href={link} target="_blank" rel="noreferrer">
            {terms === 'unknown' ? modelWords.readRepository : modelWords.readLicence}
          </a>
        )}
      </p>
      {offer.dims.length < 2 ? null : (
        <div className="get__dims">
          <p className="get__label" id={`${id}-dims`}>
            {modelWords.numbersPerWord}
          </p>
          <Segmented
            label={modelWords.numbersPerWord}
            options={offer.dims.map((one) => ({
              value: String(one),
              label: String(one),
              says: dimName(one, offer.dims[0]!),
            }))}
            value={dim}
            onChange={setDim}
          />
          <p className="get__says">{modelWords.numbersLead}</p>
        </div>
      )}
      {terms === 'none' ? null : (
        <label className="get__agree">
          <input type="checkbox" checked={agreed} onChange={(event) => setAgreed(event.target.checked)} />
          {agreements[terms]}
        </label>
      )}
      {crowded ? (
        <p className="dialog__problem" role="alert">
          {unbroken(noRoom(needed, offer.bytesFree))}
        </p>
      ) : null}
      {offer.gated ? (
        <p className="dialog__problem" role="alert">
          {modelWords.gated}
        </p>
      ) : null}
      <div className="dialog__actions">
        <Dialog.Close className="button">{modelWords.cancel}</Dialog.Close>
        {crowded ? (
          <a className="button button--primary" href="#section=library" onClick={onClose}>
            {modelWords.manageStorage}
          </a>
        ) : offer.gated ? (
          <button
            type="button"
            className="button button--primary"
            onClick={() => {
              onClose();
              onPickFolder();
            }}
          >
            {modelWords.opensFolder}
          </button>
        ) : (
          <button type="button" className="button button--primary" disabled={!ready} onClick={download}>
            {modelWords.downloadSize(offer.downloadBytes)}
          </button>
        )}
      </div>
    </>
  );
}

/** Where a person can read the terms, or ''. */
function linkOf({ licence, repository }: Offer, unknown: boolean): string {
  if (!unknown && licence !== null && licence.url !== '') return licence.url;
  const { modelEndpoint, modelPath } = preferences();
  return repository === null || modelPath !== '' || modelEndpoint !== '' ? '' : `https://huggingface.co/${repository}`;
}

/** Whether documents that are here may be read again for it. Without any there is nothing to ask. */
function Use({ info, onClose }: { readonly info: ModelInfo; readonly onClose: () => void }) {
  const { index } = useIndex();
  const { documents, stats } = useDocuments();
  const change = useModelSwitch();
  const { builtInSpeed } = usePreferences();
  const seconds = rereadingSeconds(stats, speedOf(info, builtInSpeed)?.tokensPerSecond ?? null);
  return (
    <Confirm
      title={modelWords.useTitle(info.title)}
      lead={rereadLead(documents?.length ?? 0, seconds, index !== null)}
      label={modelWords.switchTo}
      onClose={onClose}
      onConfirm={() => change(info)}
    />
  );
}

function Delete({ info, onClose }: { readonly info: ModelInfo; readonly onClose: () => void }) {
  const preparer = usePreparer();
  const size = info.state === 'ready' ? (info.keptBytes ?? info.presentBytes) : info.presentBytes;
  return (
    <Confirm
      danger
      title={modelWords.deleteTitle(info.title)}
      lead={info.origin === 'folder' ? modelWords.deleteFolderLead(size) : modelWords.deleteLead(size)}
      label={modelWords.delete}
      onClose={onClose}
      onConfirm={async () => {
        const freed = await preparer.remove(info.id);
        toasts.add({ description: modelWords.deleted(info.title, freed), timeout: 6000 });
      }}
      problemOf={(thrown) => modelFailure(problemOf(thrown), 0)}
    />
  );
}

function InUse({ info }: { readonly info: ModelInfo }) {
  return (
    <>
      <Dialog.Title className="dialog__title">{modelWords.deleteInUseTitle(info.title)}</Dialog.Title>
      <Dialog.Description className="dialog__lead">{modelWords.deleteInUse}</Dialog.Description>
      <div className="dialog__actions">
        <Dialog.Close className="button button--primary">{modelWords.close}</Dialog.Close>
      </div>
    </>
  );
}

function Replace({ request, onClose }: { readonly request: ImportRequest; readonly onClose: () => void }) {
  const preparer = usePreparer();
  return (
    <Confirm
      title={modelWords.replaceTitle(request.name)}
      lead={modelWords.replaceLead}
      label={modelWords.replace}
      onClose={onClose}
      onConfirm={() => void preparer.importFolder(request)}
    />
  );
}
