"""nDCG@10 of a checkpoint or an ONNX file over visible evaluation sets, at 128, 96 and 64 dimensions.

    python training/evaluate.py --onnx public/models/lateral-mini/onnx/model_q4.onnx
    python training/evaluate.py --checkpoint training/work/run-0/model.safetensors --max-queries 150 --max-passages 1500
    python training/evaluate.py --teacher                           # the base's own pooled sentence vectors
"""
from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Callable, Sequence

import numpy as np
import torch

from lateral_training import retrieval
from lateral_training.model import DIMENSIONS, base_folder, base_model, encode, in_length_order, load_model
from lateral_training.sequence import Sequences, pad
from lateral_training.teacher import pooled

SETS = "scifact-train-en,cranfield-en,med-en,cacm-en,wikiqa-dev-en,stackfaq-a-en,cosqa-dev-code"
Encode = Callable[[Sequence[Sequence[int]]], list[np.ndarray]]


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    sequences = Sequences(arguments.tokenizer)
    figures: dict[str, dict[str, float]] = {}
    for name in arguments.sets.split(","):
        data = retrieval.load_set(arguments.data / name, arguments.max_queries, arguments.max_passages)
        started = time.time()
        figures[name] = _teacher(arguments, sequences, data) if arguments.teacher else _late(_encoder(arguments), sequences, data)
        print(f"{name:20} {len(data.queries):4} queries {len(data.passages):5} passages {figures[name]} {time.time() - started:.0f} s", flush=True)
    keys = next(iter(figures.values()))
    figures["mean"] = {key: round(float(np.mean([row[key] for row in figures.values()])), 4) for key in keys}
    print("mean", figures["mean"])
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        source = arguments.teacher or arguments.onnx or arguments.checkpoint
        settings = {"source": arguments.label or source.name, "maxQueries": arguments.max_queries, "maxPassages": arguments.max_passages, "seed": 7}
        arguments.output.write_text(json.dumps({**settings, "ndcg@10": figures}, indent=1) + "\n", "utf-8")


def _late(encoder: Encode, sequences: Sequences, data: retrieval.RetrievalSet) -> dict[str, float]:
    document_ids = sequences.documents(list(data.passages.values()))
    documents = [rows[sequences.kept(ids)] for rows, ids in zip(encoder(document_ids), document_ids)]
    queries = np.stack(encoder([sequences.query(text) for text in data.queries.values()]))
    return {str(dim): round(retrieval.mean_ndcg(data, retrieval.maxsim(queries, documents, dim)), 4) for dim in DIMENSIONS}


def _teacher(arguments: argparse.Namespace, sequences: Sequences, data: retrieval.RetrievalSet) -> dict[str, float]:
    model = base_model(arguments.teacher).eval()
    documents = pooled(model, sequences, list(data.passages.values()), 256)
    queries = pooled(model, sequences, list(data.queries.values()), 256)
    return {"384 pooled": round(retrieval.mean_ndcg(data, queries @ documents.T), 4)}


def _encoder(arguments: argparse.Namespace) -> Encode:
    if arguments.onnx is None:
        model = load_model(arguments.checkpoint).eval()
        model.quantize_while_training(arguments.bits)
        return lambda rows: encode(model, rows)
    return onnx_encoder(arguments.onnx, arguments.threads)


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
    source.add_argument("--teacher", type=Path, nargs="?", const=base_folder(), help="pooled vectors of the base, from its folder")
    parser.add_argument("--bits", type=int, help="evaluate a checkpoint with its matrices rounded to so many bits")
    parser.add_argument("--tokenizer", type=Path, default=Path("public/models/lateral-mini/tokenizer.json"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/eval"))
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--max-queries", type=int)
    parser.add_argument("--max-passages", type=int)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--label")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
