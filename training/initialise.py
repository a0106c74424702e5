"""Step 2: the untrained model (base body, two markers, principal components as projection).

    python training/initialise.py
"""
from __future__ import annotations

import argparse
import random
from pathlib import Path

import torch

from lateral_training.data import read_pairs
from lateral_training.model import base_folder, base_model, save_model
from lateral_training.pca import principal_components
from lateral_training.sequence import Sequences


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    sequences = Sequences(arguments.work / "tokenizer" / "tokenizer.json")
    pairs = [pair for pair in read_pairs(arguments.work / "pairs.jsonl") if not pair.held_out]
    sample = random.Random(arguments.seed).sample(pairs, min(arguments.pairs, len(pairs)))
    rows = [sequences.document(pair.passage, 160) for pair in sample] + [sequences.query(pair.query) for pair in sample]
    model = base_model(arguments.base).eval()
    with torch.no_grad():
        model.linear.weight.copy_(principal_components(model, rows, drop_mean=not arguments.keep_mean))
    save_model(model, arguments.output or arguments.work / "initial" / "model.safetensors")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=base_folder(), help="folder with all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--output", type=Path)
    parser.add_argument("--pairs", type=int, default=1500)
    parser.add_argument("--keep-mean", action="store_true", help="do not project out the mean token vector")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
