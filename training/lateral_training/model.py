"""The model in PyTorch: a post-norm BERT body with learned positions and a sliding window, a bias-free projection, unit rows.

A token attends to the tokens at most WINDOW away, so a text's cost grows with its length, and the rows of a text
depend on nothing but the text. State names are Hugging Face's BERT's where a part is BERT's.
"""
from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from .quantizers import fake_quantize
from .sequence import pad

LAYERS, WIDTH, HEADS, INNER, DIM = 5, 384, 12, 1536, 128
HEAD = WIDTH // HEADS
WINDOW = 128  # also the length of a block
POSITIONS = 512  # then they begin anew: within a window order is known, but for once every 512 tokens
EPSILON = 1e-12
DIMENSIONS = (128, 96, 64)
PROJECTION_BITS, MATRIX_BITS, TABLE_BITS = 8, 4, 4


class Linear(nn.Linear):
    """A linear layer that can be trained as its quantised self."""

    bits: int | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, fake_quantize(self.weight, self.bits), self.bias)


class Table(nn.Embedding):
    """An embedding table that can be trained as its quantised self: only the rows in use are rounded."""

    bits: int | None = None

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return fake_quantize(F.embedding(ids, self.weight), self.bits)


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        attention = nn.ModuleDict({"self": nn.ModuleDict({name: Linear(WIDTH, WIDTH) for name in ("query", "key", "value")})})
        attention["output"] = nn.ModuleDict({"dense": Linear(WIDTH, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, EPSILON)})
        self.attention = attention
        self.intermediate = nn.ModuleDict({"dense": Linear(WIDTH, INNER)})
        self.output = nn.ModuleDict({"dense": Linear(INNER, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, EPSILON)})

    def forward(self, x: torch.Tensor, places: "Places") -> torch.Tensor:
        batch, length, _ = x.shape
        query, key, value = (
            self.attention["self"][name](x).view(batch, length, HEADS, HEAD).transpose(1, 2) for name in ("query", "key", "value")
        )
        context = places.attend(query, key, value).transpose(1, 2).reshape(batch, length, WIDTH)
        out = self.attention["output"]
        x = out["LayerNorm"](x + out["dense"](context))
        return self.output["LayerNorm"](x + self.output["dense"](F.gelu(self.intermediate["dense"](x))))


