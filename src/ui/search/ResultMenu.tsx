/** What can be done with a result: open it, copy it, ask for more like it, keep to its document, delete that. */
import { Menu } from '@base-ui/react/menu';
import { BookOpen, Copy, Ellipsis, ListFilter, TextSearch, Trash2 } from 'lucide-react';
import type { Hit } from '../../index.ts';
import { useDelete } from '../library/use-delete.ts';
import { inMain } from '../parts/portal.ts';
import { useViewer } from '../viewer/viewer-context.tsx';
import { words } from '../words.ts';
import { useCopy } from './use-copy.ts';

export interface ResultMenuProps {
  readonly hit: Hit;
  readonly onLike: (hit: Hit) => void;
  readonly onOnly: (hit: Hit) => void;
}

export function ResultMenu({ hit, onLike, onOnly }: ResultMenuProps) {
  const copy = useCopy();
  const remove = useDelete();
  const { open } = useViewer();
  return (
    <Menu.Root>
      <Menu.Trigger className="icon-button result__menu" aria-label={`${words.actions}, ${hit.documentName}`}>
        <Ellipsis className="icon" aria-hidden />
      </Menu.Trigger>
      <Menu.Portal container={inMain()}>
        <Menu.Positioner className="positioner" sideOffset={4} align="end" collisionPadding={16}>
          <Menu.Popup className="menu">
            <Menu.Item className="menu__item" onClick={() => open({ documentId: hit.documentId, chunk: hit.chunk })}>
              <BookOpen className="icon" aria-hidden />
              {words.openDocument}
            </Menu.Item>
            <Menu.Item className="menu__item" onClick={() => void copy(hit)}>
              <Copy className="icon" aria-hidden />
              {words.copySource}
            </Menu.Item>
            <Menu.Item className="menu__item" onClick={() => onLike(hit)}>
              <TextSearch className="icon" aria-hidden />
              {words.moreLikeThis}
            </Menu.Item>
            <Menu.Item className="menu__item" onClick={() => onOnly(hit)}>
              <ListFilter className="icon" aria-hidden />
              {words.onlyInThis}
            </Menu.Item>
            <Menu.Item className="menu__item menu__item--danger" onClick={() => void remove([hit.documentId])}>
              <Trash2 className="icon" aria-hidden />
              {words.deleteDocument}
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
