"""Step 6, optional: masked-language pretraining on all packed texts, before training. Worth it on a GPU; on two cores the
time is better spent on train.py.

    python training/pretrain.py --steps 20000 --device cuda --batch 512
    python training/train.py --initial training/work/pretrained.safetensors
"""
from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from lateral_training.model import Mini, autocast, load_model, save_model, tensors
from lateral_training.packed import Packed
from lateral_training.sequence import MASK_ID, SPECIALS, document_sequence

MASKED = 0.15


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    data = Packed.load(arguments.work / "train.pack")
    model = load_model(arguments.initial or arguments.work / "initial.safetensors").to(arguments.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    resume = arguments.work / "pretrain-resume.pt"
    first = _resume(resume, model, optimizer) if resume.exists() else 0
    started = time.time()
    for step in range(first, arguments.steps):
        for group in optimizer.param_groups:
            group["lr"] = arguments.rate * min((step + 1) / (0.03 * arguments.steps + 1), 1.03 - step / arguments.steps)
        loss = _step(model, data, np.random.default_rng((arguments.seed, step)), arguments)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % arguments.report == 0 or step + 1 == arguments.steps:
            print(json.dumps({"step": step + 1, "seconds": round(time.time() - started), "loss": round(float(loss.detach()), 4)}), flush=True)
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}, resume)
    save_model(model, arguments.work / "pretrained.safetensors")


def _step(model: Mini, data: Packed, rng: np.random.Generator, arguments: argparse.Namespace) -> torch.Tensor:
    """Cross-entropy of the masked tokens; the embedding table is the output layer too."""
    chosen = rng.integers(len(data.texts), size=arguments.batch)
    ids, mask = tensors([document_sequence(data.texts[int(index)], arguments.length) for index in chosen], arguments.device)
    hidden_places = torch.from_numpy(rng.random(tuple(ids.shape)) < MASKED).to(ids.device) & (ids >= len(SPECIALS))
    with autocast(arguments.device):
        hidden = model.hidden(ids.masked_fill(hidden_places, MASK_ID), mask)[hidden_places]
        logits = hidden @ model.embeddings["word_embeddings"].weight.T
    return F.cross_entropy(logits.float(), ids[hidden_places])


def _resume(path: Path, model: Mini, optimizer: torch.optim.Optimizer) -> int:
    state = torch.load(path, weights_only=False)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--initial", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=128, help="texts of a step")
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--report", type=int, default=100)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.steps, arguments.batch, arguments.report = 6, 16, 3
    return arguments


if __name__ == "__main__":
    main()
