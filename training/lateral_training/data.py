"""Training pairs: English pairs of the data folder, sentences cut from their passages, and documented Python functions."""
from __future__ import annotations

import ast
import gzip
import hashlib
import importlib.util
import json
import lzma
import random
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

HELD_OUT_PERCENT = 2
# Source → how many pairs at most (None: all). Glosses are many and short, so they are weighted down.
PAIR_SOURCES: dict[str, int | None] = {
    "squad-dev": None,
    "medquad": 12000,
    "tydi-train": None,
    "pubmedqa": None,
    "tldr": None,
    "afriqa-train": None,
    "ewn-gloss": 6000,
}
CODE_PACKAGES = ("numpy", "torch", "transformers")  # pinned in requirements.txt; BSD-3, BSD-3, Apache-2.0
CODE_LIMIT = 6000
CLOZE_LIMIT = 5000


@dataclass(frozen=True)
class Pair:
    source: str
    query: str
    passage: str

    @property
    def held_out(self) -> bool:
        """Split by the passage, so that no passage is on both sides."""
        return int(hashlib.sha256(self.passage.encode()).hexdigest()[:8], 16) % 100 < HELD_OUT_PERCENT


def all_pairs(folder: Path, evaluation: Path | None, seed: int) -> list[Pair]:
    rng = random.Random(seed)
    pairs: list[Pair] = []
    for source, limit in PAIR_SOURCES.items():
        pairs += _sample(rng, list(_english(folder / "pairs" / f"{source}.jsonl.xz", source)), limit)
    pairs += _sample(rng, list(_cloze(rng, pairs)), CLOZE_LIMIT)
    pairs += _sample(rng, sorted(set(_code()), key=lambda pair: pair.passage), CODE_LIMIT)
    if evaluation is not None:
        pairs = _without_evaluation_texts(pairs, evaluation)
    rng.shuffle(pairs)
    return pairs


def _sample(rng: random.Random, pairs: list[Pair], limit: int | None) -> list[Pair]:
    return pairs if limit is None or len(pairs) <= limit else rng.sample(pairs, limit)


def _english(path: Path, source: str) -> Iterator[Pair]:
    seen: set[tuple[str, str]] = set()
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            key = (row["q"].strip(), row["p"].strip())
            if row["lang"] == "en" and key not in seen and all(key):
                seen.add(key)
                yield Pair(source, *key)


def _cloze(rng: random.Random, pairs: list[Pair]) -> Iterator[Pair]:
    """Inverse cloze: a sentence of a passage as query, the rest of the passage as its answer."""
    passages = sorted({pair.passage for pair in pairs if pair.source in ("squad-dev", "medquad", "pubmedqa", "tydi-train")})
    for passage in passages:
        sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z])", passage)
        if 4 <= len(sentences) <= 12:
            index = rng.randrange(len(sentences))
            if 6 <= len(sentences[index].split()) <= 30:
                yield Pair("cloze", sentences[index], " ".join(sentences[:index] + sentences[index + 1 :]))


def _code() -> Iterator[Pair]:
    """First sentence of a docstring → the function without it, from the standard library and pinned packages."""
    roots = [Path(sysconfig.get_path("stdlib"))]
    for name in CODE_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            roots.append(Path(spec.origin).parent)
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            parts = set(path.relative_to(root).parts)
            if parts & {"site-packages", "test", "tests", "testing", "lib2to3", "models", "_inductor"}:
                continue
            try:
                text = path.read_text("utf-8")
                tree = ast.parse(text)
            except (SyntaxError, UnicodeDecodeError, ValueError):
                continue
            lines = text.splitlines()
            for node in ast.walk(tree):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    pair = _function_pair(node, lines)
                    if pair:
                        yield pair


def _function_pair(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> Pair | None:
    documentation = ast.get_docstring(node)
    if not documentation or len(node.body) < 2:
        return None
    first = re.split(r"(?<=[.!?])\s|\n\s*\n", documentation.strip(), maxsplit=1)[0].replace("\n", " ").strip()
    if not 4 <= len(first.split()) <= 25 or not first.isascii():
        return None
    head = lines[node.lineno - 1 : node.body[0].lineno - 1]
    rest = lines[node.body[0].end_lineno or node.body[0].lineno : node.end_lineno]
    body = [line for line in head + rest if line.strip()]
    if not 4 <= len(body) <= 40:
        return None
    indent = len(body[0]) - len(body[0].lstrip())
    return Pair("python", first, "\n".join(line[indent:] if not line[:indent].strip() else line for line in body))


def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _without_evaluation_texts(pairs: list[Pair], evaluation: Path) -> list[Pair]:
    """A second look: drop pairs that share a text, or a passage's first or last 100 letters, with an evaluation set."""
    known: set[str] = set()
    for path in sorted(evaluation.glob("*/*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                text = _fold(json.loads(line)["text"])
                known.add(text)
                if len(text) > 100:
                    known.update((text[:100], text[-100:]))

    def clean(pair: Pair) -> bool:
        query, passage = _fold(pair.query), _fold(pair.passage)
        edges = (passage[:100], passage[-100:]) if len(passage) > 100 else (passage,)
        return query not in known and not any(edge in known for edge in edges)

    return [pair for pair in pairs if clean(pair)]


def write_pairs(path: Path, pairs: list[Pair]) -> None:
    with path.open("w", encoding="utf-8") as out:
        for pair in pairs:
            out.write(json.dumps([pair.source, pair.query, pair.passage], ensure_ascii=False) + "\n")


def read_pairs(path: Path) -> list[Pair]:
    with path.open(encoding="utf-8") as lines:
        return [Pair(*json.loads(line)) for line in lines]
