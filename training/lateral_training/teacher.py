"""The teacher: lateral-mini@0, this project's first English late-interaction model, read from its quantised file.

It gives the student its body and first embeddings.
"""
from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Sequence

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from tokenizers import Tokenizer

from .model import DIM, EPSILON, HEAD, HEADS, WIDTH, autocast, in_length_order, tensors
from .quantizers import BLOCK

TEACHER = Path("training/teacher")
TEACHER_LAYERS = 6
TEACHER_LENGTH = 160  # inner tokens of a document
TEACHER_QUERY = 32
CLS_ID, SEP_ID, MASK_ID, QUERY_MARKER_ID, DOCUMENT_MARKER_ID = 101, 102, 103, 30522, 30523


def word_pieces(folder: Path) -> Tokenizer:
    """The WordPiece tokenizer of the base or the teacher, without padding and truncation."""
    settings = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    settings["truncation"] = settings["padding"] = None
    return Tokenizer.from_str(json.dumps(settings))


def teacher_sequence(inner: Sequence[int], query: bool) -> list[int]:
    """[CLS] marker tokens [SEP], a query filled up with [MASK]."""
    if not query:
        return [CLS_ID, DOCUMENT_MARKER_ID, *inner[:TEACHER_LENGTH], SEP_ID]
    ids = [CLS_ID, QUERY_MARKER_ID, *inner[: TEACHER_QUERY - 3], SEP_ID]
    return ids + [MASK_ID] * (TEACHER_QUERY - len(ids))


def punctuation(tokenizer: Tokenizer) -> np.ndarray:
    return np.array([tokenizer.token_to_id(mark) for mark in string.punctuation])


class Teacher:
    def __init__(self, file: Path, device: torch.device | str = "cpu") -> None:
        self.device = device
        self.state = {name: torch.tensor(value, device=device) for name, value in restored_weights(file).items()}

    @torch.inference_mode()
    def rows(self, sequences: Sequence[Sequence[int]]) -> list[np.ndarray]:
        """Unit rows [length, DIM] of each sequence."""
        out: list[np.ndarray] = [np.empty((0, DIM))] * len(sequences)
        for batch in in_length_order(sequences, 8192):
            ids, mask = tensors([sequences[index] for index in batch], self.device)  # padding is masked, so its id does not matter
            with autocast(self.device):
                hidden = self._hidden(ids, mask)
            unit = F.normalize(hidden.float() @ self.state["linear.weight"].T, dim=-1).cpu().numpy()
            for place, index in enumerate(batch):
                out[index] = unit[place, : len(sequences[index])]
        return out

    def _hidden(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        state = self.state
        x = self._norm(state["word_embeddings"][ids] + state["position_embeddings"][: ids.shape[1]], "embeddings.LayerNorm")
        for layer in range(TEACHER_LAYERS):
            name = f"encoder.layer.{layer}"
            joined = self._linear(x, f"{name}.attention.self.qkv").chunk(3, -1)
            parts = [part.unflatten(-1, (HEADS, HEAD)).transpose(1, 2) for part in joined]
            context = F.scaled_dot_product_attention(*parts, attn_mask=mask.bool()[:, None, None, :]).transpose(1, 2).flatten(2)
            x = self._norm(x + self._linear(context, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
            inner = F.gelu(self._linear(x, f"{name}.intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return x

    def _linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (WIDTH,), self.state[f"{name}.weight"], self.state[f"{name}.bias"], EPSILON)


def restored_weights(file: Path) -> dict[str, np.ndarray]:
    """fp32 weights of the quantised file: matrices in blocks of BLOCK, embeddings in 8-bit rows."""
    stored = {value.name: numpy_helper.to_array(value) for value in onnx.load(file).graph.initializer}
    out: dict[str, np.ndarray] = {}
    for name, value in stored.items():
        if name.endswith(("_q4", "_q8")) and "embeddings" not in name:
            numbers = value.astype(np.int16)
            if name.endswith("_q4"):
                numbers = np.stack([numbers & 15, numbers >> 4], -1).reshape(*value.shape[:2], BLOCK) - 8
            else:
                numbers = numbers - 128
            scales = stored[name.replace(".weight_q4", ".scales").replace(".weight_q8", ".scales")].reshape(*value.shape[:2], 1)
            out[name[:-3]] = (numbers * scales).reshape(len(value), -1).astype(np.float32)
        elif name.endswith("_embeddings_q8"):
            out[name[:-3]] = value.astype(np.float32) * stored[name.replace("_q8", "_scales")]
        elif name.endswith(("LayerNorm.weight", "bias")):
            out[name] = value
    return out
