"""The rows of the data folder (TRAIN.md), cleaned of everything that an evaluation set holds.

    Pair       a question (or headline, gloss, sentence) and the passage that answers it
    Parallel   one sentence in two languages
"""
from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import random
import re
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Iterable, Iterator, Sequence, TypeVar

PARALLEL = ("ntrex", "tico19", "django-docs", "python-docs-fr", "mozilla-www", "tatoeba")
ORDERED = ("ntrex", "tico19")  # their rows follow the order of articles
HELD_OUT_PERCENT = 2
EDGE = 100  # folded characters at the start and at the end of a passage that give it away
WINDOW = 5  # sentences of an article that make a passage


@dataclass(frozen=True)
class Pair:
    source: str
    query_language: str
    query: str
    passage_language: str
    passage: str

    @property
    def held_out(self) -> bool:
        """Split by the passage, so that no passage is on both sides."""
        return _hash(self.passage) % 100 < HELD_OUT_PERCENT


@dataclass(frozen=True)
class Parallel:
    source: str
    language_a: str
    a: str
    language_b: str
    b: str


@dataclass(frozen=True)
class English:
    role: str  # "query" or "document"
    text: str


Row = TypeVar("Row", Pair, Parallel, English)


def read_pairs(folder: Path) -> Iterator[Pair]:
    for path in sorted((folder / "pairs").glob("*.jsonl.xz")):
        seen: set[tuple[str, str]] = set()
        for row in _lines(path):
            key = (row["q"].strip(), row["p"].strip())
            if all(key) and key not in seen:
                seen.add(key)
                passage_language = "" if "afriqa" in path.name else row["lang"]
                yield Pair(path.name.split(".")[0], row["lang"], key[0], passage_language, key[1])


def read_parallel(folder: Path) -> Iterator[Parallel]:
    for source in PARALLEL:
        for row in _lines(folder / "parallel" / f"{source}.jsonl.xz"):
            if row["a"].strip() and row["b"].strip():
                yield Parallel(source, row["la"], row["a"].strip(), row["lb"], row["b"].strip())


def read_text(folder: Path) -> Iterator[tuple[str, str]]:
    with lzma.open(folder / "text" / "mul.txt.xz", "rt", encoding="utf-8") as lines:
        for line in lines:
            language, _, text = line.rstrip("\n").partition("\t")
            yield language, text


class Evaluation:
    """Folded texts of the evaluation sets; a training text that is one of them, or begins or ends as one, is unclean."""

    def __init__(self, folder: Path) -> None:
        self.known: set[str] = set()
        for path in sorted(folder.glob("*/*.jsonl.gz")):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    self.known.update(_edges(_fold(json.loads(line)["text"])))

    def clean(self, text: str) -> bool:
        return not self.known.intersection(_edges(_fold(text)))


def cloze(pairs: Sequence[Pair], rng: random.Random) -> Iterator[Pair]:
    """Inverse cloze: a sentence of a passage as its query, the rest of the passage as the answer."""
    skipped = ("tldr", "ewn-gloss")
    passages = sorted({(pair.passage_language, pair.passage) for pair in pairs if pair.source not in skipped})
    for language, passage in passages:
        sentences = re.split(r"(?<=[.!?।።])\s+|(?<=[。！？])", passage)
        if len(sentences) >= 3:
            index = rng.randrange(len(sentences))
            if 20 <= len(sentences[index]) <= 200:
                rest = " ".join(sentences[:index] + sentences[index + 1 :])
                yield Pair("cloze", language, sentences[index], language, rest)


def windows(parallel: Sequence[Parallel], rng: random.Random) -> Iterator[Pair]:
    """Consecutive sentences of an article in one language; the query is one of them in another language,
    or, where it is in the same language, is cut out of the passage."""
    for source in ORDERED:
        rows = [row for row in parallel if row.source == source and row.language_a == "en"]
        versions: dict[str, list[tuple[str, str]]] = {}  # English sentence → (language, its translation)
        articles: dict[str, list[tuple[str, str]]] = {"en": []}  # language → (English sentence, its own) in order
        for row in rows:
            versions.setdefault(row.a, [("en", row.a)]).append((row.language_b, row.b))
            articles.setdefault(row.language_b, []).append((row.a, row.b))
        articles["en"] = [(text, text) for text in versions]
        for language, lines in sorted(articles.items()):
            copies = 12 if language == "en" else 1
            for start in [place for place in range(0, len(lines) - WINDOW + 1, WINDOW) for _ in range(copies)]:
                part = lines[start : start + WINDOW]
                index = rng.randrange(WINDOW)
                query_language, query = rng.choice([*versions[part[index][0]], (language, part[index][1])])
                texts = [text for place, (_, text) in enumerate(part) if query_language != language or place != index]
                if len(query) >= 20:
                    yield Pair(f"{source}-window", query_language, query, language, " ".join(texts))


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(astuple(row), ensure_ascii=False) + "\n")


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    with path.open(encoding="utf-8") as lines:
        return [kind(*json.loads(line)) for line in lines]


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _edges(folded: str) -> tuple[str, ...]:
    return (folded, folded[:EDGE], folded[-EDGE:]) if len(folded) > EDGE else (folded,)


def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
