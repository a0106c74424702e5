/** "Your words": solid where matched, dashed where nothing is close. Pointing at one lights its matches everywhere. */
import { useSearch } from './search-context.tsx';
import { useLitWord } from './lit-word.tsx';
import { words as say } from '../words.ts';

/** A page pasted into the search box has hundreds of words; its results are to stay in sight. */
const maxChips = 24;

export function WordChips() {
  const { result, hits } = useSearch();
  const { setWord, word } = useLitWord();
  if (result === null || result.words.length === 0) return null;
  const left = result.words.length - maxChips;
  return (
    <div className="chips" role="group" aria-label={say.yourWords}>
      <span className="chips__label" aria-hidden>
        {say.yourWords}
      </span>
      {result.words.slice(0, maxChips).map((queryWord, index) => {
        const matched = queryWord.strength > 0 && hits.length > 0;
        const pointed = matched ? index : null; // nothing to light for the others
        return (
          <button
            key={`${index}-${queryWord.text}`}
            type="button"
            className="chip"
            data-matched={matched ? '' : undefined}
            data-strength={queryWord.strength}
            aria-pressed={word === index}
            aria-label={`${queryWord.text}, ${matched ? (queryWord.strength === 2 ? 'matched' : 'close') : 'nothing close'}`}
            onPointerEnter={(event) => event.pointerType === 'mouse' && setWord(pointed)}
            onPointerLeave={(event) => event.pointerType === 'mouse' && setWord(null)}
            onFocus={() => setWord(pointed)}
            onBlur={() => setWord(null)}
            onClick={() => setWord(word === index ? null : pointed)}
          >
            <bdi>{queryWord.text}</bdi>
          </button>
        );
      })}
      {left > 0 ? <span className="chips__more">{say.moreWords(left)}</span> : null}
    </div>
  );
}
