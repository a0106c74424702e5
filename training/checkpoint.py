"""The best model so far, its table in 8 bits and the rest in float16, in parts of at most 16 MB that a repository holds; and back.

    python training/checkpoint.py split --checkpoint training/work/run-1/model.safetensors    # → training/checkpoint/
    python training/checkpoint.py join                                                        # → training/work/best.safetensors
"""
from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load, load_file, save, save_file

from lateral_training.graph import TABLE
from lateral_training.quantizers import BLOCK, symmetric

PART = 15_000_000  # bytes
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def main() -> None:
    arguments = _arguments()
    (split if arguments.action == "split" else join)(arguments.checkpoint, arguments.parts, arguments.work)


def split(checkpoint: Path, parts: Path, work: Path) -> None:
    shutil.rmtree(parts, ignore_errors=True)
    (parts / "tokenizer").mkdir(parents=True)
    state = load_file(checkpoint)
    table = state.pop(TABLE)
    q, scale = symmetric(table.float().reshape(-1, BLOCK), 8)
    small = {name: value.to(torch.float16).contiguous() for name, value in state.items()}
    small[f"{TABLE}.q8"] = q.to(torch.int8).reshape(table.shape).contiguous()
    small[f"{TABLE}.scales"] = scale.to(torch.float16).reshape(len(table), -1).contiguous()
    content = save(small)
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
    state = load(content)
    q, scales = state.pop(f"{TABLE}.q8"), state.pop(f"{TABLE}.scales").float()
    state[TABLE] = (q.float().reshape(len(q), -1, BLOCK) * scales[:, :, None]).reshape(q.shape)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.float().contiguous() for name, value in state.items()}, checkpoint)
    shutil.copytree(parts / "tokenizer", work / "tokenizer", dirs_exist_ok=True)
    print(checkpoint, checkpoint.stat().st_size, "bytes")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("split", "join"))
    parser.add_argument("--checkpoint", type=Path, default=Path("training/work/best.safetensors"), help="read by split, written by join")
    parser.add_argument("--parts", type=Path, default=Path("training/checkpoint"))
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
