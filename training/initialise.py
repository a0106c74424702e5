"""Step 6: the untrained model: the teacher's body and projection, embeddings for the new pieces.

    python training/initialise.py               # about six minutes
"""
from __future__ import annotations

import argparse
from pathlib import Path

import torch

from lateral_training.embeddings import embeddings
from lateral_training.model import LAYERS, POSITIONS, Mini, save_model
from lateral_training.sequence import Sequences
from lateral_training.sources import Pair, Parallel, read_rows
from lateral_training.teacher import TEACHER, Teacher, word_pieces


KEPT_LAYERS = (0, 1, 2, 4, 5)  # nDCG@10 on cuts of WikiQA, StackFAQ, XQuAD-de: .90, .58, .85; without 1, 2, 4 or 5 less on one at least


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    sequences = Sequences(arguments.work / "tokenizer" / "tokenizer.json")
    teacher = Teacher(arguments.teacher / "model_q4.onnx").state
    parallel = read_rows(arguments.work / "parallel.jsonl", Parallel)
    pairs = [pair for pair in read_rows(arguments.work / "pairs.jsonl", Pair) if not pair.held_out]
    model = Mini(sequences.size)
    with torch.no_grad():
        fill_body(model, teacher)
        words = teacher["word_embeddings"].numpy()
        table = embeddings(sequences, words, word_pieces(arguments.teacher), parallel, pairs, arguments.seed, arguments.show.split(","))
        model.embeddings["word_embeddings"].weight.copy_(torch.from_numpy(table))
    save_model(model, arguments.work / "initial.safetensors")


def fill_body(model: Mini, teacher: dict[str, torch.Tensor]) -> None:
    """The teacher without its words and without one of its layers, which makes the model quick enough and costs least."""
    state = model.state_dict()
    for layer, source in zip(range(LAYERS), KEPT_LAYERS, strict=True):
        name, there = f"encoder.layer.{layer}", f"encoder.layer.{source}"
        for part in ("weight", "bias"):
            for own, value in zip(("query", "key", "value"), teacher[f"{there}.attention.self.qkv.{part}"].chunk(3)):
                state[f"{name}.attention.self.{own}.{part}"].copy_(value)
            for place in ("attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"):
                state[f"{name}.{place}.{part}"].copy_(teacher[f"{there}.{place}.{part}"])
    for part in ("weight", "bias"):
        state[f"embeddings.LayerNorm.{part}"].copy_(teacher[f"embeddings.LayerNorm.{part}"])
    state["positions"].copy_(teacher["position_embeddings"][:POSITIONS])
    state["linear.weight"].copy_(teacher["linear.weight"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, default=TEACHER, help="folder with lateral-mini@0")
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--show", default="▁water,水", help="comma-separated pieces whose alignment is printed")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
