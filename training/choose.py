"""Step 2: chooses the rows to train on (small languages and sources count more) and the English texts that the teacher reads.

    python training/choose.py
"""
from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path

from lateral_training.packed import shares
from lateral_training.sources import English, Pair, Parallel, Row, read_rows, write_rows

POWER = 0.5
PAIR_FACTORS = {"ewn-gloss": 0.15, "cloze": 0.8, "ntrex-window": 0.9, "medquad": 0.7, "jaquad-train": 0.8}
GLOSSES_AS_QUERIES = 0.3


def main() -> None:
    arguments = _arguments()
    rng = random.Random(arguments.seed)
    pairs = _choose_pairs(read_rows(arguments.work / "pairs.jsonl", Pair), arguments.pairs, rng)
    parallel = read_rows(arguments.work / "parallel.jsonl", Parallel)
    rows = _choose(parallel, [_group(row) for row in parallel], arguments.rows, {}, rng)
    write_rows(arguments.work / "chosen-pairs.jsonl", pairs)
    write_rows(arguments.work / "chosen-parallel.jsonl", rows)
    english = english_texts(pairs, rows, _glosses(arguments, rng))
    write_rows(arguments.work / "chosen-english.jsonl", english)
    print("pairs", dict(Counter(pair.source for pair in pairs)))
    print("parallel", dict(Counter(row.source for row in rows)), "sides", Counter(row.language_b for row in rows).most_common(40))
    print(len(english), "English texts,", sum(row.role == "query" for row in english), "of them queries")


def english_texts(pairs: list[Pair], rows: list[Parallel], glosses: list[English]) -> list[English]:
    """What the teacher reads: both sides of English pairs, the English side of parallel rows, and definitions for their rare words."""
    texts: dict[English, None] = {}
    for pair in pairs:
        if pair.query_language == pair.passage_language == "en":
            texts.update({English("query", pair.query): None, English("document", pair.passage): None})
    for row in rows:
        if english_side(row):
            texts[English("document", english_side(row))] = None
    return list(texts | dict.fromkeys(glosses))


def _glosses(arguments: argparse.Namespace, rng: random.Random) -> list[English]:
    texts = sorted({pair.query for pair in read_rows(arguments.work / "pairs.jsonl", Pair) if pair.source == "ewn-gloss"})
    chosen = rng.sample(texts, min(arguments.glosses, len(texts)))
    return [English("query" if rng.random() < GLOSSES_AS_QUERIES else "document", text) for text in chosen]


def english_side(row: Parallel) -> str:
    return row.a if row.language_a == "en" else row.b if row.language_b == "en" else ""


def _group(row: Parallel) -> str:
    return f"{row.source} {row.language_a} {row.language_b}"


def _choose_pairs(pairs: list[Pair], budget: int, rng: random.Random) -> list[Pair]:
    """Neighbours stay neighbours (they come from the same article), so whole runs are taken."""
    return _choose(pairs, [pair.source for pair in pairs], budget, PAIR_FACTORS, rng, run=16)


def _choose(rows: list[Row], groups: list[str], budget: int, factors: dict[str, float], rng: random.Random, run: int = 1) -> list[Row]:
    wanted = shares(groups, budget, POWER, factors)
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    chosen: list[int] = []
    for group, own in members.items():
        runs = [own[start : start + run] for start in range(0, len(own), run)]
        rng.shuffle(runs)
        chosen += [index for part in runs for index in part][: wanted[group]]
    return [rows[index] for index in sorted(chosen)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--rows", type=int, default=360_000, help="parallel rows at most")
    parser.add_argument("--pairs", type=int, default=110_000)
    parser.add_argument("--glosses", type=int, default=36_000, help="definitions that the teacher reads")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rows, arguments.pairs, arguments.glosses = 4000, 1000, 500
    return arguments


if __name__ == "__main__":
    main()
