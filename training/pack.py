"""Step 4: the chosen rows as token ids in one file, work/train.pack (at most 30 MB).

    python training/pack.py
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from choose import english_side
from lateral_training.packed import NONE, Numbering, Packed, Ragged
from lateral_training.segments import common_ends
from lateral_training.sequence import Sequences
from lateral_training.sources import English, Pair, Parallel, read_rows
from lateral_training.teacher import TEACHER, TEACHER_LENGTH, word_pieces

LONGEST_TEXT = 253  # ids; longer passages are cut


def main() -> None:
    arguments = _arguments()
    work: Path = arguments.work
    sequences = Sequences(work / "tokenizer" / "tokenizer.json")
    pairs, rows = read_rows(work / "chosen-pairs.jsonl", Pair), read_rows(work / "chosen-parallel.jsonl", Parallel)
    english = read_rows(work / "chosen-english.jsonl", English)
    place = {row: index for index, row in enumerate(english)}
    text, name = Numbering(), Numbering()

    def column(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int32)

    columns = {
        "pair_source": column([name(pair.source) for pair in pairs]),
        "pair_query": column([text(pair.query) for pair in pairs]),
        "pair_passage": column([text(pair.passage) for pair in pairs]),
        "pair_query_english": column([place.get(English("query", pair.query), NONE) for pair in pairs]),
        "pair_passage_english": column([place.get(English("document", pair.passage), NONE) for pair in pairs]),
        "pair_held_out": np.array([pair.held_out for pair in pairs]),
        "row_source": column([name(row.source) for row in rows]),
        "row_a": column([text(row.a) for row in rows]),
        "row_b": column([text(row.b) for row in rows]),
        "row_language_a": column([name(row.language_a) for row in rows]),
        "row_language_b": column([name(row.language_b) for row in rows]),
        "row_english": column([place.get(English("document", english_side(row)), NONE) for row in rows]),
    }
    columns["english_text"] = column([text(row.text) for row in english])
    columns["english_query"] = np.array([row.role == "query" for row in english])
    own = sequences.tokenizer.encode_batch([row.text for row in english], add_special_tokens=False)
    other = word_pieces(arguments.teacher).encode_batch([row.text for row in english], add_special_tokens=False)
    ends = [common_ends(mine.offsets, theirs.offsets) for mine, theirs in zip(own, other)]
    packed = Packed(
        texts=Ragged.of([ids[:LONGEST_TEXT] for ids in sequences.plain(text.values)]),
        english=Ragged.of([item.ids[:TEACHER_LENGTH] for item in other]),
        english_ends=Ragged.of([mine[:LONGEST_TEXT] for mine, _ in ends]),
        teacher_ends=Ragged.of([theirs[:TEACHER_LENGTH] for _, theirs in ends]),
        names=np.array(name.values),
        **columns,
    )
    packed.save(work / "train.pack")
    print(f"{len(packed.texts)} texts, {len(packed.texts.flat)} ids, {len(english)} English, {len(packed.english.flat)} of the teacher's, {(work / 'train.pack').stat().st_size / 1e6:.1f} MB")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, default=TEACHER, help="folder with lateral-mini@0")
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
