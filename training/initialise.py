"""Step 3: the untrained model: four of the base's six layers, embeddings for the new pieces, principal components as projection.

    python training/initialise.py               # about ten minutes

A piece's embedding is a mean of the base's word-piece embeddings: of its own spelling where it is an English piece, and of
the English word pieces that it is aligned with in the parallel sentences, each in proportion to how often it occurs so.
"""
from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from lateral_training.alignment import Bitext, aligned_counts, bitext
from lateral_training.model import LAYERS, Mini, save_model
from lateral_training.pca import principal_components
from lateral_training.sequence import DOCUMENT_MARKER_ID, MASK_ID, QUERY_MARKER_ID, SPECIALS, Sequences
from lateral_training.sources import Pair, Parallel, read_rows
from lateral_training.teacher import base_folder, word_pieces
from lateral_training.vocabulary import BYTES, SPACE

TEMPERATURE = 0.4
ENGLISH_BOOST = 3.0
LONGEST = 40  # pieces of a sentence that is aligned
STOPPED = 60  # so many of the commonest English word pieces are left out of sentences longer than
LONG = 16  # word pieces
BUDGET = 1_500_000  # pairs of a piece and a word, for each language
ROUNDS, AGREEING = 4, 2
MARKERS = {
    "<s>": ["[CLS]"], "<pad>": ["[PAD]"], "</s>": ["[SEP]"], "<unk>": ["[UNK]"], "<mask>": ["[MASK]"],
    "[QueryMarker]": ["question", "query", "search", "?"], "[DocumentMarker]": ["document", "passage", "text", "."],
}


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    rng = random.Random(arguments.seed)
    sequences = Sequences(arguments.work / "tokenizer" / "tokenizer.json")
    base = {name: value.float() for name, value in load_file(arguments.base / "model.safetensors").items()}
    parallel = read_rows(arguments.work / "parallel.jsonl", Parallel)
    pairs = [pair for pair in read_rows(arguments.work / "pairs.jsonl", Pair) if not pair.held_out]
    model = Mini(sequences.size)
    with torch.no_grad():
        fill_body(model, base, [int(layer) for layer in arguments.layers.split(",")])
        model.embeddings["word_embeddings"].weight.copy_(torch.from_numpy(embeddings(arguments, sequences, base, parallel, pairs)))
        sample = rng.sample(pairs, min(arguments.rows, len(pairs)))
        sides = rng.sample(parallel, min(arguments.rows, len(parallel)))
        rows = sequences.documents([pair.passage for pair in sample] + [text for row in sides for text in (row.a, row.b)], 128)
        rows += [sequences.query(pair.query) for pair in sample]
        model.linear.weight.copy_(principal_components(model.eval(), rows))
    save_model(model, arguments.work / "initial.safetensors")


def fill_body(model: Mini, base: dict[str, torch.Tensor], layers: list[int]) -> None:
    """The chosen layers, in order; what positions and token types added to every token on average becomes `shift`."""
    state = model.state_dict()
    for target, source in zip(range(LAYERS), layers, strict=True):
        for name, value in base.items():
            if name.startswith(f"encoder.layer.{source}."):
                state[name.replace(f"layer.{source}.", f"layer.{target}.")].copy_(value)
    for part in ("weight", "bias"):
        state[f"embeddings.LayerNorm.{part}"].copy_(base[f"embeddings.LayerNorm.{part}"])
    positions = base["embeddings.position_embeddings.weight"][2:130].mean(0)
    state["shift"].copy_(positions + base["embeddings.token_type_embeddings.weight"][0])


