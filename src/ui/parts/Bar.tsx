/** How far something is: drawn, and said in words. */

export interface BarProps {
  readonly label: string;
  readonly total: number;
  readonly done: number;
  /** The same in words. */
  readonly text?: string;
  /** What is drawn, 0 to 1: with the part of the file at hand. */
  readonly share: number;
}

export function Bar({ label, total, done, text, share }: BarProps) {
  return (
    <div
      className="progress__track"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done}
      aria-valuetext={text}
    >
      <div className="progress__fill" style={{ inlineSize: `${share * 100}%` }} />
    </div>
  );
}
