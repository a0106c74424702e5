/** All keys, on "?". */
import { Dialog } from '@base-ui/react/dialog';
import { words } from '../words.ts';

const rows: readonly (readonly [readonly string[], string])[] = [
  [['/', 'Ctrl K', '⌘ K'], 'Search'],
  [['↓', '↑', 'Home', 'End'], 'Move through results'],
  [['Enter'], 'Open; from the search box, the first'],
  [['Esc'], 'Close what is open, then clear the search'],
  [['n', 'p'], 'Next and previous match in the document'],
  [['w'], 'Why this matched'],
  [['c'], 'Copy with source'],
  [['m'], 'More like this'],
  [['?'], 'All keys'],
];

export interface KeysDialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

export function KeysDialog({ open, onOpenChange }: KeysDialogProps) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title className="dialog__title">{words.keysTitle}</Dialog.Title>
          <KeysTable />
          <div className="dialog__actions">
            <Dialog.Close className="button">{words.close}</Dialog.Close>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

export function KeysTable() {
  return (
    <dl className="keys">
      {rows.map(([keys, does]) => (
        <div key={does} className="keys__row">
          <dt>
            {keys.map((key) => (
              <kbd key={key} className="keycap">
                {key}
              </kbd>
            ))}
          </dt>
          <dd>{does}</dd>
        </div>
      ))}
    </dl>
  );
}
