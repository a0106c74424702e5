"""Step 3: the teacher's vectors of the chosen English texts; resumes where it stopped.

    python training/teach.py                    # about ten minutes
    python training/teach.py --from-pack        # on a machine that has only the pack and the base
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from lateral_training.packed import Packed, Ragged
from lateral_training.teacher import Teacher, base_folder

PART = 20_000  # texts between two saves


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    ids = _ids(arguments)
    teacher = Teacher(arguments.base, arguments.device)
    folder: Path = arguments.work / "teacher-parts"
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(ids), PART):
        part = folder / f"{start}.npy"
        if not part.exists():
            rows = [ids[index] for index in range(start, min(start + PART, len(ids)))]
            np.save(part.with_suffix(".partial.npy"), teacher.pooled(rows).astype(np.float16))
            part.with_suffix(".partial.npy").replace(part)
            print(f"{start + len(rows)} of {len(ids)}", flush=True)
    np.save(arguments.work / "teacher.npy", np.concatenate([np.load(folder / f"{start}.npy") for start in range(0, len(ids), PART)]))


def _ids(arguments: argparse.Namespace) -> Ragged:
    if arguments.from_pack:
        return Packed.load(arguments.work / "train.pack").english
    stored = np.load(arguments.work / "english.npz")
    return Ragged(stored["flat"], stored["starts"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=base_folder(), help="folder with all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--from-pack", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
