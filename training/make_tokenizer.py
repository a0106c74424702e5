"""Step 4: the tokenizer, and the files that carry it in a model folder.

    python training/make_tokenizer.py           # about ten minutes
    node training/check_tokenizer.mjs           # transformers.js gives the same ids
"""
from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path

from lateral_training.sequence import write_tokenizer_files
from lateral_training.sources import Pair, Parallel, read_rows, read_text
from lateral_training.vocabulary import normalizer, required_characters, train, word_counts

POWER = 0.5
TEXT_ONLY = 0.3  # weight of a language that has running text only, so that nothing is learnt of its meaning
RARE = 4  # a character seen less often (in a language's whole text) is no piece


def main() -> None:
    arguments = _arguments()
    texts = texts_by_language(arguments.work, arguments.data)
    parallel = {language for row in read_rows(arguments.work / "parallel.jsonl", Parallel) for language in (row.language_a, row.language_b)}
    weights = {language: sum(map(len, own)) ** POWER * (1.0 if language in parallel else TEXT_ONLY) for language, own in texts.items()}
    words, alphabet = sampled_words(texts, weights, arguments.characters, random.Random(arguments.seed))
    print(f"{len(texts)} languages, {len(words)} words, {len(alphabet)} characters", flush=True)
    tokenizer = train(words, alphabet, arguments.size)
    write_tokenizer_files(tokenizer, arguments.work / "tokenizer")
    print(tokenizer.get_vocab_size(), "pieces")


def texts_by_language(work: Path, data: Path) -> dict[str, list[str]]:
    """Every different training text once, by language."""
    texts: dict[str, set[str]] = {}
    for row in read_rows(work / "pairs.jsonl", Pair):
        if not row.source.endswith("-window"):
            texts.setdefault(row.query_language, set()).add(row.query)
            texts.setdefault(row.passage_language or "en", set()).add(row.passage)
    for line in read_rows(work / "parallel.jsonl", Parallel):
        texts.setdefault(line.language_a, set()).add(line.a)
        texts.setdefault(line.language_b, set()).add(line.b)
    for language, text in read_text(data):
        texts.setdefault(language, set()).add(text)
    return {language: sorted(own) for language, own in sorted(texts.items())}


def sampled_words(
    texts: dict[str, list[str]], weights: dict[str, float], characters: int, rng: random.Random
) -> tuple[dict[str, int], set[str]]:
    """Words and how often the trainer sees them, from about `characters` characters, shared by weight.
    Also the alphabet: characters that stand often enough in all the texts."""
    total = sum(weights.values())
    normal = normalizer().normalize_str
    words: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for language, own in texts.items():
        share = characters * weights[language] / total / sum(map(len, own))
        repeat = min(2, max(1, round(share)))
        counts = word_counts(text for text in own if rng.random() < share)
        for word, count in counts.items():
            words[word] += count * repeat
            for letter in word:
                letters[letter] += count
        if share < 1:  # rare characters of the whole language count too
            letters.update("".join(map(normal, rng.sample(own, min(len(own), 30_000)))))
    frequent = {letter for letter, count in letters.items() if count >= RARE and letter.isprintable() and not letter.isspace()}
    alphabet = frequent | required_characters()
    return {word: count for word, count in words.items() if count > 1 and alphabet.issuperset(word)}, alphabet


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--size", type=int, default=56_000)
    parser.add_argument("--characters", type=int, default=60_000_000, help="how much text the trainer sees")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.size, arguments.characters = 12_000, 2_000_000
    return arguments


if __name__ == "__main__":
    main()
