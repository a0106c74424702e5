"""The teacher: all-MiniLM-L6-v2 as it was published, one mean-pooled vector a text."""
from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from .model import Mini, autocast, in_length_order, tensors
from .sequence import CLS_ID, SEP_ID, Sequences


@torch.inference_mode()
def pooled(model: Mini, sequences: Sequences, texts: list[str], length: int) -> np.ndarray:
    unique = sorted(set(texts))
    rows = [[CLS_ID, *ids[2:-1], SEP_ID] for ids in sequences.documents(unique, length + 1)]  # as the base is used: no marker
    vectors = np.empty((len(unique), 384), dtype=np.float32)
    for count, batch in enumerate(in_length_order(rows, 8192)):
        ids, mask = tensors([rows[index] for index in batch])
        with autocast():
            hidden = model.hidden(ids, mask).float()
        weight = mask.unsqueeze(-1).float()
        vectors[batch] = F.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1).numpy()
        if count % 50 == 0:
            print("  batch", count, "texts", len(unique), flush=True)
    place = {text: index for index, text in enumerate(unique)}
    return vectors[[place[text] for text in texts]]
