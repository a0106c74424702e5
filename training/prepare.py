"""Step 1: the training rows, without what occurs in an evaluation set.

    python training/prepare.py                  # about three minutes
    python training/prepare.py --smoke          # a sample
"""
from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path

from lateral_training.sources import Evaluation, Pair, Parallel, cloze, read_pairs, read_parallel, windows, write_rows

SMOKE_PAIRS, SMOKE_PARALLEL = 3000, 20000


def main() -> None:
    arguments = _arguments()
    rng = random.Random(arguments.seed)
    arguments.work.mkdir(parents=True, exist_ok=True)
    evaluation = Evaluation(arguments.evaluation)
    pairs, parallel = list(read_pairs(arguments.data)), list(read_parallel(arguments.data))
    if arguments.smoke:
        pairs, parallel = rng.sample(pairs, SMOKE_PAIRS), _every(parallel, len(parallel) // SMOKE_PARALLEL)
    clean = {text: evaluation.clean(text) for text in _texts(pairs, parallel)}
    parallel = [row for row in parallel if clean[row.a] and clean[row.b]]
    pairs = [row for row in pairs if clean[row.query] and clean[row.passage]]
    print(f"{sum(not value for value in clean.values())} of {len(clean)} texts occur in an evaluation set", flush=True)
    made = [*cloze(pairs, rng), *windows(parallel, rng)]
    pairs += [row for row in made if evaluation.clean(row.query) and evaluation.clean(row.passage)]
    write_rows(arguments.work / "pairs.jsonl", pairs)
    write_rows(arguments.work / "parallel.jsonl", parallel)
    print("pairs", dict(Counter(row.source for row in pairs)), "held out", sum(row.held_out for row in pairs))
    print("parallel", dict(Counter(row.source for row in parallel)))


def _every(rows: list[Parallel], step: int) -> list[Parallel]:
    """Every step-th run of 50 rows, so that articles keep their order."""
    return [row for place, row in enumerate(rows) if place // 50 % step == 0]


def _texts(pairs: list[Pair], parallel: list[Parallel]) -> set[str]:
    return {text for row in pairs for text in (row.query, row.passage)} | {text for row in parallel for text in (row.a, row.b)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--evaluation", type=Path, default=Path("../shared/data/eval"), help="only to drop what occurs in it")
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--smoke", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
