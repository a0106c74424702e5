"""Step 3: contrastive fine-tuning with MaxSim, at 128, 96 and 64 dimensions at once, as the quantised model it will be.

    python training/train.py --minutes 40
    python training/train.py --smoke

Stops at --steps or --minutes, whichever comes first (the learning rate follows the nearer end). Run again to resume.
"""
from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from lateral_training.data import Pair, read_pairs
from lateral_training.model import DIMENSIONS, Mini, autocast, encode, load_model, save_model, tensors
from lateral_training.retrieval import maxsim as scores_of
from lateral_training.sequence import Sequences

PASSAGE_TOKENS = 160
DIMENSION_WEIGHTS = {128: 1.0, 96: 0.5, 64: 0.5}


@dataclass
class Corpus:
    """Pairs as token ids, with the teacher's vectors."""

    pairs: list[Pair]
    queries: list[list[int]]
    passages: list[list[int]]
    teacher_queries: torch.Tensor
    teacher_passages: torch.Tensor

    def __len__(self) -> int:
        return len(self.pairs)


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    sequences = Sequences(arguments.work / "tokenizer" / "tokenizer.json")
    train, held_out = load_corpora(arguments.work, sequences)
    print("train", len(train), "held out", len(held_out), flush=True)
    Trainer(arguments, sequences, train, held_out).run()


def load_corpora(work: Path, sequences: Sequences) -> tuple[Corpus, Corpus]:
    pairs = read_pairs(work / "pairs.jsonl")
    teacher = [np.load(work / (work / f"teacher-{name}.txt").read_text().strip()) for name in ("queries", "passages")]

    def part(held_out: bool) -> Corpus:
        index = [place for place, pair in enumerate(pairs) if pair.held_out == held_out]
        chosen = [pairs[place] for place in index]
        return Corpus(
            chosen,
            [sequences.query(pair.query) for pair in chosen],
            sequences.documents([pair.passage for pair in chosen], PASSAGE_TOKENS),
            torch.from_numpy(teacher[0][index]).float(),
            torch.from_numpy(teacher[1][index]).float(),
        )

    return part(False), part(True)


