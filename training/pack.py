"""Step 5: the chosen rows as token ids in one file, work/train.pack (at most 30 MB).

    python training/pack.py
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from choose import TAUGHT, english_side, english_texts
from lateral_training.packed import NONE, Numbering, Packed, Ragged
from lateral_training.sequence import Sequences
from lateral_training.sources import Pair, Parallel, read_rows

LONGEST_TEXT = 253  # ids; longer passages are cut


def main() -> None:
    arguments = _arguments()
    work: Path = arguments.work
    sequences = Sequences(work / "tokenizer" / "tokenizer.json")
    pairs, rows = read_rows(work / "chosen-pairs.jsonl", Pair), read_rows(work / "chosen-parallel.jsonl", Parallel)
    place = {text: index for index, text in enumerate(english_texts(pairs, rows))}
    text, name = Numbering(), Numbering()

    def column(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int32)

    def taught(pair: Pair, own: str) -> int:
        return place[own] if pair.source in TAUGHT and pair.query_language == "en" else NONE

    columns = {
        "pair_source": column([name(pair.source) for pair in pairs]),
        "pair_query": column([text(pair.query) for pair in pairs]),
        "pair_passage": column([text(pair.passage) for pair in pairs]),
        "pair_query_english": column([taught(pair, pair.query) for pair in pairs]),
        "pair_passage_english": column([taught(pair, pair.passage) for pair in pairs]),
        "pair_held_out": np.array([pair.held_out for pair in pairs]),
        "row_source": column([name(row.source) for row in rows]),
        "row_a": column([text(row.a) for row in rows]),
        "row_b": column([text(row.b) for row in rows]),
        "row_language_a": column([name(row.language_a) for row in rows]),
        "row_language_b": column([name(row.language_b) for row in rows]),
        "row_english": column([place[english_side(row)] if english_side(row) else NONE for row in rows]),
    }
    english = np.load(work / "english.npz")
    texts = Ragged.of([ids[:LONGEST_TEXT] for ids in sequences.plain(text.values)])
    packed = Packed(texts=texts, english=Ragged(english["flat"], english["starts"]), names=np.array(name.values), **columns)
    packed.save(work / "train.pack")
    print(f"{len(texts)} texts, {len(texts.flat)} ids, {(work / 'train.pack').stat().st_size / 1e6:.1f} MB")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
