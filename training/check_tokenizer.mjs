// Does transformers.js give the ids that Python gives? Compares them on the texts of work/tokenizer/check.json, which
// `python training/check_tokenizer.py` writes: training texts of every language and hostile strings.
//
//     node training/check_tokenizer.mjs [work folder]
import { readFileSync } from 'node:fs';
import { PreTrainedTokenizer } from '@huggingface/transformers';

const folder = `${process.argv[2] ?? 'training/work'}/tokenizer`;
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));
const json = read('tokenizer.json');
// As the app builds it: names of special tokens inside a text are plain text.
const plain = new PreTrainedTokenizer({ ...json, added_tokens: [] }, read('tokenizer_config.json'));
const full = new PreTrainedTokenizer(json, read('tokenizer_config.json'));

const { cases, empty } = read('check.json');
let wrong = 0;
for (const { text, ids } of cases) {
  const own = text === '' ? [] : plain(text, { return_tensor: false, add_special_tokens: false }).input_ids;
  if (own.join(' ') !== ids.join(' ')) {
    wrong += 1;
    if (wrong <= 20) console.log(JSON.stringify({ text, python: ids, javascript: own }));
  }
}
const wrapped = full('', { return_tensor: false }).input_ids;
if (wrapped.join(' ') !== empty.join(' ')) wrong += 1;
console.log(`${cases.length - wrong} of ${cases.length} texts have the same ids`);
if (wrong > 0) process.exit(1);
