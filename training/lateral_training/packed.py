"""Training data as token ids, in one compressed file that travels to another machine.

Texts are numbered; pairs, parallel rows and the teacher's English texts refer to them by number.
"""
from __future__ import annotations

import io
import lzma
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Iterable, Sequence

import numpy as np

NONE = -1


@dataclass(frozen=True)
class Ragged:
    """Rows of different length in one array."""

    flat: np.ndarray  # uint16
    starts: np.ndarray  # int64, one more than rows

    @staticmethod
    def of(rows: Sequence[Sequence[int]]) -> "Ragged":
        starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return Ragged(np.fromiter((value for row in rows for value in row), np.uint16, starts[-1]), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> list[int]:
        return self.row(index).tolist()

    def row(self, index: int) -> np.ndarray:
        return self.flat[self.starts[index] : self.starts[index + 1]]


@dataclass(frozen=True)
class Packed:
    texts: Ragged  # the student's ids, without specials
    english: Ragged  # the teacher's ids of English texts, without specials
    english_text: np.ndarray  # the same as a text
    english_query: np.ndarray  # whether the teacher reads it as a query
    english_ends: Ragged  # of the student's ids: 1 where both tokenizers cut (segments.py)
    teacher_ends: Ragged  # of the teacher's
    names: np.ndarray  # names of sources and languages
    pair_source: np.ndarray
    pair_query: np.ndarray  # a text
    pair_passage: np.ndarray
    pair_query_english: np.ndarray  # a row of `english`, or NONE
    pair_passage_english: np.ndarray
    pair_held_out: np.ndarray
    row_source: np.ndarray
    row_a: np.ndarray  # a text
    row_b: np.ndarray
    row_language_a: np.ndarray
    row_language_b: np.ndarray
    row_english: np.ndarray  # a row of `english` with the meaning of both sides, or NONE

    def save(self, path: Path) -> None:
        arrays: dict[str, np.ndarray] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Ragged):
                arrays[f"{field.name}.flat"] = value.flat
                arrays[f"{field.name}.lengths"] = np.diff(value.starts).astype(np.uint16)
            else:
                arrays[field.name] = value
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        path.write_bytes(lzma.compress(buffer.getvalue(), preset=6))

    @staticmethod
    def load(path: Path) -> "Packed":
        arrays = np.load(io.BytesIO(lzma.decompress(path.read_bytes())))

        def value(name: str) -> Ragged | np.ndarray:
            if name in arrays:
                return arrays[name]
            starts = np.concatenate([[0], np.cumsum(arrays[f"{name}.lengths"].astype(np.int64))])
            return Ragged(arrays[f"{name}.flat"], starts)

        return Packed(**{field.name: value(field.name) for field in fields(Packed)})  # type: ignore[arg-type]


class Numbering:
    """Numbers different values in the order in which they are first seen."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, value: str) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    @property
    def values(self) -> list[str]:
        return list(self.numbers)


def shares(groups: Iterable[str], budget: int, power: float, factor: dict[str, float]) -> dict[str, int]:
    """How many of each group to take: in proportion to (its size × factor) to a power, and `budget` in all, or fewer."""
    sizes = Counter(groups)
    weights = {group: size**power * factor.get(group, 1.0) for group, size in sizes.items()}
    left, taken = float(budget), {}
    total = sum(weights.values())
    for group in sorted(sizes, key=lambda group: sizes[group] / weights[group]):  # those that run out come first
        taken[group] = min(sizes[group], round(left * weights[group] / total))
        left -= taken[group]
        total -= weights[group]
    return taken
