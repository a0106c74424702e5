"""Which of the student's pieces and of the teacher's stand for the same letters: the text is cut wherever both cut it."""
from __future__ import annotations

from typing import Sequence

import numpy as np

Offsets = Sequence[tuple[int, int]]


def common_ends(own: Offsets, other: Offsets) -> tuple[np.ndarray, np.ndarray]:
    """For both tokenizations of a text, 1 for each piece that ends a segment. Both hold the same number of ones; the pieces
    after the last one have no counterpart."""
    own_ends, other_ends = _ends(own), _ends(other)
    common = np.intersect1d(own_ends, other_ends)
    return _marks(own_ends, common), _marks(other_ends, common)


def numbers(marks: np.ndarray) -> np.ndarray:
    """The segment of each piece, from 0."""
    return np.concatenate([[0], np.cumsum(marks[:-1], dtype=np.int64)])[: len(marks)]


def _ends(offsets: Offsets) -> np.ndarray:
    return np.maximum.accumulate(np.array([end for _, end in offsets], dtype=np.int64)) if len(offsets) else np.empty(0, np.int64)


def _marks(ends: np.ndarray, common: np.ndarray) -> np.ndarray:
    """The last piece that ends at each common place."""
    last = np.append(ends[1:] != ends[:-1], True)[: len(ends)]
    return (np.isin(ends, common) & last).astype(np.uint16)
