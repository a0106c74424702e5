/** Copies a text and says so in place. */
import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { announce } from '../state/announce.tsx';
import { words } from '../words.ts';

export function CopyButton({ text, label = words.copy }: { readonly text: string; readonly label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    announce(words.copiedPlain);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button type="button" className="button button--small" onClick={() => void copy()}>
      {copied ? <Check className="icon" aria-hidden /> : <Copy className="icon" aria-hidden />}
      {copied ? words.copiedPlain : label}
    </button>
  );
}
