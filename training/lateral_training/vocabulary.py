"""The tokenizer: byte-pair merges within lower-cased words, made so that Python and transformers.js give the same ids.

Every word, number and punctuation mark begins with "▁" (Metaspace, "always"), whatever stands before it, so that a word has
the same pieces after a space, a bracket or a digit. Scripts without spaces (Han, kana, Thai, …) have no "▁" at all
and are cut where the script changes; so a word has the same pieces within a sentence and at its start.

Merges rather than Unigram: frequent words are whole pieces (the trainer of Hugging Face's Unigram lost "which" and "people"
to "whi|ch"), which is what embeddings from word alignment want; and transformers.js has byte fallback for merges only. Every
character that the training data holds more than a few times is a piece; the rest is spelt in UTF-8 bytes.
"""
from __future__ import annotations

import json
from collections import Counter
from typing import Iterable, Iterator, Mapping

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "[QueryMarker]", "[DocumentMarker]")
BYTES = tuple(f"<0x{value:02X}>" for value in range(256))
SPACE = "▁"
MARK_COUNT = 1000  # enough to make "▁" and any mark one piece
HIRAGANA, KATAKANA = "ぁ-ゖゝゞー", "ァ-ヺヽヾー"
THAI = "ก-ฺเ-๎"
OTHER_UNSPACED = "ກ-ຽເ-ໍໜ-ໟက-ဿၐ-ႏក-៓"  # Lao, Burmese, Khmer
HAN = "々〆㐀-䶿一-鿿"
ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
OTHER_PUNCTUATION = "·•…¡¿§©®°±×÷€£¥₹→←・〈〉《》【】〔〕〜៖።፣፤፡։־"
# Typographic and foreign punctuation, written as the ASCII mark of the same use: they match and are skipped alike.
SAME = {"'": "‘’ʼ‛´′", '"': "“”„‟«»「」『』″", "-": "‐‑‒–—―−", ",": "、،", ".": "。।॥۔។။", "?": "؟", ";": "؛", "%": "٪"}
DROPPED = (
    # controls, soft hyphen, joiners, directions, variation selectors
    "\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufe00-\ufe0f"
    # what NFKC and lower case make of these depends on the version of Unicode
    "\u0890-\u089f\u08ca-\u08e1\u08e3-\u08ff\u32ff\ua7f1-\ua7f4\uab69\U00010780-\U000107ba\U0001ccd6-\U0001ccf9\U0001e030-\U0001e06d\U0001f16c\U0001fbf0-\U0001fbf9"
)
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
        pre_tokenizers.Split(Regex(" "), "removed"),
        isolate(f"[{_escaped(ASCII_PUNCTUATION)}{OTHER_PUNCTUATION}]"),
        isolate("[0-9]+"),
        isolate(f"[{''.join(unspaced)}]+"),
        pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always", split=False),
        pre_tokenizers.Split(Regex(f"{SPACE}(?=[{''.join(unspaced)}])"), "removed"),
        isolate("|".join(f"[{script}]+" for script in unspaced)),
    ])


def train(words: Mapping[str, int], alphabet: set[str], size: int) -> Tokenizer:
    """words: how often each pre-tokenised word counts; alphabet: characters that must be pieces."""
    tokenizer = Tokenizer(models.BPE())
    marks = {SPACE + mark: MARK_COUNT for mark in ASCII_PUNCTUATION + OTHER_PUNCTUATION}
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=[*SPECIALS, *BYTES], initial_alphabet=sorted(alphabet), min_frequency=2,
        max_token_length=16, show_progress=False,
    )
    repeated = ([word] * count for word, count in {**words, **marks}.items())
    tokenizer.train_from_iterator(repeated, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return finish(model["vocab"], [tuple(merge) for merge in model["merges"]])


def finish(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    """A tokenizer over these pieces that wraps a text in <s> and </s>."""
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True))
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
    """Letters that any text may hold."""
    ranges = [HIRAGANA, KATAKANA, THAI, OTHER_UNSPACED, "a-zà-öø-ÿ", "а-яё-џ", "α-ω", "א-ת", "ء-ي", "0-9"]
    return {letter for text in ranges for letter in _expand(text)} | set(ASCII_PUNCTUATION) | set(OTHER_PUNCTUATION) | {SPACE}


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
