"""Step 6: the untrained model: four of the base's six layers, embeddings for the new pieces, principal components as projection.

    python training/initialise.py               # about ten minutes
"""
from __future__ import annotations

import argparse
import random
from pathlib import Path

import torch
from safetensors.torch import load_file

from lateral_training.embeddings import embeddings
from lateral_training.model import LAYERS, Mini, save_model
from lateral_training.pca import principal_components
from lateral_training.sequence import Sequences
from lateral_training.sources import Pair, Parallel, read_rows
from lateral_training.teacher import base_folder, word_pieces


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    rng = random.Random(arguments.seed)
    sequences = Sequences(arguments.work / "tokenizer" / "tokenizer.json")
    base = {name: value.float() for name, value in load_file(arguments.base / "model.safetensors").items()}
    parallel = read_rows(arguments.work / "parallel.jsonl", Parallel)
    pairs = [pair for pair in read_rows(arguments.work / "pairs.jsonl", Pair) if not pair.held_out]
    model = Mini(sequences.size)
    with torch.no_grad():
        fill_body(model, base, [int(layer) for layer in arguments.layers.split(",")])
        words = base["embeddings.word_embeddings.weight"].numpy()
        table = embeddings(sequences, words, word_pieces(arguments.base), parallel, pairs, arguments.seed, arguments.show.split(","))
        model.embeddings["word_embeddings"].weight.copy_(torch.from_numpy(table))
        sample = rng.sample(pairs, min(arguments.rows, len(pairs)))
        sides = rng.sample(parallel, min(arguments.rows, len(parallel)))
        rows = sequences.documents([pair.passage for pair in sample] + [text for row in sides for text in (row.a, row.b)], 128)
        rows += [sequences.query(pair.query) for pair in sample]
        model.linear.weight.copy_(principal_components(model.eval(), rows))
    save_model(model, arguments.work / "initial.safetensors")


def fill_body(model: Mini, base: dict[str, torch.Tensor], layers: list[int]) -> None:
    """The chosen layers, in order; what positions and token types added to every token on average becomes `shift`."""
    state = model.state_dict()
    for target, source in zip(range(LAYERS), layers, strict=True):
        for name, value in base.items():
            if name.startswith(f"encoder.layer.{source}."):
                state[name.replace(f"layer.{source}.", f"layer.{target}.")].copy_(value)
    for part in ("weight", "bias"):
        state[f"embeddings.LayerNorm.{part}"].copy_(base[f"embeddings.LayerNorm.{part}"])
    positions = base["embeddings.position_embeddings.weight"][2:130].mean(0)
    state["shift"].copy_(positions + base["embeddings.token_type_embeddings.weight"][0])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=base_folder(), help="folder with all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--layers", default="0,3,4,5", help="which of the base's layers")
    parser.add_argument("--rows", type=int, default=1000, help="pairs, and parallel rows, for the principal components")
    parser.add_argument("--show", default="▁water,水", help="comma-separated pieces whose alignment is printed")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
