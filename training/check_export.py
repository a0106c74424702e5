"""Checks an exported model against PyTorch: the same rows, no influence of padding and neighbours, long documents.

    python training/check_export.py
"""
from __future__ import annotations

import argparse
import multiprocessing
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

from lateral_training.model import load_model, tensors
from lateral_training.sequence import DOCUMENT_LENGTH, SPECIALS, Sequences, pad

LENGTHS = (1, 5, 32, 127, 128, 129, 256, 258, 400, 511, 513, 700)


def main() -> None:
    arguments = _arguments()
    sequences = Sequences(arguments.model / "tokenizer.json")
    rng = np.random.default_rng(7)
    rows = [rng.integers(len(SPECIALS), sequences.size, length).tolist() for length in LENGTHS]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(arguments.model / "onnx" / "model_q4.onnx"), options, providers=["CPUExecutionProvider"])

    def run(batch: list[list[int]]) -> list[np.ndarray]:
        ids, mask = pad(batch)
        (vectors,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
        return [vectors[place, : len(row)] for place, row in enumerate(batch)]

    alone = [run([row])[0] for row in rows]
    model = load_model(arguments.work / "rounded.safetensors").eval()
    with torch.inference_mode():
        wanted = [F.normalize(model(*tensors([row]))[0], dim=-1).numpy() for row in rows]
        padded = F.normalize(model(*tensors(rows)), dim=-1).numpy()
    cosine = min(float((a * b).sum(1).min()) for a, b in zip(alone, wanted))
    together = max(float(np.abs(a - b).max()) for a, b in zip(alone, run(rows)))
    torch_together = max(float(np.abs(a - b[: len(a)]).max()) for a, b in zip(wanted, padded))
    print(f"least cosine of ONNX and PyTorch rows {cosine:.7f}")
    print(f"largest change of a row by padding and neighbours: ONNX {together:.2e}, PyTorch {torch_together:.2e}")

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        seconds, memory = pool.apply(_long_document, (arguments.model / "onnx" / "model_q4.onnx", sequences.size))
    print(f"{DOCUMENT_LENGTH} tokens in {seconds:.1f} s on one thread; they and the model take {memory:.0f} MiB at most")
    if cosine < 0.9999 or together > 1e-5:
        raise SystemExit("the exported model is not what was trained")


def _long_document(path: Path, vocabulary: int) -> tuple[float, float]:
    """Seconds and growth of memory (MiB) in a process of its own: the session and one document of the greatest length."""
    before = _peak()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    ids = np.random.default_rng(7).integers(len(SPECIALS), vocabulary, (1, DOCUMENT_LENGTH))
    started = time.time()
    session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    return time.time() - started, _peak() - before


def _peak() -> float:
    """Most memory that this process has had, in MiB (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("training/work/lateral-mini-1"))
    parser.add_argument("--work", type=Path, default=Path("training/work"), help="holds rounded.safetensors, which export.py writes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
