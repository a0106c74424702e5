"""The tokenizer: Unigram over lower-cased words, made so that Python and transformers.js give the same ids.

Every word, number, punctuation mark and run of an unspaced script begins with "▁" (Metaspace, "always"), whatever
stands before it, so that a word has the same pieces after a space, a bracket or a digit. Scripts without spaces
(Han, kana, Thai, …) are cut where the script changes, and their "▁" is a token of its own; so a word has
the same pieces within a sentence and at its start.

Byte fallback is not used: transformers.js has none for Unigram. Instead every character that the training data holds more
than a few times is a piece; the rest is <unk>. transformers.js fuses neighbouring unknowns across words and Python only
within one; since a word begins with the known piece "▁", and the other cuts have a known character on one side, they agree.
"""
from __future__ import annotations

import json
import unicodedata
from collections import Counter
from typing import Any, Iterable, Iterator

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "[QueryMarker]", "[DocumentMarker]")
SPACE = "▁"
HIRAGANA, KATAKANA = "ぁ-ゖゝゞー", "ァ-ヺヽヾー"
THAI = "ก-ฺเ-๎"
OTHER_UNSPACED = "ກ-ຽເ-ໍໜ-ໟက-ဿၐ-ႏក-៓"  # Lao, Burmese, Khmer
HAN = "々〆㐀-䶿一-鿿"
ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
OTHER_PUNCTUATION = "·•…¡¿§©®°±×÷€£¥₹→←・〈〉《》【】〔〕〜៖።፣፤፡։־"
# Typographic and foreign punctuation, written as the ASCII mark of the same use: they match and are skipped alike.
SAME = {"'": "‘’ʼ‛´′", '"': "“”„‟«»「」『』″", "-": "‐‑‒–—―−", ",": "、،", ".": "。।॥۔។။", "?": "؟", ";": "؛", "%": "٪"}
DROPPED = "\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufe00-\ufe0f"
MARKS = "\u064b-\u0652\u0640\u0670\u0591-\u05bd\u05bf\u05c1\u05c2"  # vowel signs and stretching of Arabic and Hebrew


def normalizer() -> normalizers.Normalizer:
    """Compatibility forms, lower case (with one small sigma, and a dotless treatment of İ), one kind of space and quote."""
    replace = normalizers.Replace
    return normalizers.Sequence([
        replace(Regex(f"[{DROPPED}]"), ""),
        normalizers.NFKC(),
        normalizers.Lowercase(),
        replace("ς", "σ"),
        replace("i\u0307", "i"),
        replace(Regex(f"[{MARKS}]"), ""),
        *(replace(Regex(f"[{others}]"), mark) for mark, others in SAME.items()),
        replace(Regex("[\t\n\u000b\u000c\r\u0085\u2028\u2029 ]+"), " "),
    ])


def pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    def isolate(characters: str) -> pre_tokenizers.PreTokenizer:
        return pre_tokenizers.Split(Regex(characters), "isolated")

    unspaced = [HIRAGANA, KATAKANA, THAI, OTHER_UNSPACED, HAN]
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(" ", "removed"),
        isolate(f"[{_escaped(ASCII_PUNCTUATION)}{OTHER_PUNCTUATION}]"),
        isolate("[0-9]+"),
        isolate(f"[{''.join(unspaced)}]+"),
        pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always", split=False),
        isolate("|".join(f"[{script}]+" for script in unspaced)),
    ])


def train(texts: Iterable[tuple[str, int]], alphabet: set[str], size: int) -> Tokenizer:
    """texts: (normalised word, count)…; alphabet: characters that must be pieces."""
    tokenizer = Tokenizer(models.Unigram())
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=list(SPECIALS), unk_token="<unk>", max_piece_length=16, n_sub_iterations=2, seed_size=400_000,
        initial_alphabet=sorted(alphabet), show_progress=False,
    )
    tokenizer.train_from_iterator((word for word, count in texts for _ in range(count)), trainer)
    return finish(_with_marks(json.loads(tokenizer.to_str())["model"]["vocab"]))


def finish(pieces: list[tuple[str, float]]) -> Tokenizer:
    """A Unigram tokenizer over these pieces, specials first, that wraps a text in <s> and </s>."""
    tokenizer = Tokenizer(models.Unigram([(piece, score) for piece, score in pieces], unk_id=SPECIALS.index("<unk>")))
    tokenizer.normalizer = normalizer()
    tokenizer.pre_tokenizer = pre_tokenizer()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIALS])
    start, end = SPECIALS[0], SPECIALS[2]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", pair=f"{start} $A {end} {end} $B {end}", special_tokens=[(start, 0), (end, 2)]
    )
    return tokenizer


def word_counts(texts: Iterable[str]) -> Counter[str]:
    """Normalised, pre-tokenised words of the texts."""
    normal, cut = normalizer(), pre_tokenizer()
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word, _ in cut.pre_tokenize_str(normal.normalize_str(text)))
    return counts


def required_characters() -> set[str]:
    """Characters on which the cuts rely, and letters that any text may hold."""
    ranges = [HIRAGANA, KATAKANA, THAI, OTHER_UNSPACED, "a-zà-öø-ÿ", "а-яё-џ", "α-ω", "א-ת", "ء-ي", "0-9"]
    letters = {letter for text in ranges for letter in _expand(text)}
    known = {letter for letter in letters if unicodedata.category(letter) != "Cn"}
    return known | set(ASCII_PUNCTUATION) | set(OTHER_PUNCTUATION) | {SPACE}


def _with_marks(pieces: list[list[Any]]) -> list[tuple[str, float]]:
    """Puts "▁" + mark for every mark that stands alone into the vocabulary, in place of the least likely long pieces."""
    known = {piece for piece, _ in pieces}
    wanted = [SPACE + mark for mark in ASCII_PUNCTUATION + OTHER_PUNCTUATION if SPACE + mark not in known]
    by_score = sorted((score, piece) for piece, score in pieces[len(SPECIALS) :] if len(piece) > 2)
    dropped = {piece for _, piece in by_score[: len(wanted)]}
    score = sorted(score for _, score in pieces)[len(pieces) // 2]
    kept = [(piece, score) for piece, score in pieces if piece not in dropped]
    return kept + [(piece, score) for piece in wanted]


def _expand(ranges: str) -> Iterator[str]:
    place = 0
    while place < len(ranges):
        if ranges[place + 1 : place + 2] == "-":
            yield from map(chr, range(ord(ranges[place]), ord(ranges[place + 2]) + 1))
            place += 3
        else:
            yield ranges[place]
            place += 1


def _escaped(characters: str) -> str:
    return "".join("\\" + letter if letter in "\\[]^-" else letter for letter in characters)
