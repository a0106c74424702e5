"""Step 7: training: late interaction between languages, the teacher's rows word by word, and questions with their passages.

    python training/train.py --steps 3000                   # run again to resume
    python training/train.py --steps 40000 --device cuda --parallel 512 --pairs 128 --alone 512

Each step takes a batch of parallel sentences, one of pairs, one of pieces of sentences within a language, or one of English texts alone. Losses, at 128, 96 and 64 dimensions:
  contrast   in-batch negatives (InfoNCE on MaxSim)
  distill    KL from the softmax of the teacher's MaxSim, where the teacher read both English texts
  words      1 - cosine to the teacher's rows of the same English text in the same role, word by word
  align      the same for a translation of that text, by soft alignment
The last part runs with the weights rounded as the exported file has them.
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
from lateral_training.distil import alignment_loss, segment_means, turn, word_loss
from lateral_training.model import DIMENSIONS, Mini, autocast, encode, in_length_order, load_model, save_model, tensors
from lateral_training.packed import NONE, Packed
from lateral_training.retrieval import maxsim
from lateral_training.sequence import QUERY_LENGTH, Sequences, document_sequence, query_sequence
from lateral_training.taught import Taught
from lateral_training.teacher import TEACHER, punctuation, word_pieces

DIMENSION_WEIGHTS = {128: 1.0, 96: 0.6, 64: 0.9}
DISTILL_SCALE = 0.2  # of a MaxSim over QUERY_LENGTH rows, for the teacher's softmax and for its copy: soft, to learn from near misses
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
        taught = arguments.work / "teacher.npy"
        self.taught = Taught(self.data, taught) if taught.exists() else None
        self.teacher_skipped = punctuation(word_pieces(arguments.teacher))
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
            self._turn_projection()
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
        """`pair_share` of the steps are pairs, `within_share` pieces of sentences, `alone_share` English texts, evenly spread."""
        arguments, step = self.arguments, self.step

        def due(share: float, number: int) -> bool:
            return math.floor((number + 1) * share) > math.floor(number * share)

        if due(arguments.pair_share, step):
            return self.sampler.pair(step, arguments.pairs)
        other, left = step - math.floor(step * arguments.pair_share), 1 - arguments.pair_share
        if due(arguments.within_share / left, other):
            return self.sampler.within(step, arguments.pairs)
        other, left = other - math.floor(other * arguments.within_share / left), left - arguments.within_share
        if self.taught is not None and due(arguments.alone_share / left, other):
            return self.sampler.alone(step, arguments.alone // 4, arguments.alone)
        return self.sampler.parallel(step, arguments.parallel)

    def _one_step(self, batch: Batch) -> dict[str, float]:
        self.model.train()
        self.dimensions = (128, (96, 64)[self.step % 2])  # the shorter ones take turns
        self.optimizer.zero_grad(set_to_none=True)
        texts = self.data.texts
        limit = SENTENCE if batch.kind == "parallel" else self.arguments.passage
        query_ids = batch.query_ids or [texts[index] for index in batch.queries]
        document_ids = batch.document_ids or [texts[index] for index in batch.documents]
        queries = [query_sequence(ids) if batch.as_queries else document_sequence(ids, limit) for ids in query_ids]
        documents = [document_sequence(ids, limit) for ids in document_ids]
        query_rows = self._rows(queries)
        weights = self._kept(queries).float() if not batch.as_queries else torch.ones(query_rows.shape[:2], device=self.device)
        weights = weights * (QUERY_LENGTH / weights.sum(1, keepdim=True))

        columns, order = [], []
        pulls = [self._pull(batch, query_rows, np.arange(len(queries)), batch.queries, batch.query_english, batch.as_queries)]
        for group in in_length_order(documents, CHUNK_TOKENS):
            rows = [documents[index] for index in group]
            vectors = self._rows(rows)
            pulls.append(self._pull(batch, vectors, np.array(group), batch.documents, batch.document_english, False))
            columns.append(self._scores(query_rows, weights, vectors, self._kept(rows)))
            order += group
        scores = torch.cat(columns, 2)[:, :, torch.tensor(order, device=self.device).argsort()]
        report: dict[str, torch.Tensor] = {"loss": query_rows.new_zeros(())}
        same = _same_meaning(batch).to(self.device)
        if batch.kind != "english":
            self._rank(scores, same, report)
        self._distill(batch, scores, same, report)
        for name, weight in (("words", self.arguments.words), ("align", self.arguments.align)):
            parts = [pull[name] for pull in pulls if name in pull]
            if parts:
                mean = torch.stack([value * count for value, count in parts]).sum() / sum(count for _, count in parts)
                report[name] = mean.detach()
                report["loss"] = report["loss"] + weight * mean
        report["loss"].backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return {f"{batch.kind} {name}": float(value.detach()) for name, value in report.items()}

    def _rank(self, scores: torch.Tensor, same: torch.Tensor, report: dict[str, torch.Tensor]) -> None:
        """Adds the contrast on scores [dimensions, queries, documents]."""
        right = torch.arange(len(same), device=self.device)
        for place, dim in enumerate(self.dimensions):
            logits = (scores[place] * self.log_scales[DIMENSIONS.index(dim)].exp()).masked_fill(same, -1e4)
            contrast = 0.7 * F.cross_entropy(logits, right) + 0.3 * F.cross_entropy(logits.T, right)
            report[f"contrast{dim}"] = contrast.detach()
            report["loss"] = report["loss"] + DIMENSION_WEIGHTS[dim] * self.arguments.contrast * contrast

    def _distill(self, batch: Batch, scores: torch.Tensor, same: torch.Tensor, report: dict[str, torch.Tensor]) -> None:
        """Adds the KL to the teacher's softmax over the documents that it read, for the queries that it read."""
        queries, documents = batch.query_english != NONE, batch.document_english != NONE
        if batch.kind != "english":
            queries = documents = queries & documents
        if self.taught is None or queries.sum() < 2:
            return
        rows, columns = (torch.from_numpy(np.flatnonzero(known)).to(self.device) for known in (queries, documents))
        hidden = same[rows][:, columns]
        taught = self._taught_scores(batch.query_english[queries], batch.document_english[documents])
        target = F.softmax((taught * DISTILL_SCALE).masked_fill(hidden, -1e4), 1)
        weight = self.arguments.distill_parallel if batch.kind == "parallel" else self.arguments.distill
        for place, dim in enumerate(self.dimensions):
            own = (scores[place][rows][:, columns] * DISTILL_SCALE).masked_fill(hidden, -1e4)
            distill = F.kl_div(F.log_softmax(own, 1), target, reduction="sum") / len(same)
            report[f"distill{dim}"] = distill.detach()
            report["loss"] = report["loss"] + DIMENSION_WEIGHTS[dim] * weight * distill

    def _taught_scores(self, queries: np.ndarray, documents: np.ndarray) -> torch.Tensor:
        """The teacher's MaxSim [queries, documents]; a document's rows as a query count without its punctuation."""
        query_rows, query_kept = self._taught(queries)
        query_kept = query_kept | torch.from_numpy(self.data.english_query[queries]).to(self.device)[:, None]
        document_rows, kept = self._taught(documents)
        best = torch.einsum("qid,pjd->qipj", query_rows, document_rows).masked_fill_(~kept, -2.0).max(3).values
        weights = query_kept.float() * (QUERY_LENGTH / query_kept.sum(1, keepdim=True))
        return (best * weights.unsqueeze(2)).sum(1)

    def _pull(
        self, batch: Batch, rows: torch.Tensor, group: np.ndarray, texts: np.ndarray, english: np.ndarray, as_queries: bool
    ) -> dict[str, tuple[torch.Tensor, int]]:
        """Losses to the teacher's rows, and of how many texts. rows: of batch places `group`; texts, english: of all places."""
        losses: dict[str, tuple[torch.Tensor, int]] = {}
        if self.taught is None:
            return losses
        data, own, meant = self.data, texts[group], english[group]
        weights = {dim: DIMENSION_WEIGHTS[dim] for dim in self.dimensions}
        known = meant != NONE
        identical = known & (data.english_text[meant] == own) & (data.english_query[meant] == as_queries)
        if identical.any():
            places = np.flatnonzero(identical)
            lengths = np.minimum(np.diff(data.texts.starts)[own[places]] + 3, rows.shape[1])
            links = [self.taught.links(int(meant[place]), int(length)) for place, length in zip(places, lengths)]
            own_rows = rows[torch.from_numpy(places).to(self.device)]
            losses["words"] = word_loss(own_rows, self._taught(meant[places])[0], links, weights), len(places)
        foreign = known & (data.english_text[meant] != own)
        if foreign.any() and not as_queries:
            places = np.flatnonzero(foreign)
            sequences = [document_sequence(data.texts[own[place]], rows.shape[1]) for place in places]
            kept = F.pad(self._kept(sequences), (0, rows.shape[1] - max(map(len, sequences))))
            own_rows = rows[torch.from_numpy(places).to(self.device)]
            losses["align"] = alignment_loss(own_rows, kept, *self._taught(meant[places]), weights), len(places)
        return losses

    def _taught(self, english: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """The teacher's padded rows [n, length, DIM], and which of them are no punctuation."""
        assert self.taught is not None
        own = [torch.from_numpy(self.taught.of(int(index))) for index in english]
        kept = [torch.from_numpy(self.taught.kept(int(index), self.teacher_skipped)) for index in english]
        pad = torch.nn.utils.rnn.pad_sequence
        return pad(own, batch_first=True).to(self.device), pad(kept, batch_first=True).to(self.device)

    @torch.inference_mode()
    def _turn_projection(self) -> None:
        """Turns the projection so that English rows lie as near to the teacher's as a rotation brings them; scores stay as they are."""
        if self.taught is None:
            return
        self.model.eval()
        batch = self.sampler.alone(0, 100, 400)
        texts = self.data.texts
        pairs = []
        for chosen, english, query in ((batch.queries, batch.query_english, True), (batch.documents, batch.document_english, False)):
            sequences = [query_sequence(texts[index]) if query else document_sequence(texts[index], 160) for index in chosen]
            rows = self._rows(sequences)
            links = [self.taught.links(int(index), min(len(texts[text]) + 3, len(row))) for index, text, row in zip(english, chosen, sequences)]
            pairs.append(segment_means(rows, self._taught(english)[0], links, 128))
        own, other = (F.normalize(torch.cat(part), dim=1) for part in zip(*pairs))
        rotation = turn(own, other)
        print(f"cosine to the teacher {float((own * other).sum(1).mean()):.3f}, turned {float((own @ rotation * other).sum(1).mean()):.3f}", flush=True)
        self.model.linear.weight.copy_(rotation.T @ self.model.linear.weight)

    def _rows(self, sequences: Sequence[Sequence[int]]) -> torch.Tensor:
        """Projected rows [n, length, DIM], not yet of unit length."""
        with autocast(self.device):
            return self.model(*tensors(sequences, self.device)).float()

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
        hidden = ("work", "initial", "run", "teacher")
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


def _same_meaning(batch: Batch) -> torch.Tensor:
    """[queries, documents]: a document that says the same as a query's own is no negative of it."""
    if batch.kind == "english":
        return torch.zeros(len(batch.queries), len(batch.documents), dtype=torch.bool)
    meaning = torch.from_numpy(batch.meaning)
    return (meaning[:, None] == meaning[None, :]) & ~torch.eye(len(meaning), dtype=torch.bool)


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
    parser.add_argument("--teacher", type=Path, default=TEACHER, help="folder with lateral-mini@0")
    parser.add_argument("--run", default="run-1", help="folder of this run inside --work")
    parser.add_argument("--initial", type=Path, help="where to start; without it the untrained model")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--parallel", type=int, default=80, help="sentence pairs of a step")
    parser.add_argument("--pairs", type=int, default=48, help="question-passage pairs of a step")
    parser.add_argument("--pair-share", type=float, default=0.35, help="of the steps")
    parser.add_argument("--alone", type=int, default=96, help="English texts of a step, and a quarter as many English queries")
    parser.add_argument("--alone-share", type=float, default=0.15, help="of the steps")
    parser.add_argument("--within-share", type=float, default=0.2, help="of the steps: as many pieces of sentences as pairs")
    parser.add_argument("--passage", type=int, default=160, help="tokens of a passage")
    parser.add_argument("--rate", type=float, default=1.5e-4)
    parser.add_argument("--table-factor", type=float, default=8.0, help="the embedding table's rate, times --rate")
    parser.add_argument("--contrast", type=float, default=0.8)
    parser.add_argument("--distill", type=float, default=5.0)
    parser.add_argument("--distill-parallel", type=float, default=1.0, help="the same for sentences in two languages")
    parser.add_argument("--words", type=float, default=4.0)
    parser.add_argument("--align", type=float, default=2.0)
    parser.add_argument("--round-from", type=float, default=0.85, help="from this part of the run on, train the rounded weights")
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
        arguments.steps, arguments.parallel, arguments.pairs, arguments.alone, arguments.report, arguments.save = 12, 16, 8, 8, 2, 4
        arguments.check, arguments.held_out = 6, 20
    return arguments


if __name__ == "__main__":
    main()
