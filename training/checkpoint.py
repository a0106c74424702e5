"""The best model so far as float16, in parts of at most 16 MB that a repository holds; and back.

    python training/checkpoint.py split --checkpoint training/work/run-1/model.safetensors    # → training/checkpoint/
    python training/checkpoint.py join                                                        # → training/work/best.safetensors
"""
from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

from lateral_training.model import load_model, save_model

PART = 15_000_000  # bytes
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def main() -> None:
    arguments = _arguments()
    (split if arguments.action == "split" else join)(arguments.checkpoint, arguments.parts, arguments.work)


def split(checkpoint: Path, parts: Path, work: Path) -> None:
    shutil.rmtree(parts, ignore_errors=True)
    (parts / "tokenizer").mkdir(parents=True)
    half = work / "half.safetensors"
    save_model(load_model(checkpoint), half, half=True)
    content = half.read_bytes()
    for number, start in enumerate(range(0, len(content), PART)):
        (parts / f"model.safetensors.{number:02}").write_bytes(content[start : start + PART])
    for name in TOKENIZER:
        shutil.copyfile(work / "tokenizer" / name, parts / "tokenizer" / name)
    facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (parts / "checkpoint.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(parts, facts)


def join(checkpoint: Path, parts: Path, work: Path) -> None:
    content = b"".join(path.read_bytes() for path in sorted(parts.glob("model.safetensors.*")))
    wanted = json.loads((parts / "checkpoint.json").read_text())["sha256"]
    if hashlib.sha256(content).hexdigest() != wanted:
        raise SystemExit(f"the parts in {parts} do not make the file whose SHA-256 is {wanted}: fetch them again")
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write_bytes(content)
    shutil.copytree(parts / "tokenizer", work / "tokenizer", dirs_exist_ok=True)
    print(checkpoint, len(content), "bytes")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("split", "join"))
    parser.add_argument("--checkpoint", type=Path, default=Path("training/work/best.safetensors"), help="read by split, written by join")
    parser.add_argument("--parts", type=Path, default=Path("training/checkpoint"))
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
