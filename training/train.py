"""Step 7: training: late interaction between languages, distilled from the teacher, and questions with their passages.

    python training/train.py --steps 1200                   # run again to resume
    python training/train.py --steps 40000 --device cuda --parallel 512 --pairs 128

Each step takes a batch of parallel sentences or one of pairs. Losses, at 128, 96 and 64 dimensions:
  contrast   in-batch negatives (InfoNCE on MaxSim)
  distill    KL from the softmax of the teacher's cosines, where the teacher read both English texts
  pooled     1 - cosine between the mean of the last hidden states and the teacher's vector (Reimers & Gurevych 2020)
The last third runs with the weights rounded as the exported file has them.
"""
from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from lateral_training.batches import Batch, Sampler
from lateral_training.model import DIMENSIONS, Mini, autocast, encode, in_length_order, load_model, save_model, tensors
from lateral_training.packed import NONE, Packed
from lateral_training.retrieval import maxsim
from lateral_training.sequence import QUERY_LENGTH, Sequences, document_sequence, query_sequence

DIMENSION_WEIGHTS = {128: 1.0, 96: 0.6, 64: 0.6}
TEACHER_TEMPERATURE = 0.05
WARM_UP = 0.03
SENTENCE = 48  # tokens of a parallel sentence at most
CHUNK_TOKENS = 4096  # of documents that are padded together


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    Trainer(arguments).run()


