"""Step 5: the teacher's rows, one for each token of the English texts in the pack; resumes where it stopped.

    python training/teach.py                    # about ten minutes; 1.3 GB
    python training/teach.py --device cuda
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from lateral_training.model import DIM
from lateral_training.packed import Packed
from lateral_training.taught import sequences
from lateral_training.teacher import TEACHER, Teacher

PART = 4000  # texts between two saves


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    rows = sequences(Packed.load(arguments.work / "train.pack"))
    teacher = Teacher(arguments.teacher / "model_q4.onnx", arguments.device)
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    target, progress = arguments.work / "teacher.npy", arguments.work / "teacher.progress"
    done = int(progress.read_text()) if progress.exists() else 0
    out = np.lib.format.open_memmap(target, "r+" if done else "w+", np.float16, (int(starts[-1]), DIM))
    for start in range(done, len(rows), PART):
        end = min(start + PART, len(rows))
        out[starts[start] : starts[end]] = np.concatenate(teacher.rows(rows[start:end]))
        out.flush()
        progress.write_text(str(end))
        print(f"{end} of {len(rows)}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, default=TEACHER, help="folder with lateral-mini@0")
    parser.add_argument("--work", type=Path, default=Path("training/work"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
