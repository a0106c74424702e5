"""Step 8: the model's files for the browser: quantised ONNX, tokenizer, configuration, self-test.

    python training/export.py --checkpoint training/work/run-1/model.safetensors
    python training/export.py --checkpoint … --unpacked --output training/work/unpacked    # the same numbers in fp32, to evaluate faster
"""
from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from safetensors.numpy import load_file, save_file

from lateral_training.graph import TABLE, build, rounded
from lateral_training.model import DIM, DIMENSIONS, EPSILON, HEADS, INNER, LAYERS, MATRIX_BITS, POSITIONS, PROJECTION_BITS, TABLE_BITS, WIDTH, WINDOW
from lateral_training.sequence import (
    CLS_ID,
    DOCUMENT_LENGTH,
    DOCUMENT_MARKER,
    DOCUMENT_MARKER_ID,
    PAD_ID,
    QUERY_LENGTH,
    QUERY_MARKER,
    QUERY_MARKER_ID,
    SEP_ID,
    Sequences,
)

PLANETS = {
    "query": "Which planet is known as the Red Planet?",
    "documents": [
        "Venus shines brightly because thick clouds of sulphuric acid reflect most of the sunlight.",
        "Mars is known as the Red Planet, because of the iron rust in its soil.",
        "Jupiter is the largest planet, a ball of gas with a storm wider than the Earth.",
        "Saturn is surrounded by broad rings made of countless pieces of ice and rock.",
    ],
    "best": 1,
}
SELF_TEST = (("document", "Hello World"), ("document", "Café, naïve! 東京は首都です。"), ("query", "late interaction search in the browser"))
FILE = "model_q4.onnx"


def main() -> None:
    arguments = _arguments()
    target: Path = arguments.output
    (target / "onnx").mkdir(parents=True, exist_ok=True)
    state = {name: value.astype(np.float32) for name, value in load_file(arguments.checkpoint).items()}
    model = build(rounded(state), quantized=False) if arguments.unpacked else build(state)
    onnx.checker.check_model(model)
    onnx.save(model, target / "onnx" / FILE)
    save_file(rounded(state), arguments.work / "rounded.safetensors")
    for part in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copyfile(arguments.work / "tokenizer" / part, target / part)
    _write(target / "config.json", _config(arguments, len(state[TABLE])))
    _write(target / "artifact.metadata", _metadata())
    _write(target / "self-test.json", _self_test(target, arguments), indent=None)
    print(target / "onnx" / FILE, (target / "onnx" / FILE).stat().st_size, "bytes")


def _config(arguments: argparse.Namespace, vocabulary: int) -> dict[str, Any]:
    return {
        "architectures": ["HF_ColBERT"],
        "bos_token_id": CLS_ID,
        "eos_token_id": SEP_ID,
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "layer_norm_eps": EPSILON,
        "max_position_embeddings": DOCUMENT_LENGTH,
        "model_type": "bert",
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "pad_token_id": PAD_ID,
        "position_embedding_type": "absolute",
        "position_period": POSITIONS,
        "sliding_window": WINDOW,
        "type_vocab_size": 1,
        "vocab_size": vocabulary,
        "lateral": {
            "id": "lateral-mini",
            "version": arguments.version,
            "stage": arguments.stage,
            "dim": DIM,
            "dimensions": list(DIMENSIONS),
            "queryLength": QUERY_LENGTH,
            "documentLength": DOCUMENT_LENGTH,
            "queryMarker": {"token": QUERY_MARKER, "id": QUERY_MARKER_ID},
            "documentMarker": {"token": DOCUMENT_MARKER, "id": DOCUMENT_MARKER_ID},
            "attendToExpansionTokens": True,
            "onnx": {
                "file": f"onnx/{FILE}",
                "inputs": ["input_ids", "attention_mask"],
                "output": "embeddings",
                "unitRows": True,
                "bits": {"matrices": MATRIX_BITS, "embeddings": TABLE_BITS, "projection": PROJECTION_BITS},
            },
        },
    }


def _metadata() -> dict[str, Any]:
    return {
        "query_token_id": QUERY_MARKER,
        "doc_token_id": DOCUMENT_MARKER,
        "query_token": QUERY_MARKER,
        "doc_token": DOCUMENT_MARKER,
        "query_maxlen": QUERY_LENGTH,
        "doc_maxlen": DOCUMENT_LENGTH,
        "attend_to_mask_tokens": True,
        "mask_punctuation": True,
        "similarity": "cosine",
        "dim": 128,
    }


def _self_test(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    import onnxruntime

    sequences = Sequences(folder / "tokenizer.json")
    session = onnxruntime.InferenceSession(str(folder / "onnx" / FILE), providers=["CPUExecutionProvider"])

    def rows(ids: list[int]) -> np.ndarray:
        batch = np.array([ids], dtype=np.int64)
        return session.run(None, {"input_ids": batch, "attention_mask": np.ones_like(batch)})[0][0]

    cases = []
    for kind, text in SELF_TEST:
        ids = sequences.query(text) if kind == "query" else sequences.documents([text])[0]
        vectors = [[round(float(value), 5) for value in row] for row in rows(ids)]
        cases.append({"kind": kind, "text": text, "inputIds": ids, "attentionMask": [1] * len(ids), "rows": vectors})

    query = rows(sequences.query(PLANETS["query"]))
    scores = []
    for text in PLANETS["documents"]:
        ids = sequences.documents([text])[0]
        scores.append(float((query @ rows(ids)[sequences.kept(ids)].T).max(1).sum()))
    print("planets", [round(score, 3) for score in scores])
    if int(np.argmax(scores)) != PLANETS["best"] and not arguments.allow_wrong_order:
        raise SystemExit("the ordering of the self-test does not hold")
    return {"model": f"lateral-mini@{arguments.version}", "tolerance": {"cosine": 0.99}, "cases": cases}


def _write(path: Path, value: Any, indent: int | None = 2) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--output", type=Path, default=Path("training/work/lateral-mini-1"))
    parser.add_argument("--version", type=int, default=1)
    parser.add_argument("--stage", default="fine-tuned")
    parser.add_argument("--unpacked", action="store_true", help="the rounded weights in fp32: four times as quick in the native runtime, and five times as large")
    parser.add_argument("--allow-wrong-order", action="store_true", help="write the files even if the self-test's ordering fails")
    return parser.parse_args()


if __name__ == "__main__":
    main()
