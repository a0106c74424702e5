"""Writes the texts on which check_tokenizer.mjs compares transformers.js with Python, and Python's ids of them.

    python training/check_tokenizer.py && node training/check_tokenizer.mjs
"""
from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from tokenizers import Tokenizer

from lateral_training.sequence import Sequences
from make_tokenizer import texts_by_language

HOSTILE = (
    "", " ", " \t\n ", "<s> </s> <mask> [QueryMarker] ▁ ▁▁ _ __", "a▁b ▁c", "ΟΔΟΣ Οδός ς", "İstanbul ISPARTA ı I", "ǅ ǆ ŉ ﬁ ﬃ ½ ² ™ ℃ Ⅷ",
    "e\u0301 é e\u0323\u0301 ẹ\u0301 \u0301 x\u0301\u0302", "\ufeffBOM\u200b\u200czero\u200dwidth\u00ad", "می‌خواهم كِتَابٌ ـــ שָׁלוֹם", "👩‍💻👨‍👩‍👧‍👦🇩🇪🏳️‍🌈🚀🚀",
    "龘龘 䶵䶵 𠀀𠀁 龘, 龘", "ᚠᛇᚻ ᛒᛦᚦ 𐌰𐌱 𝒳𝓎 ꙮ", "東京は日本の首都です。カタカナー、らーめん「iPhone15」", "在iPhone上使用2020年的数据", "ภาษาไทย๑๒๓ ພາສາລາວ မြန်မာ ខ្មែរ", "서울은 한국의 수도 가나다",
    "१२३ ٣٤٥ 123４５６ x²+y²=z²", "don't ‘quote’ “double” «guillemets» – — … 100 % 5°C", "snake_case camelCase foo.bar(baz)[0] -> a && b || ~c ^ d \\n $x {y} `z`",
    "\u0000\u0001\u001f\u007f\u0085\u2028\u2029", "\ud7ff\ue000\ufffd\U0010ffff", "ａｂｃ　全角　！？", "ﷺ ﻻ ㍿ ㎏ ㌔", "a" * 300, "漢" * 200, "ÅÅÅ ß ẞ SS ŒÆ", "ᏣᎳᎩ ꭰꭱ", "ა Ა",
)


def main() -> None:
    arguments = _arguments()
    rng = random.Random(arguments.seed)
    folder: Path = arguments.work / "tokenizer"
    sequences = Sequences(folder / "tokenizer.json")
    texts = list(HOSTILE)
    for own in texts_by_language(arguments.work, arguments.data).values():
        texts += rng.sample(own, min(8, len(own)))
    letters = "".join(texts)
    texts += ["".join(rng.choice(letters) for _ in range(rng.randint(1, 40))) for _ in range(1500)]
    texts += ["".join(chr(_any_character(rng)) for _ in range(rng.randint(1, 20))) for _ in range(1500)]
    cases = [{"text": text, "ids": ids} for text, ids in zip(texts, sequences.plain(texts))]
    empty = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("").ids
    (folder / "check.json").write_text(json.dumps({"cases": cases, "empty": empty}), "utf-8")
    unknown = sum(ids.count(sequences.tokenizer.token_to_id("<unk>")) for ids in sequences.plain(texts[: -3000]))
    print(f"{len(texts)} texts; {unknown} unknown pieces in the first {len(texts) - 3000}")


def _any_character(rng: random.Random) -> int:
    """A code point of the first planes that is no surrogate."""
    while True:
        code = rng.randint(1, rng.choice((0x2FF, 0x2FFF, 0xFFFF, 0x1FFFF)))
        if not 0xD800 <= code <= 0xDFFF:
            return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    main()
