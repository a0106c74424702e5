"""The first projection: principal components of the base model's token vectors, in the order of their variance."""
from __future__ import annotations

from typing import Sequence

import torch
import torch.nn.functional as F

from .model import DIM, Mini, autocast, in_length_order, tensors


@torch.inference_mode()
def principal_components(model: Mini, rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """A [DIM, WIDTH] projection. What all tokens have in common (their mean direction) is projected out first:
    it adds the same to every similarity and says nothing."""
    parts = []
    for batch in in_length_order(rows, 8192):
        ids, mask = tensors([rows[index] for index in batch])
        with autocast():
            hidden = model.hidden(ids, mask).float()
        parts.append(F.normalize(hidden[mask.bool()], dim=-1))
    vectors = torch.cat(parts).double()
    mean = vectors.mean(0)
    centred = vectors - mean
    values, components = torch.linalg.eigh(centred.T @ centred / len(vectors))
    order = values.argsort(descending=True)[:DIM]
    print(f"{len(vectors)} token vectors, {float(values[order].sum() / values.sum()):.1%} of the variance kept")
    projection = components[:, order].T
    direction = mean / mean.norm()
    projection = projection - (projection @ direction)[:, None] * direction
    return projection.float().contiguous()
