/** A tooltip for a control that shows only an icon. The control names itself; the hint is for the eye. */
import { Tooltip } from '@base-ui/react/tooltip';
import type { ReactElement } from 'react';

export interface HintProps {
  readonly text: string;
  readonly side?: 'top' | 'right' | 'bottom' | 'left';
  readonly disabled?: boolean;
  readonly children: ReactElement;
}

export function Hint({ text, side = 'bottom', disabled = false, children }: HintProps) {
  return (
    <Tooltip.Root disabled={disabled}>
      <Tooltip.Trigger render={children} />
      <Tooltip.Portal>
        <Tooltip.Positioner className="positioner" side={side === 'right' ? 'inline-end' : side} sideOffset={8}>
          <Tooltip.Popup className="tooltip">{text}</Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
