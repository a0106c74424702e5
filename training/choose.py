"""Step 2: chooses the rows to train on (small languages and sources count more) and the English texts for the teacher.

    python training/choose.py
"""
from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path

import numpy as np

from lateral_training.packed import Ragged, shares
from lateral_training.sources import Pair, Parallel, Row, read_rows, write_rows
from lateral_training.teacher import TEACHER_LENGTH, base_folder, word_pieces

POWER = 0.5
PAIR_FACTORS = {"ewn-gloss": 0.15, "cloze": 0.8, "ntrex-window": 1.5, "medquad": 0.7, "jaquad-train": 0.8}
TAUGHT = ("squad-dev", "tydi-train", "pubmedqa", "medquad", "tldr")  # pairs whose English texts the teacher reads too


def main() -> None:
    arguments = _arguments()
    rng = random.Random(arguments.seed)
    pairs = _choose_pairs(read_rows(arguments.work / "pairs.jsonl", Pair), arguments.pairs, rng)
    parallel = read_rows(arguments.work / "parallel.jsonl", Parallel)
    rows = _choose(parallel, [_group(row) for row in parallel], arguments.rows, {}, rng)
    write_rows(arguments.work / "chosen-pairs.jsonl", pairs)
    write_rows(arguments.work / "chosen-parallel.jsonl", rows)
    english = english_texts(pairs, rows)
    encoded = word_pieces(arguments.base).encode_batch_fast(english)
    ids = Ragged.of([item.ids[:TEACHER_LENGTH] for item in encoded])
    np.savez(arguments.work / "english.npz", flat=ids.flat, starts=ids.starts)
    print("pairs", dict(Counter(pair.source for pair in pairs)))
    print("parallel", dict(Counter(row.source for row in rows)), "sides", Counter(row.language_b for row in rows).most_common(40))
    print(len(english), "English texts", len(ids.flat), "tokens")


def english_texts(pairs: list[Pair], rows: list[Parallel]) -> list[str]:
    """In a fixed order: what the teacher reads."""
    texts: dict[str, None] = {}
    for pair in pairs:
        if pair.source in TAUGHT and pair.query_language == "en":
            texts.update({pair.query: None, pair.passage: None})
    for row in rows:
        if english_side(row):
            texts[english_side(row)] = None
    return list(texts)


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
    parser.add_argument("--base", type=Path, default=base_folder(), help="folder with all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--rows", type=int, default=420_000, help="parallel rows at most")
    parser.add_argument("--pairs", type=int, default=120_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rows, arguments.pairs = 4000, 1000
    return arguments


if __name__ == "__main__":
    main()
