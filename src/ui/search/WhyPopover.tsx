/** "Why this matched": each of your words beside the word of the passage that came closest. */
import { Popover } from '@base-ui/react/popover';
import { ArrowRight } from 'lucide-react';
import type { Hit, QueryWord } from '../../index.ts';
import { languageOf } from '../parts/script.ts';
import { verdictWord, words as say } from '../words.ts';

export function WhyPopover({ hit, queryWords }: { readonly hit: Hit; readonly queryWords: readonly QueryWord[] }) {
  return (
    <Popover.Root>
      <Popover.Trigger className="text-button result__why" aria-label={say.why} data-control="why">
        <span className="result__why-long">{say.why}</span>
        <span className="result__why-short">{say.whyShort}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className="positioner" sideOffset={8} align="end" collisionPadding={16}>
          <Popover.Popup className="popover why">
            <Popover.Title className="popover__title">{say.why}</Popover.Title>
            <table className="why__table">
              <thead className="sr-only">
                <tr>
                  <th scope="col">Your word</th>
                  <th scope="col">Word in the passage</th>
                  <th scope="col">How close</th>
                </tr>
              </thead>
              <tbody>
                {hit.why.map((row) => (
                  <tr key={row.word}>
                    <th scope="row">
                      <bdi>{queryWords[row.word]?.text}</bdi>
                    </th>
                    <td className="why__matched" lang={languageOf(hit.language, row.matched)}>
                      {row.verdict === 'nothing-close' ? null : (
                        <>
                          <ArrowRight className="icon icon-mirrored why__arrow" aria-hidden />
                          <mark data-strength={row.verdict === 'close' ? 'weak' : 'strong'}>
                            <bdi>{row.matched}</bdi>
                          </mark>
                        </>
                      )}
                    </td>
                    <td className="why__verdict">{verdictWord(row.verdict)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
