"""Golden file for the TypeScript encoder: the sequences and rows of some texts, by Python, PyTorch and ONNX Runtime.

    python training/make_fixtures.py                # after export.py; → training/work/golden.json
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

from lateral_training.model import Mini, load_model, tensors
from lateral_training.sequence import (
    DOCUMENT_LENGTH,
    DOCUMENT_MARKER,
    DOCUMENT_MARKER_ID,
    MASK_ID,
    QUERY_LENGTH,
    QUERY_MARKER,
    QUERY_MARKER_ID,
    Sequences,
)

LONG = " ".join(f"Sentence {number} is about late interaction, and it is followed by another one." for number in range(1, 46))
# name, text, whether the vectors are stored too (they are large)
TEXTS: tuple[tuple[str, str, bool], ...] = (
    ("plain", "Hello World", True),
    ("accents", "Crème brûlée à la façon d'Édouard", True),
    ("cjk", "東京は日本の首都です。", False),
    ("korean", "서울은 대한민국의 수도이다", False),
    ("emoji", "Ship it 🚀 now 👩‍💻!", True),
    ("arabic", "القاهرة عاصمة مصر", False),
    ("punctuation", "!?.,;:-()[]{}\"'", False),
    ("empty", "", False),
    ("spaces", " \t\n ", False),
    ("numbers", "In 1969, 3.5 million people paid $24.99 (≈ 20 €).", False),
    ("code", "def add(a: int, b: int) -> int:\n    return a + b  # sum", False),
    ("unknown", "ᚠᛇᚻ ᛒᛦᚦ ok", False),
    ("url", "See https://example.org/a_b?c=d&e=f#g", False),
    ("over-32-tokens", "Which of the many small and large planets that go around our sun has a surface that looks red from far away because it is covered with the dust of oxidised iron and little else?", False),
    ("windows", LONG, False),  # longer than three attention blocks
)


def main() -> None:
    arguments = _arguments()
    sequences = Sequences(arguments.model / "tokenizer.json")
    session = onnxruntime.InferenceSession(str(arguments.model / "onnx" / "model_q4.onnx"), providers=["CPUExecutionProvider"])
    reference = load_model(arguments.work / "rounded.safetensors").eval()
    golden = {
        "model": json.loads((arguments.model / "self-test.json").read_text())["model"],
        "reference": "PyTorch, fp32, of the rounded weights",
        "quantized": f"onnx/model_q4.onnx, ONNX Runtime {onnxruntime.__version__} on the CPU",
        "settings": {
            "queryLength": QUERY_LENGTH,
            "documentLength": DOCUMENT_LENGTH,
            "expansion": True,
            "attendToExpansionTokens": True,
            "queryMarker": {"token": QUERY_MARKER, "id": QUERY_MARKER_ID},
            "documentMarker": {"token": DOCUMENT_MARKER, "id": DOCUMENT_MARKER_ID},
            "expansionTokenId": MASK_ID,
        },
        "skiplistIds": sorted(sequences.skiplist),
        "cases": [_case(reference, sequences, session, kind, *text) for text in TEXTS for kind in ("query", "document")],
    }
    arguments.output.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    print(arguments.output, arguments.output.stat().st_size, "bytes")


@torch.inference_mode()
def _case(
    reference: Mini, sequences: Sequences, session: onnxruntime.InferenceSession, kind: str, name: str, text: str, rows: bool
) -> dict[str, Any]:
    ids = sequences.query(text) if kind == "query" else sequences.documents([text])[0]
    kept = np.ones(len(ids), dtype=bool) if kind == "query" else sequences.kept(ids)
    expected = F.normalize(reference(*tensors([ids]))[0], dim=-1).numpy()
    (got,) = session.run(None, {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), dtype=np.int64)})
    cosine = (expected * got[0]).sum(1)
    print(f"{kind:8} {name:16} {len(ids):4} tokens {kept.sum():4} kept, cosine min {cosine.min():.6f}")
    case: dict[str, Any] = {
        "name": name, "kind": kind, "text": text, "inputIds": ids, "attentionMask": [1] * len(ids), "kept": [int(value) for value in kept],
    }
    if rows and (kind == "document" or name == "plain"):
        case["rows"] = _rounded(expected)
        case["quantizedRows"] = _rounded(got[0])
    return case


def _rounded(rows: np.ndarray) -> list[list[float]]:
    return [[round(float(value), 5) for value in row] for row in rows]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("training/work/lateral-mini-1"))
    parser.add_argument("--work", type=Path, default=Path("training/work"), help="holds rounded.safetensors, which export.py writes")
    parser.add_argument("--output", type=Path, default=Path("training/work/golden.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
