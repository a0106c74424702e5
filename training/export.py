"""Step 4: the model's files for the browser: quantised ONNX, tokenizer, configuration, self-test.

    python training/export.py --checkpoint training/work/run-0/model.safetensors
"""
from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from safetensors.numpy import load_file, save_file

from lateral_training.graph import build, rounded
from lateral_training.sequence import (
    DOCUMENT_LENGTH,
    DOCUMENT_MARKER,
    DOCUMENT_MARKER_ID,
    QUERY_LENGTH,
    QUERY_MARKER,
    QUERY_MARKER_ID,
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
SELF_TEST = (("document", "Hello World"), ("document", "Café, naïve!"), ("query", "late interaction search in the browser"))


def main() -> None:
    arguments = _arguments()
    target: Path = arguments.output
    target.mkdir(parents=True, exist_ok=True)
    state = {name: value.astype(np.float32) for name, value in load_file(arguments.checkpoint).items()}
    model = build(state, arguments.bits, arguments.embedding_bits, arguments.projection_bits, arguments.attention == "fused")
    onnx.checker.check_model(model)
    if arguments.rounded:
        save_file(rounded(state, arguments.bits, arguments.embedding_bits, arguments.projection_bits), arguments.rounded)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        (folder / "onnx").mkdir()
        onnx.save(model, folder / "onnx" / arguments.name)
        for part in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            shutil.copyfile(arguments.work / "tokenizer" / part, folder / part)
        _write(folder / "config.json", _config(arguments))
        _write(folder / "artifact.metadata", _metadata())
        _write(folder / "self-test.json", _self_test(folder, arguments), indent=None)
        (target / "onnx").mkdir(exist_ok=True)
        for path in sorted(item for item in folder.rglob("*") if item.is_file()):
            path.chmod(0o644)
            path.replace(target / path.relative_to(folder))
    print(target / "onnx" / arguments.name, (target / "onnx" / arguments.name).stat().st_size, "bytes")


def _config(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "architectures": ["HF_ColBERT"],
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": 384,
        "initializer_range": 0.02,
        "intermediate_size": 1536,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 512,
        "model_type": "bert",
        "num_attention_heads": 12,
        "num_hidden_layers": 6,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "type_vocab_size": 2,
        "vocab_size": 30524,
        "lateral": {
            "id": "lateral-mini",
            "version": arguments.version,
            "stage": arguments.stage,
            "dim": 128,
            "dimensions": [128, 96, 64],
            "queryLength": QUERY_LENGTH,
            "documentLength": DOCUMENT_LENGTH,
            "queryMarker": {"token": QUERY_MARKER, "id": QUERY_MARKER_ID},
            "documentMarker": {"token": DOCUMENT_MARKER, "id": DOCUMENT_MARKER_ID},
            "attendToExpansionTokens": True,
            "onnx": {
                "file": f"onnx/{arguments.name}",
                "inputs": ["input_ids", "attention_mask"],
                "output": "embeddings",
                "unitRows": True,
                "bits": {"matrices": arguments.bits, "embeddings": arguments.embedding_bits, "projection": arguments.projection_bits},
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
    session = onnxruntime.InferenceSession(str(folder / "onnx" / arguments.name), providers=["CPUExecutionProvider"])

    def rows(ids: list[int]) -> np.ndarray:
        batch = np.array([ids], dtype=np.int64)
        return session.run(None, {"input_ids": batch, "attention_mask": np.ones_like(batch)})[0][0]

    cases = []
    for kind, text in SELF_TEST:
        ids = sequences.query(text) if kind == "query" else sequences.document(text)
        vectors = [[round(float(value), 5) for value in row] for row in rows(ids)]
        cases.append({"kind": kind, "text": text, "inputIds": ids, "attentionMask": [1] * len(ids), "rows": vectors})

    query = rows(sequences.query(PLANETS["query"]))
    scores = []
    for text in PLANETS["documents"]:
        ids = sequences.document(text)
        scores.append(float((query @ rows(ids)[sequences.kept(ids)].T).max(1).sum()))
    print("planets", [round(score, 3) for score in scores])
    if int(np.argmax(scores)) != PLANETS["best"] and not arguments.allow_wrong_order:
        raise SystemExit("the ordering of the self-test does not hold")
    return {"model": f"lateral-mini@{arguments.version}", "tolerance": {"cosine": 0.99}, "cases": cases, "ordering": PLANETS}


def _write(path: Path, value: Any, indent: int | None = 2) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--output", type=Path, default=Path("public/models/lateral-mini"))
    parser.add_argument("--rounded", type=Path, help="also write an fp32 checkpoint of exactly the values that the file stands for")
    parser.add_argument("--name", default="model_q4.onnx")
    parser.add_argument("--bits", type=_bits, default=4, help="4, 8 or none")
    parser.add_argument("--embedding-bits", type=_bits, default=8, help="4, 8 or none")
    parser.add_argument("--projection-bits", type=_bits, default=8, help="4, 8 or none")
    parser.add_argument("--attention", choices=("plain", "fused"), default="plain")
    parser.add_argument("--version", type=int, default=0)
    parser.add_argument("--stage", default="fine-tuned")
    parser.add_argument("--allow-wrong-order", action="store_true", help="write the files even if the self-test's ordering fails")
    return parser.parse_args()


def _bits(text: str) -> int | None:
    return None if text == "none" else int(text)


if __name__ == "__main__":
    main()
