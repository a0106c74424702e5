"""Golden file for the TypeScript encoder: what PyLate makes of a dozen texts with this model, and what our ONNX file makes of them.

    pip install -r training/requirements-fixtures.txt       # an environment of its own: PyLate pins its dependencies
    python training/make_fixtures.py --checkpoint training/work/rounded.safetensors
"""
from __future__ import annotations

import argparse
import importlib.metadata
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from pylate import models

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
    ("over-512-tokens", LONG, False),
)


def main() -> None:
    arguments = _arguments()
    sequences = Sequences(arguments.model / "tokenizer.json")
    session = onnxruntime.InferenceSession(str(arguments.model / "onnx" / arguments.name), providers=["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as folder:
        reference = _pylate(Path(folder), arguments)
        cases = [_case(reference, sequences, session, kind, *text) for text in TEXTS for kind in ("query", "document")]
    golden = {
        "model": "lateral-mini@0",
        "reference": f"PyLate {importlib.metadata.version('pylate')}, fp32",
        "quantized": f"onnx/{arguments.name}, ONNX Runtime {onnxruntime.__version__} on the CPU",
        "settings": {
            "queryLength": QUERY_LENGTH,
            "documentLength": DOCUMENT_LENGTH,
            "expansion": True,
            "attendToExpansionTokens": True,
            "queryMarker": {"token": QUERY_MARKER, "id": QUERY_MARKER_ID},
            "documentMarker": {"token": DOCUMENT_MARKER, "id": DOCUMENT_MARKER_ID},
            "expansionTokenId": MASK_ID,
        },
        "skiplistIds": sorted(set(reference.skiplist)),
        "cases": cases,
    }
    if set(reference.skiplist) != set(sequences.skiplist):
        raise SystemExit("our skiplist is not PyLate's")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    print(arguments.output, arguments.output.stat().st_size, "bytes")


def _pylate(folder: Path, arguments: argparse.Namespace) -> models.ColBERT:
    """The checkpoint in Stanford ColBERT's layout, loaded by PyLate."""
    for part in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "artifact.metadata"):
        shutil.copyfile(arguments.model / part, folder / part)
    shutil.copyfile(arguments.checkpoint, folder / "model.safetensors")
    return models.ColBERT(
        str(folder),
        device="cpu",
        query_prefix=QUERY_MARKER,
        document_prefix=DOCUMENT_MARKER,
        query_length=QUERY_LENGTH,
        document_length=DOCUMENT_LENGTH,
        do_query_expansion=True,
        attend_to_expansion_tokens=True,
        local_files_only=True,
    )


def _case(
    reference: models.ColBERT, sequences: Sequences, session: onnxruntime.InferenceSession, kind: str, name: str, text: str, rows: bool
) -> dict[str, Any]:
    out = reference.encode([text], is_query=kind == "query", output_value=None, show_progress_bar=False, convert_to_numpy=True)
    ids = [int(value) for value in out["input_ids"][0]]
    mask = [int(value) for value in out["attention_mask"][0]]
    kept = [int(value) for value in out["masks"][0]]
    ours = sequences.query(text) if kind == "query" else sequences.document(text)
    if ids != ours:
        print(f"NOTE {kind} {name}: PyLate {ids} ours {ours}")
    expected = np.asarray(out["token_embeddings"][0], dtype=np.float32)
    (got,) = session.run(None, {"input_ids": np.array([ids]), "attention_mask": np.array([mask])})
    cosine = (expected * got[0]).sum(1)
    print(f"{kind:8} {name:16} {len(ids):3} tokens {sum(kept):3} kept, cosine fp32 : quantised min {cosine.min():.4f} mean {cosine.mean():.4f}")
    case: dict[str, Any] = {"name": name, "kind": kind, "text": text, "inputIds": ids, "attentionMask": mask, "kept": kept}
    if rows and (kind == "document" or name == "plain"):
        case["rows"] = _rounded(expected)
        case["quantizedRows"] = _rounded(got[0])
    return case


def _rounded(rows: np.ndarray) -> list[list[float]]:
    return [[round(float(value), 5) for value in row] for row in rows]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="fp32 safetensors")
    parser.add_argument("--model", type=Path, default=Path("public/models/lateral-mini"))
    parser.add_argument("--name", default="model_q4.onnx")
    parser.add_argument("--output", type=Path, default=Path("fixtures/colbert/golden.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
