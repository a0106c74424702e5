"""The teacher's rows of the English texts in a pack, and which of them belongs to which row of the student's."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .packed import Packed
from .segments import numbers
from .sequence import QUERY_LENGTH
from .teacher import TEACHER_LENGTH, TEACHER_QUERY, teacher_sequence


def sequences(data: Packed) -> list[list[int]]:
    """What the teacher reads, in the order of the pack's English texts."""
    return [teacher_sequence(data.english[index], bool(query)) for index, query in enumerate(data.english_query)]


@dataclass(frozen=True)
class Links:
    """Rows of both models in common segments: a student's row belongs to the segment at its place, and so does a teacher's."""

    own_rows: np.ndarray
    own_segments: np.ndarray
    other_rows: np.ndarray
    other_segments: np.ndarray
    count: int


class Taught:
    def __init__(self, data: Packed, file: Path) -> None:
        self.data = data
        lengths = np.minimum(np.diff(data.english.starts), TEACHER_LENGTH) + 3
        lengths = np.where(data.english_query, TEACHER_QUERY, lengths)
        self.starts = np.concatenate([[0], np.cumsum(lengths)])
        self.rows = np.load(file, mmap_mode="r")
        if len(self.rows) != self.starts[-1]:
            raise SystemExit(f"{file} belongs to another pack: delete it and teacher.progress, and run teach.py")

    def of(self, english: int) -> np.ndarray:
        """Unit rows [length, DIM] of a text."""
        return np.asarray(self.rows[self.starts[english] : self.starts[english + 1]], dtype=np.float32)

    def links(self, english: int, length: int) -> Links:
        """length: of the student's sequence with specials, as far as it was read. First rows, markers and ends belong together,
        and the masks of a query one by one."""
        query = bool(self.data.english_query[english])
        own_inner = min(len(self.data.english_ends.row(english)), length - 3)
        other_inner = min(len(self.data.english[english]), (TEACHER_QUERY - 3) if query else TEACHER_LENGTH)
        own = numbers(self.data.english_ends.row(english))[:own_inner]
        other = numbers(self.data.teacher_ends.row(english))[:other_inner]
        # A segment that either side has cut off in the middle is left out; so is what follows the last common end.
        whole = min(_whole(self.data.english_ends.row(english)[:own_inner]), _whole(self.data.teacher_ends.row(english)[:other_inner]))
        own, other = own[own < whole], other[other < whole]
        masks = max(0, min(QUERY_LENGTH - own_inner, TEACHER_QUERY - other_inner) - 3) if query else 0
        special, mask = whole + np.arange(3), whole + 3 + np.arange(masks)
        return Links(
            np.concatenate([2 + np.arange(len(own)), [0, 1, 2 + own_inner], 3 + own_inner + np.arange(masks)]),
            np.concatenate([own, special, mask]),
            np.concatenate([2 + np.arange(len(other)), [0, 1, 2 + other_inner], 3 + other_inner + np.arange(masks)]),
            np.concatenate([other, special, mask]),
            whole + 3 + masks,
        )

    def kept(self, english: int, skipped: np.ndarray) -> np.ndarray:
        """Which rows of a document count: all but punctuation."""
        return ~np.isin(teacher_sequence(self.data.english[english], bool(self.data.english_query[english])), skipped)


def _whole(marks: np.ndarray) -> int:
    """How many segments have their end among these pieces."""
    return int(marks.sum())