def embeddings(
    arguments: argparse.Namespace, sequences: Sequences, base: dict[str, torch.Tensor], parallel: list[Parallel], pairs: list[Pair]
) -> np.ndarray:
    """[pieces, WIDTH]"""
    words = base["embeddings.word_embeddings.weight"].numpy()
    tokenizer = word_pieces(arguments.base)
    pieces = [sequences.tokenizer.id_to_token(index) for index in range(sequences.size)]
    spelt, is_spelt = _spelt(pieces, words, tokenizer.get_vocab(), tokenizer)

    rows = [row for row in parallel if "en" in (row.language_a, row.language_b) and row.language_a != row.language_b]
    text, foreign_counts = _bitext(rows, sequences, tokenizer)
    english_counts = _english_counts(rows, pairs, sequences)
    piece, word, counts = aligned_counts(text, len(pieces), len(words), ROUNDS, AGREEING)
    aligned, confidence = _aligned(piece, word, counts, foreign_counts, words, tokenizer)
    if arguments.show:
        _show(arguments.show.split(","), pieces, piece, word, counts, tokenizer)

    size = np.median(np.linalg.norm(words[1996:], axis=1))
    rng = np.random.default_rng(arguments.seed)
    mean = words[1996:].mean(0)
    noise = rng.standard_normal(spelt.shape).astype(np.float32)
    noise *= size / np.linalg.norm(noise, axis=1, keepdims=True)
    own = np.where(is_spelt, english_counts + 0.02 * foreign_counts + 1e-3, 0.0) ** 0.75
    other = (foreign_counts * confidence) ** 0.75
    share = (own / np.maximum(own + other, 1e-9))[:, None]
    table = share * _length(spelt, size) + (1 - share) * _length(aligned, size)
    sure = np.clip(share[:, 0] + (1 - share[:, 0]) * confidence, 0, 1)[:, None]
    table = _length(sure * table + (1 - sure) * 0.8 * noise + (1 - sure) * mean + 0.08 * noise, size)
    for index, name in enumerate(SPECIALS):
        table[index] = words[[tokenizer.token_to_id(part) for part in MARKERS[name]]].mean(0)
    known = (sure[:, 0] > 0.3).mean()
    print(f"{is_spelt.mean():.1%} of the pieces have an English spelling, {known:.1%} a sure embedding", flush=True)
    return table.astype(np.float32)


def _length(rows: np.ndarray, size: float) -> np.ndarray:
    return rows * (size / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))


def _spelt(pieces: list[str], words: np.ndarray, ids: dict[str, int], tokenizer: object) -> tuple[np.ndarray, np.ndarray]:
    """The base's embedding of a piece's letters, and whether it can be one of English (ASCII only)."""
    table, known = np.zeros((len(pieces), words.shape[1]), np.float32), np.zeros(len(pieces), bool)
    for index, piece in enumerate(pieces):
        letters = piece.removeprefix(SPACE)
        first = ids.get(letters if piece.startswith(SPACE) else f"##{letters}")
        parts = [first] if first is not None else tokenizer.encode(letters, add_special_tokens=False).ids  # type: ignore[attr-defined]
        if letters and parts and ids["[UNK]"] not in parts and piece not in BYTES:
            table[index] = words[parts].mean(0)
            known[index] = letters.isascii()
    return table, known


def _bitext(rows: list[Parallel], sequences: Sequences, tokenizer: object) -> tuple[Bitext, np.ndarray]:
    """Sentences with an English side, at most BUDGET of each language, weighted so that a language counts by the power TEMPERATURE of its size;
    and how often each piece occurs, so weighted."""
    sides = [(row.b, row.language_b, row.a) if row.language_a == "en" else (row.a, row.language_a, row.b) for row in rows]
    sides = random.Random(7).sample(sides, len(sides))
    foreign = [sorted(set(ids[:LONGEST])) for ids in sequences.plain([side[0] for side in sides])]
    encoded = tokenizer.encode_batch_fast([side[2] for side in sides], add_special_tokens=False)  # type: ignore[attr-defined]
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
    piece: np.ndarray, word: np.ndarray, counts: np.ndarray, occurrences: np.ndarray, words: np.ndarray, tokenizer: object
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


def _show(wanted: list[str], pieces: list[str], piece: np.ndarray, word: np.ndarray, counts: np.ndarray, tokenizer: object) -> None:
    for name in wanted:
        own = np.flatnonzero(piece == pieces.index(name)) if name in pieces else []
        best = sorted(own, key=lambda place: -counts[place])[:5]
        print(name, [(tokenizer.id_to_token(int(word[place])), round(float(counts[place]), 3)) for place in best])  # type: ignore[attr-defined]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=base_folder(), help="folder with all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--layers", default="0,3,4,5", help="which of the base's layers")
    parser.add_argument("--rows", type=int, default=1000, help="pairs, and parallel rows, for the principal components")
    parser.add_argument("--show", help="comma-separated pieces whose alignment is printed")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
