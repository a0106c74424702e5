/** Where Lateral works, in two words; why, on asking. */
import { Popover } from '@base-ui/react/popover';
import { Cpu, Gpu } from 'lucide-react';
import { count } from '../format.ts';
import { Hint } from '../parts/Hint.tsx';
import { useStatus } from '../state/index-context.tsx';
import { deviceName, deviceSentence, scorerName, words } from '../words.ts';

export function DeviceBadge({ rail }: { readonly rail: boolean }) {
  const status = useStatus();
  if (!status?.encoder) return null;
  const name = deviceName(status);
  const Icon = status.encoder.kind === 'webgpu' ? Gpu : Cpu;
  return (
    <Popover.Root>
      <Hint text={name} disabled={!rail} side="right">
        <Popover.Trigger className={rail ? 'icon-button' : 'device-badge'} aria-label={`${name}: ${words.deviceTitle}`}>
          <Icon className="icon" aria-hidden />
          {rail ? null : name}
        </Popover.Trigger>
      </Hint>
      <Popover.Portal>
        <Popover.Positioner
          className="positioner"
          side={rail ? 'inline-end' : 'top'}
          align={rail ? 'end' : 'start'}
          sideOffset={8}
          collisionPadding={16}
        >
          <Popover.Popup className="popover">
            <Popover.Title className="popover__title">{words.deviceTitle}</Popover.Title>
            <p>{deviceSentence(status)}</p>
            <details className="device-details">
              <summary>{words.details}</summary>
              <p>
                {words.readingOn}: {name}
                {status.encoder.half === true ? words.atHalfPrecision : ''}. {status.encoder.reason}
              </p>
              {status.scorer === null ? null : (
                <p>
                  {words.comparingOn}: {scorerName(status.scorer.kind)}
                  {status.scoringThreads > 1 ? ` (${count(status.scoringThreads, 'thread')})` : ''}.{' '}
                  {status.scorer.reason}
                </p>
              )}
              {status.gpu === null ? null : <p>{status.gpu.name}</p>}
            </details>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
