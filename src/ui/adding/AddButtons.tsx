/** The three ways to add, at the sidebar's head (a column in the rail) and in the empty state. */
import { ClipboardPaste, FilePlus2, FolderPlus, Plus } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { Hint } from '../parts/Hint.tsx';
import { words } from '../words.ts';
import { useAdding } from './AddingProvider.tsx';

export function AddButtons({ rail }: { readonly rail: boolean }) {
  const { pickFiles, pickFolder, openPaste } = useAdding();
  if (rail) {
    return (
      <div className="add-buttons add-buttons--rail">
        <RailButton label={words.add} icon={Plus} edged onClick={pickFiles} />
        <RailButton label={words.addFolder} icon={FolderPlus} onClick={pickFolder} />
        <RailButton label={words.paste} icon={ClipboardPaste} onClick={openPaste} />
      </div>
    );
  }
  return (
    <div className="add-buttons">
      <button type="button" className="button add-buttons__first" onClick={pickFiles}>
        <Plus className="icon" aria-hidden />
        {words.add}
      </button>
      <button type="button" className="button add-buttons__other" onClick={pickFolder}>
        {words.addFolder}
      </button>
      <button type="button" className="button add-buttons__other" onClick={openPaste}>
        {words.paste}
      </button>
    </div>
  );
}

interface RailButtonProps {
  readonly label: string;
  readonly icon: LucideIcon;
  readonly edged?: boolean;
  readonly onClick: () => void;
}

function RailButton({ label, icon: Icon, edged = false, onClick }: RailButtonProps) {
  return (
    <Hint text={label} side="right">
      <button
        type="button"
        className={edged ? 'icon-button icon-button--edged' : 'icon-button'}
        aria-label={label}
        onClick={onClick}
      >
        <Icon className="icon" aria-hidden />
      </button>
    </Hint>
  );
}

export function WideAddButtons({ primary }: { readonly primary: boolean }) {
  const { pickFiles, pickFolder, openPaste } = useAdding();
  return (
    <div className="wide-add">
      <button type="button" className={primary ? 'button button--primary' : 'button'} onClick={pickFiles}>
        <FilePlus2 className="icon" aria-hidden />
        {words.add}
      </button>
      <button type="button" className="button" onClick={pickFolder}>
        {words.addFolder}
      </button>
      <button type="button" className="button" onClick={openPaste}>
        {words.paste}
      </button>
    </div>
  );
}
