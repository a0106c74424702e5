"""First embeddings of the pieces: means of the base's word-piece embeddings.

    spelt      a piece's own letters as the base spells them, for pieces that can be English
    aligned    the English word pieces that a piece is the translation of, by word alignment in the parallel sentences

A piece has both in proportion to how often it occurs as English and as a translation; what it has of neither is noise of
its own, so that different pieces stay different.
"""
from __future__ import annotations

import random
from collections import Counter
from typing import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer

from .alignment import Bitext, aligned_counts, bitext
from .sequence import SPECIALS, Sequences
from .sources import Pair, Parallel
from .vocabulary import BYTES, SPACE

TEMPERATURE = 0.4
ENGLISH_BOOST = 3.0
LONGEST = 40  # pieces of a sentence that is aligned
STOPPED = 60  # so many of the commonest English word pieces are left out of sentences longer than
LONG = 16  # word pieces
BUDGET = 1_500_000  # pairs of a piece and a word, for each language
ROUNDS, AGREEING = 4, 2
SAME = 0.7  # a piece that is English at least so often and a word piece of the base keeps its embedding as it is
FIRST_WORD = 1996  # the base's rows before are specials and unused
MARKERS = {
    "<s>": ["[CLS]"], "<pad>": ["[PAD]"], "</s>": ["[SEP]"], "<unk>": ["[UNK]"], "<mask>": ["[MASK]"],
    "[QueryMarker]": ["[QueryMarker]"], "[DocumentMarker]": ["[DocumentMarker]"],
}


def embeddings(
    sequences: Sequences, words: np.ndarray, tokenizer: Tokenizer, parallel: list[Parallel], pairs: list[Pair], seed: int, show: Sequence[str]
) -> np.ndarray:
    """[pieces, WIDTH]. words, tokenizer: the base's word-piece embeddings and its tokenizer; show: pieces whose alignment is printed."""
    pieces = [sequences.tokenizer.id_to_token(index) for index in range(sequences.size)]
    spelt, is_spelt, is_whole = _spelt(pieces, words, tokenizer)
    rows = [row for row in parallel if "en" in (row.language_a, row.language_b) and row.language_a != row.language_b]
    text, foreign_counts = _bitext(rows, sequences, tokenizer, random.Random(seed))
    piece, word, counts = aligned_counts(text, len(pieces), len(words), ROUNDS, AGREEING)
    aligned, confidence = _aligned(piece, word, counts, foreign_counts, words)
    _show(show, pieces, piece, word, counts, tokenizer)

    as_english = np.where(is_spelt, _english_counts(rows, pairs, sequences) + 0.02 * foreign_counts + 1e-3, 0.0) ** 0.75
    as_translation = (foreign_counts * confidence) ** 0.75
    share = (as_english / np.maximum(as_english + as_translation, 1e-9))[:, None]
    sure = np.clip(share[:, 0] + (1 - share[:, 0]) * confidence, 0, 1)[:, None]
    print(f"{is_spelt.mean():.1%} of the pieces have an English spelling, {(sure > 0.3).mean():.1%} a sure embedding", flush=True)
    table = _blended(spelt, aligned, share, sure, words[FIRST_WORD:], seed)
    same = is_whole & (share[:, 0] > SAME)
    table[same] = spelt[same]
    print(f"{same.mean():.1%} of the pieces have the very embedding of a word piece", flush=True)
    for index, name in enumerate(SPECIALS):
        table[index] = words[[tokenizer.token_to_id(part) for part in MARKERS[name]]].mean(0)
    return table.astype(np.float32)


def _blended(spelt: np.ndarray, aligned: np.ndarray, share: np.ndarray, sure: np.ndarray, words: np.ndarray, seed: int) -> np.ndarray:
    """share: of the spelling; sure: how much of a piece is known at all. All rows are as long as the base's usually are."""
    size = float(np.median(np.linalg.norm(words, axis=1)))
    noise = _length(np.random.default_rng(seed).standard_normal(spelt.shape).astype(np.float32), size)
    known = share * _length(spelt, size) + (1 - share) * _length(aligned, size)
    return _length(sure * known + (1 - sure) * (0.8 * noise + words.mean(0)) + 0.08 * noise, size)


def _length(rows: np.ndarray, size: float) -> np.ndarray:
    return rows * (size / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))