class Trainer:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.device = torch.device(arguments.device)
        self.data = Packed.load(arguments.work / "train.pack")
        self.teacher = np.load(arguments.work / "teacher.npy") if (arguments.work / "teacher.npy").exists() else None
        self.sampler = Sampler(self.data, arguments.seed)
        self.sequences = Sequences(arguments.work / "tokenizer" / "tokenizer.json")
        self.skipped = torch.tensor(sorted(self.sequences.skiplist), device=self.device)
        self.model = load_model(arguments.initial or arguments.work / "initial.safetensors").to(self.device)
        self.log_scales = torch.nn.Parameter(torch.zeros(len(DIMENSIONS), device=self.device))
        self.optimizer = torch.optim.AdamW(self._groups(), betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.step, self.seconds = 0, 0.0
        self.dimensions: tuple[int, ...] = DIMENSIONS
        self.log: list[dict[str, Any]] = []
        self.folder: Path = arguments.work / arguments.run
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / "resume.pt").exists():
            self._resume()

    def run(self) -> None:
        arguments, reports = self.arguments, []
        if self.step == 0:
            self._check()
        while self.step < arguments.steps:
            started = time.time()
            for group in self.optimizer.param_groups:
                group["lr"] = group["base"] * self._rate()
            if self.step >= arguments.steps * arguments.round_from:
                self.model.round_weights()
            reports.append(self._one_step(self._batch()))
            self.step += 1
            self.seconds += time.time() - started
            if self.step % arguments.report == 0:
                self._report(reports)
                reports = []
            if self.step % arguments.save == 0 or self.step == arguments.steps:
                self._save()
            if self.step % arguments.check == 0 or self.step == arguments.steps:
                self._check()

    def _rate(self) -> float:
        """Linear warm-up, then linear to 3 %."""
        progress = self.step / self.arguments.steps
        return min((progress + 1e-3) / WARM_UP, 0.03 + 0.97 * (1 - progress) / (1 - WARM_UP), 1.0)

    def _batch(self) -> Batch:
        """`pair_share` of the steps are pairs, evenly spread."""
        share = self.arguments.pair_share
        pairs = math.floor((self.step + 1) * share) > math.floor(self.step * share)
        return self.sampler.pair(self.step, self.arguments.pairs) if pairs else self.sampler.parallel(self.step, self.arguments.parallel)

    def _one_step(self, batch: Batch) -> dict[str, float]:
        self.model.train()
        self.dimensions = (128, (96, 64)[self.step % 2])  # the shorter ones take turns
        self.optimizer.zero_grad(set_to_none=True)
        texts = self.data.texts
        limit = self.arguments.passage if batch.kind == "pairs" else SENTENCE
        queries = [query_sequence(texts[index]) if batch.as_queries else document_sequence(texts[index], limit) for index in batch.queries]
        documents = [document_sequence(texts[index], limit) for index in batch.documents]
        lengths = torch.tensor([min(len(texts[index]) + 3, len(row)) for index, row in zip(batch.queries, queries)], device=self.device)
        query_rows, query_means = self._rows(queries, lengths)
        weights = self._kept(queries).float() if not batch.as_queries else torch.ones(query_rows.shape[:2], device=self.device)
        weights = weights * (QUERY_LENGTH / weights.sum(1, keepdim=True))
        meaning = torch.from_numpy(batch.meaning).to(self.device)
        same = (meaning[:, None] == meaning[None, :]) & ~torch.eye(len(meaning), dtype=torch.bool, device=self.device)

        columns, means, order = [], [], []
        for group in in_length_order(documents, CHUNK_TOKENS):
            rows = [documents[index] for index in group]
            vectors, mean = self._rows(rows, torch.tensor([len(row) for row in rows], device=self.device))
            columns.append(self._scores(query_rows, weights, vectors, self._kept(rows)))
            means.append(mean)
            order += group
        place = torch.tensor(order, device=self.device).argsort()
        scores = torch.cat(columns, 2)[:, :, place]  # [dimensions, queries, documents]
        report = self._losses(batch, scores, same, query_means, torch.cat(means)[place])
        report["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return {f"{batch.kind} {name}": float(value.detach()) for name, value in report.items()}

    def _losses(self, batch: Batch, scores: torch.Tensor, same: torch.Tensor, *means: torch.Tensor) -> dict[str, torch.Tensor]:
        arguments = self.arguments
        report: dict[str, torch.Tensor] = {"loss": scores.new_zeros(())}
        right = torch.arange(len(same), device=self.device)
        known, target = self._target(batch, same)
        for place, dim in enumerate(self.dimensions):
            logits = (scores[place] * self.log_scales[DIMENSIONS.index(dim)].exp()).masked_fill(same, -1e4)
            contrast = 0.7 * F.cross_entropy(logits, right) + 0.3 * F.cross_entropy(logits.T, right)
            report[f"contrast{dim}"] = contrast.detach()
            report["loss"] = report["loss"] + DIMENSION_WEIGHTS[dim] * arguments.contrast * contrast
            if len(known) > 1:
                own = F.log_softmax(logits[known][:, known], 1)
                distill = F.kl_div(own, target, reduction="batchmean") * len(known) / len(same)
                report[f"distill{dim}"] = distill.detach()
                report["loss"] = report["loss"] + DIMENSION_WEIGHTS[dim] * arguments.distill * distill
        if len(known) > 1:
            wanted = [self._taught(english[known.cpu().numpy()]) for english in (batch.query_english, batch.document_english)]
            pooled = sum((1 - F.cosine_similarity(mean[known], vector)).mean() for mean, vector in zip(means, wanted)) / 2
            report["pooled"] = pooled.detach()
            report["loss"] = report["loss"] + arguments.pooled * pooled
        return report

    def _target(self, batch: Batch, same: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Which pairs the teacher read, and its softmax over their documents."""
        if self.teacher is None:
            return torch.empty(0, dtype=torch.long), torch.empty(0)
        known = np.flatnonzero((batch.query_english != NONE) & (batch.document_english != NONE))
        cosines = self._taught(batch.query_english[known]) @ self._taught(batch.document_english[known]).T
        index = torch.from_numpy(known).to(self.device)
        return index, F.softmax((cosines / TEACHER_TEMPERATURE).masked_fill(same[index][:, index], -1e4), 1)

    def _taught(self, english: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(self.teacher[english].astype(np.float32)).to(self.device)

    def _rows(self, sequences: Sequence[Sequence[int]], lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Projected rows [n, length, 128], and the mean of each sequence's first `lengths` hidden states."""
        with autocast(self.device):
            hidden = self.model.hidden(*tensors(sequences, self.device))
            rows = self.model.linear(hidden)
        real = (torch.arange(hidden.shape[1], device=self.device)[None, :] < lengths[:, None]).unsqueeze(-1).float()
        return rows.float(), (hidden.float() * real).sum(1) / lengths[:, None]

    def _scores(self, queries: torch.Tensor, weights: torch.Tensor, documents: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """MaxSim in the leading dimensions, each renormalised: [dimensions, queries, documents].
        weights: of the queries' rows, QUERY_LENGTH in all; kept: which document rows count."""
        count, length, _ = queries.shape
        scores = []
        for dim in self.dimensions:
            unit_queries, unit_documents = (F.normalize(rows[..., :dim].flatten(0, 1), dim=1) for rows in (queries, documents))
            with autocast(self.device):
                cosines = unit_queries @ unit_documents.T
            best = cosines.view(count * length, *kept.shape).masked_fill_(~kept, -2.0).max(2).values.float()
            scores.append((best.view(count, length, -1) * weights.unsqueeze(2)).sum(1))
        return torch.stack(scores)

    def _kept(self, sequences: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, mask = tensors(sequences, self.device)
        return mask.bool() & ~torch.isin(ids, self.skipped)

    def _groups(self) -> list[dict[str, Any]]:
        rate = self.arguments.rate
        named = dict(self.model.named_parameters())
        table, head = named.pop("embeddings.word_embeddings.weight"), named.pop("linear.weight")
        return [
            {"params": [value for value in named.values() if value.dim() == 2], "base": rate, "weight_decay": 0.01},
            {"params": [value for value in named.values() if value.dim() == 1], "base": rate, "weight_decay": 0.0},
            {"params": [table], "base": rate * self.arguments.table_factor, "weight_decay": 0.0},
            {"params": [head], "base": rate * 3, "weight_decay": 0.0},
            {"params": [self.log_scales], "base": rate * 20, "weight_decay": 0.0},
        ]

    def _report(self, reports: list[dict[str, float]]) -> None:
        names = sorted({name for row in reports for name in row})
        mean = {name: round(float(np.mean([row[name] for row in reports if name in row])), 4) for name in names}
        self.log.append({"step": self.step, "seconds": round(self.seconds), "scale": round(float(self.log_scales[0].detach().exp()), 3), **mean})
        print(json.dumps(self.log[-1]), flush=True)

    def _check(self) -> None:
        """Mean reciprocal rank at 10 over the held-out pairs."""
        figures = held_out_mrr(self.model, self.data, self.sequences, self.arguments.held_out, self.device)
        self.log.append({"step": self.step, "seconds": round(self.seconds), "heldOutMrr": figures})
        print(json.dumps(self.log[-1]), flush=True)
        hidden = ("work", "initial", "run")
        settings = {key: value for key, value in vars(self.arguments).items() if key not in hidden}
        (self.folder / "log.json").write_text(json.dumps({"settings": settings, "log": self.log}, indent=1) + "\n")

    def _save(self) -> None:
        save_model(self.model, self.folder / "model.safetensors")
        partial = self.folder / "resume.partial"
        state = {"model": self.model.state_dict(), "scales": self.log_scales.detach(), "optimizer": self.optimizer.state_dict()}
        torch.save({**state, "step": self.step, "seconds": self.seconds, "log": self.log}, partial)
        partial.replace(self.folder / "resume.pt")

    def _resume(self) -> None:
        state = torch.load(self.folder / "resume.pt", weights_only=False, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.log_scales.data.copy_(state["scales"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.log = state["step"], state["seconds"], state["log"]
        print("resumed at step", self.step, flush=True)


def held_out_mrr(model: Mini, data: Packed, sequences: Sequences, limit: int, device: torch.device) -> dict[str, dict[str, float]]:
    """By kind (within one language, or a window in any two), over `limit` pairs each and all their passages."""
    model.eval()
    window = np.array([str(name).endswith("-window") for name in data.names])[data.pair_source]
    figures = {}
    for kind, chosen in (("pairs", ~window), ("windows", window)):
        rows = np.flatnonzero(data.pair_held_out & chosen)
        rows = np.random.default_rng(7).permutation(rows)[:limit]
        passages, right = np.unique(data.pair_passage[rows], return_inverse=True)
        ids = [document_sequence(data.texts[index], 192) for index in passages]
        documents = [vectors[sequences.kept(own)] for vectors, own in zip(encode(model, ids, device), ids)]
        queries = np.stack(encode(model, [query_sequence(data.texts[index]) for index in data.pair_query[rows]], device))
        figures[kind] = {}
        for dim in DIMENSIONS:
            scores = maxsim(queries, documents, dim)
            rank = (scores > scores[np.arange(len(rows)), right][:, None]).sum(1) + 1
            figures[kind][str(dim)] = round(float(np.where(rank <= 10, 1 / rank, 0).mean()), 4)
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--run", default="run-1", help="folder of this run inside --work")
    parser.add_argument("--initial", type=Path, help="where to start; without it the untrained model")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--parallel", type=int, default=80, help="sentence pairs of a step")
    parser.add_argument("--pairs", type=int, default=48, help="question-passage pairs of a step")
    parser.add_argument("--pair-share", type=float, default=0.35, help="of the steps")
    parser.add_argument("--passage", type=int, default=160, help="tokens of a passage")
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--table-factor", type=float, default=5.0, help="the embedding table's rate, times --rate")
    parser.add_argument("--contrast", type=float, default=0.5)
    parser.add_argument("--distill", type=float, default=0.5)
    parser.add_argument("--pooled", type=float, default=2.0)
    parser.add_argument("--round-from", type=float, default=0.67, help="from this part of the run on, train the rounded weights")
    parser.add_argument("--report", type=int, default=20)
    parser.add_argument("--save", type=int, default=60)
    parser.add_argument("--check", type=int, default=200)
    parser.add_argument("--held-out", type=int, default=300)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.steps, arguments.parallel, arguments.pairs, arguments.report, arguments.save = 12, 16, 8, 2, 4
        arguments.check, arguments.held_out = 6, 20
    return arguments


if __name__ == "__main__":
    main()
