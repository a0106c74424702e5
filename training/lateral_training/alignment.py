"""Word alignment by IBM model 1 in both directions (Brown et al. 1993), trained to agree (Liang et al. 2006).

Own pieces f of a foreign sentence, the base's word pieces e of its English side: how often is f the translation of e?
"""
from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

EMPTY = np.int64(-1)
NULL_SHARE = 0.05  # first probability that a piece has no counterpart


@dataclass(frozen=True)
class Bitext:
    """Sentence s holds pieces[starts[s]:starts[s + 1]], each piece once."""

    pieces: np.ndarray  # int32
    starts: np.ndarray  # int64
    words: np.ndarray  # int32
    word_starts: np.ndarray  # int64
    weights: np.ndarray  # float32, one a sentence


def bitext(foreign: list[list[int]], english: list[list[int]], weights: np.ndarray) -> Bitext:
    def flat(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
        unique = [sorted(set(row)) for row in rows]
        starts = np.concatenate([[0], np.cumsum([len(row) for row in unique])]).astype(np.int64)
        return np.array([value for row in unique for value in row], dtype=np.int32), starts

    return Bitext(*flat(foreign), *flat(english), weights.astype(np.float32))


def aligned_counts(text: Bitext, pieces: int, words: int, rounds: int, agreeing: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(piece, word, expected number of times that they are each other's translation), after `rounds` rounds of
    which the last `agreeing` multiply the two directions' posteriors."""
    keys, links = _index(text.pieces, text.starts, text.words, text.word_starts)
    piece, word = (keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32)
    size = len(keys)
    forward, backward = np.ones(size, np.float32), np.ones(size, np.float32)  # p(word | piece), p(piece | word)
    null_words, null_pieces = np.full(words, NULL_SHARE, np.float32), np.full(pieces, NULL_SHARE, np.float32)
    counts = forward
    for turn in range(rounds):
        agree = turn >= rounds - agreeing
        counts, other, word_nulls, piece_nulls = _expect(
            text.pieces, text.starts, text.words, text.word_starts, text.weights, links, forward, backward, null_words, null_pieces, agree
        )
        forward = _normalised(counts, piece, pieces)
        backward = _normalised(other, word, words)
        null_words = (word_nulls / word_nulls.sum()).astype(np.float32)
        null_pieces = (piece_nulls / piece_nulls.sum()).astype(np.float32)
        print(f"  alignment round {turn + 1} of {rounds}: {size} pairs, {counts.sum():.0f} links", flush=True)
    return piece, word, counts


def _normalised(counts: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    totals = np.bincount(group, weights=counts, minlength=groups)
    return (counts / np.maximum(totals, 1e-12)[group]).astype(np.float32)


@numba.njit(cache=True)
def _index(pieces, starts, words, word_starts):  # type: ignore[no-untyped-def]
    """Numbers every pair that occurs in a sentence: (keys piece << 32 | word, the number of each pair in reading order)."""
    total = np.int64(0)
    for s in range(len(starts) - 1):
        total += (starts[s + 1] - starts[s]) * (word_starts[s + 1] - word_starts[s])
    capacity, shift = np.int64(1024), np.uint64(54)
    while capacity < total:
        capacity, shift = capacity * 2, shift - np.uint64(1)
    slots = np.full(capacity, -1, np.int64)
    numbers = np.empty(capacity, np.int32)
    links = np.empty(total, np.int32)
    keys = np.empty(total, np.int64)
    used, at = 0, 0
    for s in range(len(starts) - 1):
        for i in range(starts[s], starts[s + 1]):
            for j in range(word_starts[s], word_starts[s + 1]):
                key = (np.int64(pieces[i]) << 32) | np.int64(words[j])
                slot = (np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
                slot = np.int64(slot & np.uint64(capacity - 1))
                while slots[slot] != key:
                    if slots[slot] == -1:
                        slots[slot] = key
                        numbers[slot] = used
                        keys[used] = key
                        used += 1
                        break
                    slot = (slot + 1) & (capacity - 1)
                links[at] = numbers[slot]
                at += 1
    return keys[:used].copy(), links


@numba.njit(cache=True, fastmath=True)
def _expect(pieces, starts, words, word_starts, weights, links, forward, backward, null_words, null_pieces, agree):  # type: ignore[no-untyped-def]
    counts = np.zeros(len(forward), np.float32)
    other = np.zeros(len(forward) if not agree else 0, np.float32)
    word_nulls = np.full(len(null_words), 1e-6)
    piece_nulls = np.full(len(null_pieces), 1e-6)
    rows = np.empty(4096, np.float32)
    columns = np.empty(4096, np.float32)
    base = np.int64(0)
    for s in range(len(starts) - 1):
        n, m = starts[s + 1] - starts[s], word_starts[s + 1] - word_starts[s]
        for j in range(m):
            columns[j] = null_words[words[word_starts[s] + j]]
        for i in range(n):
            rows[i] = null_pieces[pieces[starts[s] + i]]
            for j in range(m):
                link = links[base + i * m + j]
                columns[j] += forward[link]
                rows[i] += backward[link]
        for j in range(m):
            word_nulls[words[word_starts[s] + j]] += weights[s] * null_words[words[word_starts[s] + j]] / columns[j]
        for i in range(n):
            piece_nulls[pieces[starts[s] + i]] += weights[s] * null_pieces[pieces[starts[s] + i]] / rows[i]
            for j in range(m):
                link = links[base + i * m + j]
                there, back = forward[link] / columns[j], backward[link] / rows[i]
                if agree:
                    counts[link] += weights[s] * there * back
                else:
                    counts[link] += weights[s] * there
                    other[link] += weights[s] * back
        base += n * m
    return counts, (counts if agree else other), word_nulls, piece_nulls