def _spelt(pieces: list[str], words: np.ndarray, tokenizer: Tokenizer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The base's embedding of a piece's letters, whether it can be one of English (ASCII only), and whether it is one of the base's."""
    ids = tokenizer.get_vocab()
    table, known = np.zeros((len(pieces), words.shape[1]), np.float32), np.zeros(len(pieces), bool)
    whole = np.zeros(len(pieces), bool)
    for index, piece in enumerate(pieces):
        letters = piece.removeprefix(SPACE)
        first = ids.get(letters if piece.startswith(SPACE) else f"##{letters}")
        parts = [first] if first is not None else tokenizer.encode(letters, add_special_tokens=False).ids
        if letters and parts and ids["[UNK]"] not in parts and piece not in BYTES:
            table[index] = words[parts].mean(0)
            known[index] = letters.isascii()
            whole[index] = first is not None
    return table, known, whole


def _bitext(rows: list[Parallel], sequences: Sequences, tokenizer: Tokenizer, rng: random.Random) -> tuple[Bitext, np.ndarray]:
    """Sentences with an English side, at most BUDGET of each language, weighted so that a language counts by the power
    TEMPERATURE of its size; and how often each piece occurs, so weighted."""
    sides = [(row.b, row.language_b, row.a) if row.language_a == "en" else (row.a, row.language_a, row.b) for row in rows]
    sides = rng.sample(sides, len(sides))
    foreign = [sorted(set(ids[:LONGEST])) for ids in sequences.plain([side[0] for side in sides])]
    encoded = tokenizer.encode_batch_fast([side[2] for side in sides], add_special_tokens=False)
    english = [item.ids[: 2 * LONGEST] for item in encoded]
    stopped = {word for word, _ in Counter(word for ids in english[:100_000] for word in ids).most_common(STOPPED)}
    english = [ids if len(ids) <= LONG else [word for word in ids if word not in stopped] for ids in english]
    kept, spent = [], Counter[str]()
    for index, (_, language, _) in enumerate(sides):
        if spent[language] < BUDGET:
            spent[language] += len(foreign[index]) * len(english[index])
            kept.append(index)
    sizes = Counter(sides[index][1] for index in kept)
    weights = np.array([sizes[sides[index][1]] ** (TEMPERATURE - 1) for index in kept], dtype=np.float32)
    print(f"{len(kept)} sentences, {spent.total() / 1e6:.0f} million pairs", flush=True)
    text = bitext([foreign[index] for index in kept], [english[index] for index in kept], weights)
    occurrences = np.bincount(text.pieces, weights=np.repeat(weights, np.diff(text.starts)), minlength=sequences.size)
    return text, occurrences


def _english_counts(rows: list[Parallel], pairs: list[Pair], sequences: Sequences) -> np.ndarray:
    texts = {row.a if row.language_a == "en" else row.b for row in rows} | {pair.passage for pair in pairs if pair.passage_language == "en"}
    ids = np.concatenate([np.array(row, dtype=np.int64) for row in sequences.plain(sorted(texts))])
    weight = ENGLISH_BOOST * len(rows) ** (TEMPERATURE - 1)
    return np.bincount(ids, minlength=sequences.size) * weight


def _aligned(
    piece: np.ndarray, word: np.ndarray, counts: np.ndarray, occurrences: np.ndarray, words: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the aligned words' embeddings, likely ones first (by the square of their probability) and words that
    stand everywhere less; and which part of a piece's occurrences is aligned, less where it is rare."""
    total = np.bincount(piece, weights=counts, minlength=len(occurrences))
    frequency = np.bincount(word, weights=counts, minlength=len(words))
    common = np.sqrt(np.minimum(1.0, 3e-4 * frequency.sum() / np.maximum(frequency, 1e-9)))
    weight = (counts * counts / np.maximum(total, 1e-9)[piece] * common[word]).astype(np.float32)
    likely = np.flatnonzero(counts > 0.01 * total[piece])
    places = torch.from_numpy(np.stack([piece[likely], word[likely]]).astype(np.int64))
    matrix = torch.sparse_coo_tensor(places, torch.from_numpy(weight[likely]), (len(occurrences), len(words))).coalesce()
    table = torch.sparse.mm(matrix, torch.from_numpy(words)).numpy()
    confidence = np.minimum(1.0, 1.3 * total / np.maximum(occurrences, 1e-9)) * np.sqrt(total / (total + 0.01))
    return table, confidence


def _show(wanted: Sequence[str], pieces: list[str], piece: np.ndarray, word: np.ndarray, counts: np.ndarray, tokenizer: Tokenizer) -> None:
    for name in wanted:
        own = np.flatnonzero(piece == pieces.index(name)) if name in pieces else []
        best = sorted(own, key=lambda place: -counts[place])[:5]
        print(name, [(tokenizer.id_to_token(int(word[place])), round(float(counts[place]), 3)) for place in best])
