"""Step 1: training pairs, tokenizer files, and the teacher's sentence vectors.

    python training/prepare.py                  # about ten minutes on two cores
    python training/prepare.py --smoke          # 400 pairs
"""
from __future__ import annotations

import argparse
import hashlib
import random
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from lateral_training.data import Pair, all_pairs, write_pairs
from lateral_training.model import base_folder, base_model
from lateral_training.sequence import Sequences, make_tokenizer_files
from lateral_training.teacher import pooled

TEACHER_QUERY_TOKENS, TEACHER_PASSAGE_TOKENS = 48, 160


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    work: Path = arguments.work
    make_tokenizer_files(arguments.base, work / "tokenizer")
    evaluation = arguments.evaluation if arguments.evaluation.exists() else None
    pairs = all_pairs(arguments.data, evaluation, arguments.seed)
    if arguments.smoke:
        pairs = random.Random(arguments.seed).sample(pairs, 400)
    write_pairs(work / "pairs.jsonl", pairs)
    print("pairs", len(pairs), "held out", sum(pair.held_out for pair in pairs), dict(Counter(pair.source for pair in pairs)), flush=True)
    _teach(work, arguments.base, pairs)


def _teach(work: Path, base: Path, pairs: list[Pair]) -> None:
    """Mean-pooled unit vectors of the base model, for every query and every passage, in the order of the pairs."""
    sequences = Sequences(work / "tokenizer" / "tokenizer.json")
    model = base_model(base).eval()
    for name, texts, length in (
        ("queries", [pair.query for pair in pairs], TEACHER_QUERY_TOKENS),
        ("passages", [pair.passage for pair in pairs], TEACHER_PASSAGE_TOKENS),
    ):
        key = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
        target = work / f"teacher-{name}-{key}.npy"
        if not target.exists():
            np.save(target, pooled(model, sequences, texts, length).astype(np.float16))
        (work / f"teacher-{name}.txt").write_text(target.name)
        print("teacher", name, target.name, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=base_folder(), help="folder with all-MiniLM-L6-v2")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--evaluation", type=Path, default=Path("../shared/data/eval"), help="only to drop pairs that occur in it")
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
