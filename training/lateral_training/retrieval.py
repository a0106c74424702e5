"""Evaluation sets, exact MaxSim and nDCG@10."""
from __future__ import annotations

import csv
import gzip
import json
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Sequence

import numpy as np
import torch


@dataclass(frozen=True)
class RetrievalSet:
    name: str
    queries: dict[str, str]
    passages: dict[str, str]
    relevant: dict[str, dict[str, int]]


def load_set(folder: Path, max_queries: int | None, max_passages: int | None, seed: int = 7) -> RetrievalSet:
    """A set in BEIR's layout; capped sets keep every relevant passage of the queries they keep."""
    queries = {row["_id"]: row["text"] for row in _lines(folder / "queries.jsonl.gz")}
    passages = {row["_id"]: " ".join(filter(None, (row.get("title"), row["text"]))) for row in _lines(folder / "corpus.jsonl.gz")}
    relevant: dict[str, dict[str, int]] = {}
    with (folder / "qrels.tsv").open(encoding="utf-8") as lines:
        for query, passage, score in csv.reader(lines, delimiter="\t"):
            if query in queries and score.lstrip("-").isdigit() and int(score) > 0:
                relevant.setdefault(query, {})[passage] = int(score)
    rng = random.Random(seed)
    names = sorted(name for name in queries if name in relevant)
    if max_queries and len(names) > max_queries:
        names = sorted(rng.sample(names, max_queries))
    if max_passages and len(passages) > max_passages:
        needed = {passage for name in names for passage in relevant[name]}
        others = sorted(set(passages) - needed)
        keep = needed | set(rng.sample(others, max(0, min(len(others), max_passages - len(needed)))))
        passages = {name: text for name, text in passages.items() if name in keep}
    return RetrievalSet(folder.name, {name: queries[name] for name in names}, passages, {name: relevant[name] for name in names})


def _lines(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def ndcg_at_10(ranked: Sequence[str], relevant: Mapping[str, int]) -> float:
    gain = sum(relevant.get(name, 0) / math.log2(rank + 2) for rank, name in enumerate(ranked[:10]))
    ideal = sum(score / math.log2(rank + 2) for rank, score in enumerate(sorted(relevant.values(), reverse=True)[:10]))
    return gain / ideal


def maxsim(queries: np.ndarray, documents: Sequence[np.ndarray], dim: int) -> np.ndarray:
    """Scores [queries, documents] of queries [n, 32, 128] in the leading `dim` dimensions, renormalised."""
    shortened = _unit(torch.from_numpy(queries[..., :dim]))
    flat = shortened.reshape(-1, dim)
    scores = np.empty((len(queries), len(documents)), dtype=np.float32)
    for start in range(0, len(documents), 64):
        part = documents[start : start + 64]
        lengths = [len(rows) for rows in part]
        rows = _unit(torch.from_numpy(np.concatenate(part)[:, :dim]))
        similarity = flat @ rows.T
        offset = 0
        for place, length in enumerate(lengths):
            best = similarity[:, offset : offset + length].amax(1)
            scores[:, start + place] = best.view(len(queries), -1).sum(1).numpy()
            offset += length
    return scores


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(rows.float(), dim=-1)


def mean_ndcg(data: RetrievalSet, scores: np.ndarray) -> float:
    names = list(data.passages)
    values = []
    for row, query in enumerate(data.queries):
        top = np.argsort(-scores[row], kind="stable")[:10]
        values.append(ndcg_at_10([names[index] for index in top], data.relevant[query]))
    return float(np.mean(values))
