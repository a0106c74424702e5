/** Copies a text and says so in place. */
import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { announce, announceStop } from '../state/announce.tsx';
import { words } from '../words.ts';

export interface CopyButtonProps {
  /** The text, or what makes it when it is wanted. */
  readonly text: string | (() => string);
  readonly label?: string;
}

export function CopyButton({ text, label = words.copy }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : text());
      setCopied(true);
      announce(words.copiedPlain);
      setTimeout(() => setCopied(false), 2000);
    } catch {
      announceStop(words.copyFailed); // the browser refuses where the page is not in front
    }
  };
  return (
    <button type="button" className="button button--small" onClick={() => void copy()}>
      {copied ? <Check className="icon" aria-hidden /> : <Copy className="icon" aria-hidden />}
      {copied ? words.copiedPlain : label}
    </button>
  );
}