class Trainer:
    def __init__(self, arguments: argparse.Namespace, sequences: Sequences, train: Corpus, held_out: Corpus) -> None:
        self.arguments, self.sequences, self.train, self.held_out = arguments, sequences, train, held_out
        self.model = load_model(arguments.initial or arguments.work / "initial" / "model.safetensors")
        self.model.drop = arguments.dropout
        self.model.embeddings["word_embeddings"].requires_grad_(False)
        self.log_scales = torch.nn.Parameter(torch.full((len(DIMENSIONS),), math.log(arguments.scale)))
        self.optimizer = torch.optim.AdamW(_groups(self.model, self.log_scales, arguments.rate), betas=(0.9, 0.98), eps=1e-6)
        self.rng = np.random.default_rng(arguments.seed)
        self.queue: list[np.ndarray] = []
        self.step, self.seconds, self.best = 0, 0.0, -1.0
        self.log: list[dict[str, Any]] = []
        self.folder: Path = arguments.work / arguments.run
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / "resume.pt").exists():
            self._resume()

    def run(self) -> None:
        arguments = self.arguments
        if self.step == 0:
            self._check()
        losses: list[dict[str, float]] = []
        while self._progress() < 1:
            started = time.time()
            for group in self.optimizer.param_groups:
                group["lr"] = group["base"] * self._rate()
            if self._progress() >= arguments.quantize_from:
                self.model.quantize_while_training(4)
            losses.append(self._one_step(self._next_batch()))
            self.step += 1
            self.seconds += time.time() - started
            if self.step % arguments.report == 0:
                mean = {key: round(float(np.mean([row[key] for row in losses])), 4) for key in losses[0]}
                print(f"step {self.step} {self.seconds:.0f} s progress {self._progress():.3f} {mean}", flush=True)
                self.log.append({"step": self.step, "seconds": round(self.seconds), **mean})
                losses = []
            if self.step % arguments.check == 0 or self._progress() >= 1:
                self._check()
                self._save()

    def _progress(self) -> float:
        return max(self.step / self.arguments.steps, self.seconds / 60 / self.arguments.minutes)

    def _rate(self) -> float:
        """Linear warm-up over the first 5 %, then a cosine to 3 %."""
        progress = min(1.0, self._progress())
        return min(1.0, (self.step + 1) / 20, (progress + 0.005) / 0.05) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * progress)))

    def _one_step(self, batch: np.ndarray) -> dict[str, float]:
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        corpus = self.train
        queries = self._rows([corpus.queries[index] for index in batch])
        passages = [corpus.passages[index] for index in batch]
        order = sorted(range(len(batch)), key=lambda place: len(passages[place]))
        groups = [order[start : start + 16] for start in range(0, len(order), 16)]
        vectors = [self._rows([passages[place] for place in group]) for group in groups]
        kept = [self._kept([passages[place] for place in group]) for group in groups]
        column = torch.tensor([place for group in groups for place in group])

        teacher = corpus.teacher_queries[batch] @ corpus.teacher_passages[batch].T / self.arguments.teacher_temperature
        same = _same_passage([corpus.pairs[index].passage for index in batch])
        target = F.softmax(teacher.masked_fill(same, -1e4), dim=1)
        total = torch.zeros(())
        report: dict[str, float] = {}
        for place, dim in enumerate(DIMENSIONS):
            unit_queries = F.normalize(queries[..., :dim], dim=-1)
            parts = [maxsim(unit_queries, F.normalize(rows[..., :dim], dim=-1), keep) for rows, keep in zip(vectors, kept)]
            scores = torch.empty(len(batch), len(batch)).index_copy(1, column, torch.cat(parts, 1))
            logits = (scores * self.log_scales[place].exp()).masked_fill(same, -1e4)
            contrast = 0.75 * F.cross_entropy(logits, torch.arange(len(batch))) + 0.25 * F.cross_entropy(
                logits.T, torch.arange(len(batch))
            )
            distill = F.kl_div(F.log_softmax(logits, 1), target, reduction="batchmean")
            weights = self.arguments
            total = total + DIMENSION_WEIGHTS[dim] * (weights.contrast * contrast + weights.distill * distill)
            report[f"contrast{dim}"], report[f"distill{dim}"] = contrast.item(), distill.item()
        total.backward()
        torch.nn.utils.clip_grad_norm_([parameter for group in self.optimizer.param_groups for parameter in group["params"]], 1.0)
        self.optimizer.step()
        return {**report, "scale": self.log_scales.detach().exp().mean().item()}

    def _rows(self, sequences: Sequence[Sequence[int]]) -> torch.Tensor:
        with autocast():
            return self.model(*tensors(sequences))

    def _kept(self, sequences: Sequence[Sequence[int]]) -> torch.Tensor:
        width = max(map(len, sequences))
        keep = torch.zeros(len(sequences), width, dtype=torch.bool)
        for place, ids in enumerate(sequences):
            keep[place, : len(ids)] = torch.from_numpy(self.sequences.kept(ids))
        return keep

    def _next_batch(self) -> np.ndarray:
        while not self.queue:
            self.queue = list(make_batches(self.train, self.arguments.batch, self.arguments.neighbours, self.rng))
        return self.queue.pop()

    def _check(self) -> None:
        """Mean reciprocal rank at 10 on the held-out pairs (every held-out passage is a candidate)."""
        started = time.time()
        figures = held_out_mrr(self.model, self.held_out, self.sequences, self.arguments.held_out)
        value = float(np.mean([figures[str(dim)] for dim in DIMENSIONS]))
        print(f"step {self.step} held-out MRR@10 {figures} ({time.time() - started:.0f} s)", flush=True)
        self.log.append({"step": self.step, "seconds": round(self.seconds), "heldOutMrr": figures})
        if value > self.best and self._progress() >= min(1.0, self.arguments.quantize_from):
            self.best = value
            save_model(self.model, self.folder / "best.safetensors")
        save_model(self.model, self.folder / "model.safetensors")
        settings = {key: str(value) if isinstance(value, Path) else value for key, value in vars(self.arguments).items()}
        for key in ("work", "initial"):
            settings.pop(key)
        (self.folder / "log.json").write_text(json.dumps({"settings": settings, "pairs": len(self.train), "log": self.log}, indent=1) + "\n")

    def _save(self) -> None:
        partial = self.folder / "resume.partial"
        torch.save(
            {
                "model": self.model.state_dict(), "scales": self.log_scales, "optimizer": self.optimizer.state_dict(), "queue": self.queue,
                "rng": self.rng.bit_generator.state, "step": self.step, "seconds": self.seconds, "best": self.best, "log": self.log,
            },
            partial,
        )
        partial.replace(self.folder / "resume.pt")

    def _resume(self) -> None:
        state = torch.load(self.folder / "resume.pt", weights_only=False)
        self.model.load_state_dict(state["model"])
        with torch.no_grad():
            self.log_scales.copy_(state["scales"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.bit_generator.state = state["rng"]
        self.queue, self.step, self.seconds = state["queue"], state["step"], state["seconds"]
        self.best, self.log = state["best"], state["log"]
        print("resumed at step", self.step, flush=True)


def maxsim(queries: torch.Tensor, documents: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """Sum over query rows of the best similarity: [queries, documents]."""
    count, length, dim = queries.shape
    similarity = queries.reshape(-1, dim) @ documents.reshape(-1, dim).T
    similarity = similarity.view(count, length, *keep.shape).masked_fill(~keep, -2.0)
    return similarity.amax(3).sum(1)


def make_batches(corpus: Corpus, size: int, neighbours: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Batches of one family of sources each, made of groups of passages that the teacher finds alike (hard negatives)."""
    groups: list[np.ndarray] = []
    families: dict[str, list[int]] = {}
    for index, pair in enumerate(corpus.pairs):
        families.setdefault({"ewn-gloss": "gloss", "python": "code", "tldr": "code"}.get(pair.source, "text"), []).append(index)
    batches: list[np.ndarray] = []
    for members in families.values():
        shuffled = rng.permutation(members)
        groups = []
        for start in range(0, len(shuffled), 4096):
            groups += _alike(shuffled[start : start + 4096], corpus.teacher_passages, neighbours)
        order = rng.permutation(len(groups))
        flat = np.concatenate([groups[place] for place in order])
        batches += [flat[start : start + size] for start in range(0, len(flat) - size + 1, size)]
    return [batches[place] for place in rng.permutation(len(batches))]


def _alike(members: np.ndarray, vectors: torch.Tensor, neighbours: int) -> list[np.ndarray]:
    """Greedy groups: the first free member and its nearest free neighbours."""
    own = vectors[torch.from_numpy(members)]
    similarity = (own @ own.T).numpy()
    free = np.ones(len(members), dtype=bool)
    groups = []
    for place in range(len(members)):
        if free[place]:
            candidates = np.where(free, similarity[place], -9.0)
            candidates[place] = 9.0
            count = min(neighbours, int(free.sum()))
            group = np.argpartition(-candidates, count - 1)[:count]
            free[group] = False
            groups.append(members[group])
    return groups


def _same_passage(passages: Sequence[str]) -> torch.Tensor:
    """True where another column holds the same passage as the row's own, which is then no negative."""
    number = {text: index for index, text in enumerate(passages)}
    label = torch.tensor([number[text] for text in passages])
    same = label[:, None] == label[None, :]
    return same & ~torch.eye(len(passages), dtype=torch.bool)


def held_out_mrr(model: Mini, corpus: Corpus, sequences: Sequences, limit: int) -> dict[str, float]:
    model.eval()
    size = min(limit, len(corpus))
    unique = sorted({tuple(ids) for ids in corpus.passages[:size]})
    documents = encode(model, unique)
    queries = np.stack(encode(model, corpus.queries[:size]))
    place = {ids: index for index, ids in enumerate(unique)}
    right = np.array([place[tuple(ids)] for ids in corpus.passages[:size]])
    kept = [rows[sequences.kept(ids)] for rows, ids in zip(documents, unique)]
    figures = {}
    for dim in DIMENSIONS:
        scores = scores_of(queries, kept, dim)
        rank = (scores > scores[np.arange(size), right][:, None]).sum(1) + 1
        figures[str(dim)] = round(float(np.where(rank <= 10, 1 / rank, 0).mean()), 4)
    return figures


def _groups(model: Mini, log_scales: torch.nn.Parameter, rate: float) -> list[dict[str, Any]]:
    plain, matrices, fast = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (fast if name in ("linear.weight", "row_change") else matrices if parameter.dim() == 2 else plain).append(parameter)
    return [
        {"params": matrices, "base": rate, "weight_decay": 0.01},
        {"params": plain, "base": rate, "weight_decay": 0.0},
        {"params": fast, "base": rate * 5, "weight_decay": 0.0},
        {"params": [log_scales], "base": rate * 50, "weight_decay": 0.0},
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--run", default="run-0", help="folder of this run inside --work")
    parser.add_argument("--initial", type=Path)
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--neighbours", type=int, default=8)
    parser.add_argument("--rate", type=float, default=8e-5)
    parser.add_argument("--scale", type=float, default=1.0, help="first factor of the MaxSim sums (learnt)")
    parser.add_argument("--contrast", type=float, default=0.5)
    parser.add_argument("--distill", type=float, default=1.0)
    parser.add_argument("--teacher-temperature", type=float, default=0.05)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--quantize-from", type=float, default=0.25, help="from this part of the run on, train the 4-bit rounded matrices")
    parser.add_argument("--report", type=int, default=10)
    parser.add_argument("--check", type=int, default=100)
    parser.add_argument("--held-out", type=int, default=600)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.run, arguments.steps, arguments.minutes = "smoke", 6, 2
        arguments.batch, arguments.neighbours, arguments.report, arguments.check, arguments.held_out = 16, 4, 2, 3, 50
    return arguments


if __name__ == "__main__":
    main()
