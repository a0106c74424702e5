"""Weight quantisation in blocks of 32 along a row, as MatMulNBits and GatherBlockQuantized read it."""
from __future__ import annotations

import numpy as np
import torch

BLOCK = 32


def fake_quantize(weight: torch.Tensor, bits: int | None) -> torch.Tensor:
    """What `quantize_blocks` would give back, as a differentiable function (straight-through); None: the weight itself."""
    if bits is None:
        return weight
    with torch.no_grad():
        q, scale = symmetric(weight.detach().reshape(-1, BLOCK), bits)
        restored = (q * scale).reshape(weight.shape)
    return weight + (restored - weight.detach())


def quantize_blocks(weight: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """[out, in] fp32 → MatMulNBits' packed bytes [out, blocks, BLOCK*bits/8] and scales [out, blocks]; zero point 2^(bits-1)."""
    rows, columns = weight.shape
    q, scale = symmetric(torch.from_numpy(weight).reshape(-1, BLOCK), bits)
    stored = (q + (1 << (bits - 1))).to(torch.uint8).numpy().reshape(rows, columns // BLOCK, BLOCK)
    if bits == 4:
        stored = stored[..., 0::2] | (stored[..., 1::2] << 4)
    return np.ascontiguousarray(stored), scale.numpy().reshape(rows, columns // BLOCK)


def restore_blocks(weight: np.ndarray, bits: int) -> np.ndarray:
    """What the packed bytes of `quantize_blocks` stand for."""
    q, scale = symmetric(torch.from_numpy(weight).reshape(-1, BLOCK), bits)
    return (q * scale).reshape(weight.shape).numpy()


def symmetric(blocks: torch.Tensor, bits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The value of largest size becomes -2^(bits-1) exactly, so that the whole signed range is used."""
    half = 1 << (bits - 1)
    index = blocks.abs().argmax(dim=1, keepdim=True)
    scale = blocks.gather(1, index) / -half
    inverse = torch.where(scale == 0, torch.zeros_like(scale), 1 / scale)
    return (blocks * inverse).round().clamp(-half, half - 1), scale
