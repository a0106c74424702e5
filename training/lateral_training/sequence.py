"""How a text becomes token ids: markers, truncation, mask expansion, skiplist (jina-colbert-v2 style)."""
from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any, Sequence

import numpy as np
from tokenizers import Tokenizer

QUERY_LENGTH = 32
DOCUMENT_LENGTH = 512
BASE_VOCABULARY = 30522
QUERY_MARKER, DOCUMENT_MARKER = "[QueryMarker]", "[DocumentMarker]"
PAD_ID, UNK_ID, CLS_ID, SEP_ID, MASK_ID = 0, 100, 101, 102, 103
QUERY_MARKER_ID, DOCUMENT_MARKER_ID = BASE_VOCABULARY, BASE_VOCABULARY + 1


def make_tokenizer_files(base_folder: Path, target: Path) -> None:
    """The base tokenizer with the two markers at the end, and without its built-in padding and truncation."""
    target.mkdir(parents=True, exist_ok=True)
    tokenizer: dict[str, Any] = json.loads((base_folder / "tokenizer.json").read_text("utf-8"))
    tokenizer["truncation"] = None
    tokenizer["padding"] = None
    for content, token_id in ((QUERY_MARKER, QUERY_MARKER_ID), (DOCUMENT_MARKER, DOCUMENT_MARKER_ID)):
        tokenizer["added_tokens"].append(_added_token(content, token_id))
    (target / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), "utf-8")

    names = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
    special = {**names, "additional_special_tokens": [QUERY_MARKER, DOCUMENT_MARKER]}
    (target / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n", "utf-8")
    decoder = {
        str(token["id"]): {key: token[key] for key in ("content", "lstrip", "normalized", "rstrip", "single_word", "special")}
        for token in tokenizer["added_tokens"]
    }
    settings = {
        "added_tokens_decoder": decoder,
        **special,
        "clean_up_tokenization_spaces": True,
        "do_basic_tokenize": True,
        "do_lower_case": True,
        "model_max_length": DOCUMENT_LENGTH,
        "never_split": None,
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer",
    }
    (target / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", "utf-8")


def _added_token(content: str, token_id: int) -> dict[str, Any]:
    return {"id": token_id, "special": True, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}


class Sequences:
    """Turns texts into query and document sequences."""

    def __init__(self, tokenizer_file: Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self.skiplist = frozenset(
            self.tokenizer.encode(char, add_special_tokens=False).ids[0] for char in string.punctuation
        )

    def query(self, text: str, length: int = QUERY_LENGTH) -> list[int]:
        """[CLS] [QueryMarker] tokens [SEP] [MASK]… ; every position is attended and kept."""
        inner = self.tokenizer.encode(text, add_special_tokens=False).ids[: length - 3]
        ids = [CLS_ID, QUERY_MARKER_ID, *inner, SEP_ID]
        return ids + [MASK_ID] * (length - len(ids))

    def document(self, text: str, length: int = DOCUMENT_LENGTH) -> list[int]:
        """[CLS] [DocumentMarker] tokens [SEP]"""
        return self._documents([text], length)[0]

    def documents(self, texts: Sequence[str], length: int = DOCUMENT_LENGTH) -> list[list[int]]:
        return self._documents(texts, length)

    def _documents(self, texts: Sequence[str], length: int) -> list[list[int]]:
        encoded = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [[CLS_ID, DOCUMENT_MARKER_ID, *item.ids[: length - 3], SEP_ID] for item in encoded]

    def kept(self, document_ids: Sequence[int]) -> np.ndarray:
        """Which document positions are stored: all but punctuation."""
        return np.array([token not in self.skiplist for token in document_ids], dtype=bool)


def pad(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Right-padded ids and attention mask."""
    width = max(len(row) for row in rows)
    ids = np.full((len(rows), width), PAD_ID, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask
