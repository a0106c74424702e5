"""Compares our sequences with PyLate's: ids, masks, kept rows and the skiplist of every text in the golden file.

    python3 -m venv training/work/pylate && training/work/pylate/bin/pip install -r training/requirements-pylate.txt
    training/work/pylate/bin/python training/check_pylate.py        # after make_fixtures.py

PyLate does not know this architecture, so it gets the tokenizer and settings with a tiny random body, and as its skiplist the
piece that each punctuation mark falls into ("▁,"): of itself it looks for ",", which is no piece of a running text here, where
Stanford ColBERT encodes the mark. What differs by intent: a special token's name inside a text is plain text here.
"""
from __future__ import annotations

import argparse
import json
import shutil
import string
import tempfile
from pathlib import Path
from typing import Any

import torch
from pylate import models
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

TINY = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


def main() -> None:
    arguments = _arguments()
    golden = json.loads(arguments.golden.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        reference = _pylate(Path(folder), arguments.model, golden["settings"], _skiplist(arguments.model))
        wrong = [case["name"] for case in golden["cases"] if not _same(reference, case)]
    if set(reference.skiplist) != set(golden["skiplistIds"]):
        wrong.append("skiplist")
    print(f"{len(golden['cases'])} sequences and the skiplist compared with PyLate's, {len(wrong)} differ", wrong)
    if wrong:
        raise SystemExit(1)


def _same(reference: models.ColBERT, case: dict[str, Any]) -> bool:
    out = reference.encode([case["text"]], is_query=case["kind"] == "query", output_value=None, show_progress_bar=False)
    theirs = [[int(value) for value in out[name][0]] for name in ("input_ids", "attention_mask", "masks")]
    ours = [case["inputIds"], case["attentionMask"], case["kept"]]
    if theirs != ours:
        print(case["kind"], case["name"], "theirs", theirs[0], "ours", ours[0])
    return theirs == ours


def _skiplist(model: Path) -> list[str]:
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    return [tokenizer.encode(mark, add_special_tokens=False).tokens[0] for mark in string.punctuation]


def _pylate(folder: Path, model: Path, settings: dict[str, Any], skiplist: list[str]) -> models.ColBERT:
    config = {**json.loads((model / "config.json").read_text("utf-8")), **TINY}
    (folder / "config.json").write_text(json.dumps(config))
    for part in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "artifact.metadata"):
        shutil.copyfile(model / part, folder / part)
    torch.manual_seed(7)
    shape = {name: config[name] for name in ("vocab_size", "max_position_embeddings", "type_vocab_size")}
    body = BertModel(BertConfig(**shape, **TINY))
    state = {f"bert.{name}": value.contiguous() for name, value in body.state_dict().items()}
    save_file({**state, "linear.weight": torch.randn(128, TINY["hidden_size"])}, folder / "model.safetensors")
    return models.ColBERT(
        str(folder),
        device="cpu",
        query_prefix=settings["queryMarker"]["token"],
        document_prefix=settings["documentMarker"]["token"],
        query_length=settings["queryLength"],
        document_length=settings["documentLength"],
        do_query_expansion=settings["expansion"],
        attend_to_expansion_tokens=settings["attendToExpansionTokens"],
        skiplist_words=skiplist,
        local_files_only=True,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--golden", type=Path, default=Path("training/work/golden.json"))
    parser.add_argument("--model", type=Path, default=Path("training/work/lateral-mini-1"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