class Places:
    """What the layers share for one batch: who sees whom."""

    def __init__(self, mask: torch.Tensor) -> None:
        """mask: [batch, length], 1 for tokens."""
        self.length = mask.shape[1]
        self.whole = self.length <= 3 * WINDOW
        self.seen = self._square(mask.bool()) if self.whole else self._blocks(mask.bool())

    def attend(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """[batch, HEADS, length, HEAD] each. Short texts in one product with a band, long ones block by block: the same keys."""
        if self.whole:
            return F.scaled_dot_product_attention(query, key, value, attn_mask=self.seen)
        batch = query.shape[0]
        own = self._cut(query).transpose(1, 2).flatten(0, 1)  # [batch * blocks, HEADS, WINDOW, HEAD]
        around = [self._neighbours(self._cut(x)) for x in (key, value)]
        blocks = F.scaled_dot_product_attention(own, *around, attn_mask=self.seen)
        return blocks.view(batch, -1, HEADS, WINDOW, HEAD).transpose(1, 2).reshape(batch, HEADS, -1, HEAD)[:, :, : self.length]

    def _square(self, mask: torch.Tensor) -> torch.Tensor:
        """[batch, 1, length, length]; a padding token sees itself, so that no row is empty."""
        place = torch.arange(self.length, device=mask.device)
        distance = (place[:, None] - place[None, :]).abs()
        return ((distance <= WINDOW) & mask[:, None, None, :]) | (distance == 0)

    def _blocks(self, mask: torch.Tensor) -> torch.Tensor:
        """[batch * blocks, 1, WINDOW, 3 * WINDOW]"""
        batch = mask.shape[0]
        padded = F.pad(mask, (WINDOW, WINDOW + self._missing()))
        keys = padded.unfold(1, 3 * WINDOW, WINDOW)  # [batch, blocks, 3 * WINDOW]
        offset = torch.arange(3 * WINDOW, device=mask.device)[None, :] - WINDOW - torch.arange(WINDOW, device=mask.device)[:, None]
        seen = (keys[:, :, None, :] & (offset.abs() <= WINDOW)) | (offset == 0)
        return seen.reshape(batch * keys.shape[1], 1, WINDOW, 3 * WINDOW)

    def _missing(self) -> int:
        return -self.length % WINDOW

    def _cut(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, HEADS, length, HEAD] → [batch, HEADS, blocks, WINDOW, HEAD]"""
        return F.pad(x, (0, 0, 0, self._missing())).unflatten(2, (-1, WINDOW))

    @staticmethod
    def _neighbours(blocks: torch.Tensor) -> torch.Tensor:
        """Previous, own and next block of every block: [batch * blocks, HEADS, 3 * WINDOW, HEAD]"""
        wide = F.pad(blocks, (0, 0, 0, 0, 1, 1))
        joined = torch.cat([wide[:, :, :-2], wide[:, :, 1:-1], wide[:, :, 2:]], 3)
        return joined.transpose(1, 2).flatten(0, 1)


class Mini(nn.Module):
    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleDict({"word_embeddings": Table(vocabulary, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, EPSILON)})
        self.positions = nn.Parameter(torch.zeros(POSITIONS, WIDTH))
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList([Layer() for _ in range(LAYERS)])})
        self.linear = Linear(WIDTH, DIM, bias=False)

    def hidden(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Last hidden states [batch, length, WIDTH]."""
        order = torch.arange(ids.shape[1], device=ids.device) % POSITIONS
        x = self.embeddings["LayerNorm"](self.embeddings["word_embeddings"](ids) + self.positions[order])
        places = Places(mask)
        for layer in self.encoder["layer"]:
            x = layer(x, places)
        return x

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Projected rows [batch, length, DIM], not yet of unit length."""
        return self.linear(self.hidden(ids, mask)).float()

    def round_weights(self, rounded: bool = True) -> "Mini":
        """From now on compute with the weights' rounded selves, as the exported file does (gradients pass through)."""
        for module in self.modules():
            if isinstance(module, Table):
                module.bits = TABLE_BITS if rounded else None
            elif isinstance(module, Linear):
                module.bits = None if not rounded else PROJECTION_BITS if module is self.linear else MATRIX_BITS
        return self


def load_model(checkpoint: Path) -> Mini:
    return from_state(load_file(checkpoint))


def from_state(state: Mapping[str, torch.Tensor]) -> Mini:
    model = Mini(len(state["embeddings.word_embeddings.weight"]))
    model.load_state_dict({name: value.float() for name, value in state.items()})
    return model


def save_model(model: Mini, path: Path, half: bool = False) -> None:
    state = {name: value.detach().cpu().to(torch.float16 if half else torch.float32).contiguous() for name, value in model.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(state, partial)
    partial.replace(path)


def tensors(rows: Sequence[Sequence[int]], device: torch.device | str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    ids, mask = pad(rows)
    return torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)


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


def autocast(device: torch.device | str = "cpu") -> AbstractContextManager[object]:
    """bf16 on a GPU. Not on a CPU: without AMX its bf16 products take twice as long as those in fp32."""
    kind = torch.device(device).type
    return nullcontext() if kind == "cpu" else torch.autocast(kind, torch.bfloat16)


@torch.inference_mode()
def encode(model: Mini, rows: Sequence[Sequence[int]], device: torch.device | str = "cpu", tokens_per_batch: int = 8192) -> list[np.ndarray]:
    """Unit rows of each sequence (fp32 arrays [length, DIM])."""
    out: list[np.ndarray] = [np.empty(0)] * len(rows)
    for batch in in_length_order(rows, tokens_per_batch):
        with autocast(device):
            projected = model(*tensors([rows[index] for index in batch], device))
        unit = F.normalize(projected, dim=-1).cpu().numpy()
        for place, index in enumerate(batch):
            out[index] = unit[place, : len(rows[index])]
    return out
