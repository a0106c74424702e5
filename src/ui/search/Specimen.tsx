/**
 * The product's only illustration: a real search as live text. One question, one answer, the words that carry it lit;
 * pointing at a word of the question shows what it found.
 */
import { Search } from 'lucide-react';
import { useState } from 'react';
import type { Strength } from '../../index.ts';
import { words as say } from '../words.ts';

type Piece = readonly [text: string, strength: Strength, word: number];

const question: readonly (readonly [text: string, word: number])[] = [
  ['why did ', -1],
  ['traders', 0],
  [' ', -1],
  ['leave', 1],
  [' the ', -1],
  ['port', 2],
];
const answer: readonly Piece[] = [
  ['When the river silted up, the ', 0, -1],
  ['merchants', 2, 0],
  [' ', 0, -1],
  ['moved', 1, 1],
  [' their warehouses to the ', 0, -1],
  ['coast', 1, 2],
  [', and the old ', 0, -1],
  ['harbour', 2, 2],
  [' stood ', 0, -1],
  ['empty', 1, 1],
  ['.', 0, -1],
];

export function Specimen() {
  const [pointed, setPointed] = useState<number | null>(null);
  return (
    <figure className="specimen" aria-label={say.specimen}>
      <p className="specimen__question">
        <Search className="icon" aria-hidden />
        <span>
          {question.map(([text, word], index) =>
            word === -1 ? (
              text
            ) : (
              <span
                key={index}
                className="specimen__word"
                data-pointed={pointed === word ? '' : undefined}
                onPointerEnter={() => setPointed(word)}
                onPointerLeave={() => setPointed(null)}
              >
                {text}
              </span>
            ),
          )}
        </span>
      </p>
      <p className="specimen__answer reading">
        {answer.map(([text, strength, word], index) =>
          strength === 0 ? (
            text
          ) : (
            <mark
              key={index}
              data-strength={strength === 2 ? 'strong' : 'weak'}
              data-quiet={pointed !== null && pointed !== word ? '' : undefined}
              onPointerEnter={() => setPointed(word)}
              onPointerLeave={() => setPointed(null)}
            >
              {text}
            </mark>
          ),
        )}
      </p>
    </figure>
  );
}
