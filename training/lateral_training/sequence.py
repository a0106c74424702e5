"""How a text becomes token ids: markers, truncation, mask expansion, skiplist (jina-colbert-v2 style)."""
from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Sequence

import numpy as np
from tokenizers import Tokenizer

from .vocabulary import SPECIALS

QUERY_LENGTH = 32
DOCUMENT_LENGTH = 8192
QUERY_MARKER, DOCUMENT_MARKER = "[QueryMarker]", "[DocumentMarker]"
CLS_ID, PAD_ID, SEP_ID, UNK_ID, MASK_ID, QUERY_MARKER_ID, DOCUMENT_MARKER_ID = range(len(SPECIALS))


def write_tokenizer_files(tokenizer: Tokenizer, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(target / "tokenizer.json"), pretty=False)
    names = {
        "bos_token": "<s>", "cls_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "sep_token": "</s>",
        "unk_token": "<unk>", "mask_token": "<mask>", "additional_special_tokens": [QUERY_MARKER, DOCUMENT_MARKER],
    }
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    settings = {
        "added_tokens_decoder": {str(index): {"content": name, **flags} for index, name in enumerate(SPECIALS)},
        **names,
        "clean_up_tokenization_spaces": False,
        "model_max_length": DOCUMENT_LENGTH,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    for name, value in (("special_tokens_map.json", names), ("tokenizer_config.json", settings)):
        (target / name).write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8")


class Sequences:
    """Turns texts into query and document sequences. A special token's name inside a text is plain text, as in the app."""

    def __init__(self, tokenizer_file: Path) -> None:
        settings = json.loads(tokenizer_file.read_text("utf-8"))
        settings["added_tokens"] = []
        settings["post_processor"] = None
        self.tokenizer = Tokenizer.from_str(json.dumps(settings))
        self.skiplist = frozenset(self.plain([char])[0][0] for char in string.punctuation)

    @property
    def size(self) -> int:
        return self.tokenizer.get_vocab_size()

    def plain(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of the texts alone."""
        return [item.ids for item in self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def query(self, text: str, length: int = QUERY_LENGTH) -> list[int]:
        return query_sequence(self.plain([text])[0], length)

    def documents(self, texts: Sequence[str], length: int = DOCUMENT_LENGTH) -> list[list[int]]:
        return [document_sequence(ids, length) for ids in self.plain(texts)]

    def kept(self, document_ids: Sequence[int]) -> np.ndarray:
        """Which document positions are stored: all but punctuation."""
        return np.array([token not in self.skiplist for token in document_ids], dtype=bool)


def query_sequence(inner: Sequence[int], length: int = QUERY_LENGTH) -> list[int]:
    """<s> [QueryMarker] tokens </s> <mask>… ; every position is attended and kept."""
    ids = [CLS_ID, QUERY_MARKER_ID, *inner[: length - 3], SEP_ID]
    return ids + [MASK_ID] * (length - len(ids))


def document_sequence(inner: Sequence[int], length: int = DOCUMENT_LENGTH) -> list[int]:
    """<s> [DocumentMarker] tokens </s>"""
    return [CLS_ID, DOCUMENT_MARKER_ID, *inner[: length - 3], SEP_ID]


def pad(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Right-padded ids and attention mask."""
    width = max(len(row) for row in rows)
    ids = np.full((len(rows), width), PAD_ID, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask
