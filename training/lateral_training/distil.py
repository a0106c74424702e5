"""Losses that pull the student's rows to the teacher's: word by word in English, by soft alignment in other languages."""
from __future__ import annotations

from typing import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from .taught import Links

ALIGNMENT_TEMPERATURE = 0.1


def joined_links(links: Sequence[Links], own_length: int, other_length: int, device: torch.device) -> tuple[torch.Tensor, ...]:
    """Of a batch: (own rows, own segments, other rows, other segments, number of segments), rows counted through the padded batch."""
    starts = np.concatenate([[0], np.cumsum([link.count for link in links])])
    columns = (
        np.concatenate([link.own_rows + place * own_length for place, link in enumerate(links)]),
        np.concatenate([link.own_segments + start for link, start in zip(links, starts)]),
        np.concatenate([link.other_rows + place * other_length for place, link in enumerate(links)]),
        np.concatenate([link.other_segments + start for link, start in zip(links, starts)]),
    )
    return (*(torch.from_numpy(column.astype(np.int64)).to(device) for column in columns), torch.tensor(int(starts[-1])))


def segment_means(own: torch.Tensor, other: torch.Tensor, links: Sequence[Links], dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """own, other: padded rows [texts, length, DIM]. Sums of the unit rows in the leading dimensions, segment by segment [segments, dim]."""
    own_rows, own_segments, other_rows, other_segments, count = joined_links(links, own.shape[1], other.shape[1], own.device)

    def sums(rows: torch.Tensor, places: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
        unit = F.normalize(rows.flatten(0, 1)[places, :dim], dim=1)
        return unit.new_zeros(int(count), dim).index_add(0, segments, unit)

    return sums(own, own_rows, own_segments), sums(other, other_rows, other_segments)


def word_loss(own: torch.Tensor, other: torch.Tensor, links: Sequence[Links], weights: Mapping[int, float]) -> torch.Tensor:
    """1 - cosine of each segment, in each number of dimensions."""
    losses = [(1 - F.cosine_similarity(*segment_means(own, other, links, dim))).mean() * weight for dim, weight in weights.items()]
    return torch.stack(losses).sum()


def alignment_loss(
    own: torch.Tensor, kept: torch.Tensor, other: torch.Tensor, other_kept: torch.Tensor, weights: Mapping[int, float]
) -> torch.Tensor:
    """own [texts, length, DIM] says in another language what the teacher's rows `other` say in English. Every kept row of either
    should find its like on the other side: 1 - cosine, weighted by a softmax over that side."""
    losses = []
    for dim, weight in weights.items():
        cosines = F.normalize(own[..., :dim], dim=2) @ F.normalize(other[..., :dim], dim=2).transpose(1, 2)
        pairs = kept[:, :, None] & other_kept[:, None, :]
        attention = (cosines.detach() / ALIGNMENT_TEMPERATURE).masked_fill(~pairs, -1e4)
        for axis, rows in ((2, kept), (1, other_kept)):
            found = (attention.softmax(axis) * cosines).sum(axis)
            losses.append(weight / 2 * (1 - found[rows]).mean())
    return torch.stack(losses).sum()


def turn(own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The rotation R for which own @ R lies nearest to other (orthogonal Procrustes, Schönemann 1966)."""
    left, _, right = torch.linalg.svd(own.T.double() @ other.double())
    return (left @ right).float()
