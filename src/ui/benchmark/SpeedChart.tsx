/** The speeds as bars. The table below holds the same figures, so nothing here is read out. */
import { useDirection } from '@base-ui/react/direction-provider';
import { scaleBand, scaleLinear } from '@visx/scale';
import { BarRounded } from '@visx/shape';
import { useLayoutEffect, useRef, useState } from 'react';
import type { RefObject } from 'react';
import type { BenchmarkResult } from '../../index.ts';
import { millions, wayName } from './ways.ts';

/** Below this width a way's name stands over its bar, else beside it. */
const narrow = 600;
const namesWidth = 304;
/** For the figure at a bar's end. */
const valueWidth = 48;

export function SpeedChart({ figures, gpu }: Pick<BenchmarkResult, 'figures' | 'gpu'>) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const rightToLeft = useDirection() === 'rtl';
  const stacked = width < narrow;
  const [band, bar, gap] = stacked ? [44, 12, 24] : [36, 16, 10]; // of a way; of its bar, and what is above that
  const height = figures.length * band;
  const start = stacked ? 0 : namesWidth;

  const rows = scaleBand({ domain: figures.map((_, i) => i), range: [0, height] });
  const most = Math.max(...figures.map(({ tokensPerSecond }) => tokensPerSecond));
  const length = scaleLinear({ domain: [0, most], range: [1, Math.max(1, width - start - valueWidth)] });
  /** Distances from where a line begins; text is anchored there by itself. */
  const at = (distance: number, size = 0): number => (rightToLeft ? width - distance - size : distance);

  return (
    <div ref={box} className="speed">
      {width === 0 ? null : (
        <svg width={width} height={height} aria-hidden="true" focusable="false">
          {figures.map((figure, i) => {
            const top = rows(i) ?? 0;
            const long = length(figure.tokensPerSecond);
            const { where, how } = wayName(figure, gpu);
            const line = top + gap + bar - 4;
            return (
              <g key={i}>
                <text x={at(0)} y={stacked ? top + 16 : line} className="speed__name">
                  {where} <tspan className="speed__how">{how}</tspan>
                </text>
                <BarRounded
                  className="speed__bar"
                  data-kind={figure.kind}
                  x={at(start, long)}
                  y={top + gap}
                  width={long}
                  height={bar}
                  radius={3}
                  right={!rightToLeft}
                  left={rightToLeft}
                />
                <text x={at(start + long + 8)} y={stacked ? line + 2 : line} className="speed__value">
                  {millions(figure)}
                </text>
              </g>
            );
          })}
        </svg>
      )}
    </div>
  );
}

/** An element's width in whole pixels, followed; while it is hidden, the last one. 0 before it is known. */
function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const { current } = element;
    if (current === null) return;
    const measure = (): void => {
      if (current.clientWidth > 0) setWidth(current.clientWidth);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
