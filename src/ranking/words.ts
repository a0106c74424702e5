/** Words as a person sees them: folded for comparison, and which of them carry no meaning of their own. */
import * as lists from 'stopword';

/** Lower case without accents, with a plain apostrophe: "Café" and "cafe", "don’t" and "don't" are the same word. */
export function foldWord(word: string): string {
  return word.normalize('NFKD').replaceAll(/\p{M}/gu, '').replaceAll(/[’ʼ‘]/g, "'").toLowerCase();
}

/**
 * What the English list lacks: it has no negation, no question and no contraction (nor what keyword search makes of one, as
 * far as that is no other word: "doesn").
 */
const moreEnglish =
  'why what which who whom whose how where when did does do doing done having no not nor cannot will shall just so than ' +
  'its ours yours hers theirs myself yourself itself ourselves themselves until against during above below again once every ' +
  "i'm i've i'll i'd it's that's there's what's who's let's you're you've we're we've they're they've isn't aren't wasn't weren't " +
  "don't doesn't didn't haven't hasn't hadn't can't couldn't won't wouldn't shouldn't mustn't " +
  'isn aren wasn weren doesn didn hasn hadn couldn wouldn shouldn mustn ve ll';

/** English first: it is taken where nothing tells a language. */
const languages = [
  [...lists.eng, ...moreEnglish.split(' ')],
  ...[lists.deu, lists.fra, lists.spa, lists.ita, lists.por, lists.nld, lists.swe, lists.dan, lists.nob, lists.fin],
  ...[lists.pol, lists.ces, lists.slk, lists.hun, lists.ron, lists.tur, lists.ell, lists.rus, lists.ukr, lists.bul],
  ...[lists.ara, lists.heb, lists.fas, lists.hin, lists.vie, lists.ind, lists.tha, lists.zho, lists.jpn, lists.kor],
].map((words) => new Set(words.map(foldWord)));

/**
 * Words like "the" and "why" match everywhere and are never lit. Of the rankings only that by both looks here: where
 * documents are few or in many languages, "the" is rare, and would count.
 * @param words of one text: it is taken to be in the language that has the most function words among them, since a word may
 *   mean something in one language and nothing in another ("die", "son")
 */
export function functionWordsOf(words: readonly string[]): (word: string) => boolean {
  const folded = words.map(foldWord).filter((word) => !/^[a-z\d]$/.test(word)); // a letter alone tells nothing
  let [best] = languages;
  let most = 0;
  for (const language of languages) {
    const found = folded.filter((word) => language.has(word)).length;
    if (found > most) [best, most] = [language, found];
  }
  return (word) => best!.has(foldWord(word));
}

/** Those of a query's terms that carry meaning; all where none does. */
export function termsWithMeaning(terms: readonly string[]): readonly string[] {
  const isFunctionWord = functionWordsOf(terms);
  const left = terms.filter((term) => !isFunctionWord(term));
  return left.length === 0 ? terms : left;
}
