"""nDCG@10 of a checkpoint or an ONNX file over the evaluation sets, at 128, 96 and 64 dimensions.

    python training/evaluate.py --checkpoint training/work/run-1/model.safetensors --rounded
    python training/evaluate.py --onnx training/work/lateral-mini-1/onnx/model_q4.onnx --max-queries 100 --max-passages 400
    python training/evaluate.py --checkpoint … --sets xquad-cross,ntrex-x
"""
from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Callable, Mapping, Sequence

import numpy as np
import torch

from lateral_training import retrieval
from lateral_training.model import DIMENSIONS, encode, in_length_order, load_model
from lateral_training.sequence import Sequences, pad

LONGEST = 512
GROUPS: Mapping[str, tuple[str, ...]] = {
    "english": ("scifact-train-en", "cranfield-en", "med-en", "cacm-en", "wikiqa-dev-en", "stackfaq-a-en"),
    "code": ("cosqa-dev-code",),
    "monolingual": (
        *(f"xquad-{language}" for language in ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")),
        "jaquad-dev-ja", "cmrc-trial-zh", "iapp-valid-th", "amqa-dev-am", "parashoot-dev-he", "persianqa-test-fa", "piaf-dev-fr",
    ),
    "cross": ("xquad-cross",),
    "translation": ("ntrex-x",),
    "african": ("afriqa-dev",),
}
Encode = Callable[[Sequence[Sequence[int]]], list[np.ndarray]]


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    sequences = Sequences(arguments.tokenizer)
    encoder = _encoder(arguments)
    figures: dict[str, dict[str, float]] = {}
    for name in arguments.sets.split(",") if arguments.sets else [name for names in GROUPS.values() for name in names]:
        data = retrieval.load_set(arguments.data / name, arguments.max_queries, arguments.max_passages)
        started = time.time()
        figures[name] = _late(encoder, sequences, data)
        print(f"{name:20} {len(data.queries):4} queries {len(data.passages):5} passages {figures[name]} {time.time() - started:.0f} s", flush=True)
        _write(arguments, figures)
    print(json.dumps(_means(figures)))


def _late(encoder: Encode, sequences: Sequences, data: retrieval.RetrievalSet) -> dict[str, float]:
    document_ids = sequences.documents(list(data.passages.values()), LONGEST)
    documents = [rows[sequences.kept(ids)] for rows, ids in zip(encoder(document_ids), document_ids)]
    queries = np.stack(encoder([sequences.query(text) for text in data.queries.values()]))
    return {str(dim): round(retrieval.mean_ndcg(data, retrieval.maxsim(queries, documents, dim)), 4) for dim in DIMENSIONS}


def _means(figures: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Of each group, over those of its sets that were run."""
    means = {}
    for group, names in GROUPS.items():
        rows = [figures[name] for name in names if name in figures]
        if rows:
            means[group] = {str(dim): round(float(np.mean([row[str(dim)] for row in rows])), 4) for dim in DIMENSIONS}
    return means


def _write(arguments: argparse.Namespace, figures: Mapping[str, Mapping[str, float]]) -> None:
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        source = arguments.label or (arguments.onnx or arguments.checkpoint).name
        settings = {"source": source, "rounded": arguments.rounded, "maxQueries": arguments.max_queries, "maxPassages": arguments.max_passages, "seed": 7}
        value = {**settings, "means": _means(figures), "ndcg@10": figures}
        arguments.output.write_text(json.dumps(value, indent=1) + "\n", "utf-8")


def _encoder(arguments: argparse.Namespace) -> Encode:
    if arguments.onnx is not None:
        return onnx_encoder(arguments.onnx, arguments.threads)
    model = load_model(arguments.checkpoint).eval().to(arguments.device).round_weights(arguments.rounded)
    return lambda rows: encode(model, rows, arguments.device)


def onnx_encoder(path: Path, threads: int) -> Encode:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(rows: Sequence[Sequence[int]]) -> list[np.ndarray]:
        out: list[np.ndarray] = [np.empty(0)] * len(rows)
        for batch in in_length_order(rows, 4096):
            ids, mask = pad([rows[index] for index in batch])
            (vectors,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
            for place, index in enumerate(batch):
                out[index] = vectors[place, : len(rows[index])]
        return out

    return run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--onnx", type=Path)
    source.add_argument("--checkpoint", type=Path)
    parser.add_argument("--rounded", action="store_true", help="evaluate a checkpoint with its weights rounded as the exported file has them")
    parser.add_argument("--tokenizer", type=Path, default=Path("training/work/tokenizer/tokenizer.json"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/eval"))
    parser.add_argument("--sets", help="comma-separated; without it all")
    parser.add_argument("--max-queries", type=int)
    parser.add_argument("--max-passages", type=int)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--label")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
