"""Which texts meet in a batch. Every batch is seeded by its number, so a resumed run goes on with the same ones."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .packed import NONE, Packed

# Source → how often a batch of parallel sentences comes from it.
PARALLEL_SHARES = {"tatoeba": 0.34, "ntrex": 0.28, "tico19": 0.14, "django-docs": 0.1, "mozilla-www": 0.1, "python-docs-fr": 0.04}
# Sources of pairs weigh as the square root of their size times this.
PAIR_FACTORS = {"ewn-gloss": 0.15, "ntrex-window": 1.8, "tico19-window": 1.3, "cloze": 1.2, "squad-dev": 1.3}
NEIGHBOURS = 4  # pairs of the same article in a batch
REACH = 24  # rows of a file that may be of the same article
ANY_TWO = 0.5  # how often both sides are any two versions of a sentence
SHORT = ("tatoeba", "mozilla-www")
SHORT_AS_QUERIES = 0.35  # how often one side of short parallel sentences is a query; of long ones it always is
# Of a passage put together within one language: sentences, and tokens of the piece of one of them that asks for it.
SENTENCES = 4
PIECE = (3, 14)
DROPPED = 0.15  # of its tokens
SHORTEST = 10  # tokens of a sentence that a piece is taken from
ONE_SOURCE = 0.5  # how often all pairs of a batch come from one source
# Languages that many people write weigh more than the other 180: of a row with two languages the lesser weight counts.
WIDELY_WRITTEN = frozenset(
    "am ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ka ko lt lv mk ml mr ms nb ne nl pl pt ro ru sk sl sq sr sv sw ta te "
    "th tl tr uk ur vi zh zh-Hant".split()
)
OTHER_LANGUAGES = 0.25


@dataclass(frozen=True)
class Batch:
    """Query i belongs to document i; in a batch of kind "english" nothing belongs to anything. All are numbers of texts, or of
    English texts that the teacher read: the same one in the same role, or for parallel sentences what they mean (NONE: there is none)."""

    kind: str
    as_queries: bool  # or both sides as documents, without mask tokens, which costs half
    queries: np.ndarray
    documents: np.ndarray
    meaning: np.ndarray  # documents of the same meaning are no negatives of each other
    query_english: np.ndarray
    document_english: np.ndarray
    # In place of the texts that `queries` and `documents` number, where these were made for the batch.
    query_ids: tuple[list[int], ...] | None = None
    document_ids: tuple[list[int], ...] | None = None


class Sampler:
    def __init__(self, data: Packed, seed: int) -> None:
        self.data, self.seed = data, seed
        names = [str(name) for name in data.names]
        self.rows = {names[source]: np.flatnonzero(data.row_source == source) for source in np.unique(data.row_source)}
        train = ~data.pair_held_out
        self.pairs = {names[source]: np.flatnonzero((data.pair_source == source) & train) for source in np.unique(data.pair_source)}
        widely_written = np.array([name in WIDELY_WRITTEN for name in names])
        self.row_weights = np.where(widely_written[data.row_language_a] & widely_written[data.row_language_b], 1.0, OTHER_LANGUAGES)
        self.versions = _versions(data, widely_written)
        self.sentences = _sentences(data, names)
        self.english = _english(data)

    def parallel(self, step: int, size: int) -> Batch:
        rng = np.random.default_rng((self.seed, step, 0))
        source = _draw(rng, {name: share for name, share in PARALLEL_SHARES.items() if name in self.rows})
        own = self.rows[source]
        weights = self.row_weights[own]
        rows = rng.choice(own, min(size, len(own)), replace=False, p=weights / weights.sum())
        english = self.data.row_english[rows]
        sides = np.array([self._sides(row, rng) for row in rows])
        meaning = np.where(english == NONE, -2 - rows, english)
        return Batch("parallel", source not in SHORT or bool(rng.random() < SHORT_AS_QUERIES), sides[:, 0], sides[:, 1], meaning, english, english)

    def pair(self, step: int, size: int) -> Batch:
        rng = np.random.default_rng((self.seed, step, 1))
        shares = {name: len(own) ** 0.5 * PAIR_FACTORS.get(name, 1.0) for name, own in self.pairs.items()}
        only = _draw(rng, shares) if rng.random() < ONE_SOURCE else None
        chosen: list[int] = []
        while len(chosen) < size:
            own = self.pairs[only or _draw(rng, shares)]
            start = int(rng.integers(len(own)))
            near = own[start : start + REACH]
            chosen += rng.choice(near, min(NEIGHBOURS, len(near)), replace=False).tolist()
        rows = np.array(chosen[:size])
        data = self.data
        return Batch(
            "pairs", True, data.pair_query[rows], data.pair_passage[rows], data.pair_passage[rows],
            data.pair_query_english[rows], data.pair_passage_english[rows],
        )

    def within(self, step: int, size: int) -> Batch:
        """A piece of a sentence, and a few sentences of one language that it stands among: the others of the batch are of the same
        language and source, and often of the same article, so that only words tell them apart."""
        rng = np.random.default_rng((self.seed, step, 3))
        own = self.sentences[_draw(rng, {name: len(texts) ** 0.5 for name, texts in self.sentences.items()})]
        count = min(size, len(own) // SENTENCES)
        start = int(rng.integers(len(own) - count * SENTENCES + 1))
        texts = own[start : start + count * SENTENCES].reshape(count, SENTENCES)
        queries, documents = [], []
        for sentences in texts:
            rows = [self.data.texts[int(text)] for text in rng.permutation(sentences)]
            long = [row for row in rows if len(row) >= SHORTEST] or [max(rows, key=len)]
            piece = long[int(rng.integers(len(long)))]
            length = min(len(piece), int(rng.integers(*PIECE)))
            first = int(rng.integers(len(piece) - length + 1))
            kept = [token for token in piece[first : first + length] if rng.random() >= DROPPED]
            queries.append(kept or piece[first : first + 1])
            documents.append([token for row in rows for token in row])
        none = np.full(count, NONE)
        zeros = np.zeros(count, dtype=np.int64)
        return Batch("within", True, zeros, zeros, np.arange(count), none, none, tuple(queries), tuple(documents))

    def alone(self, step: int, queries: int, documents: int) -> Batch:
        """English texts to learn the teacher's rows from, longer ones more often."""
        rng = np.random.default_rng((self.seed, step, 2))
        query_english, document_english = (
            rng.choice(own, min(size, len(own)), replace=False, p=weights) for (own, weights), size in zip(self.english, (queries, documents))
        )
        texts = self.data.english_text
        return Batch("english", True, texts[query_english], texts[document_english], np.empty(0), query_english, document_english)

    def _sides(self, row: int, rng: np.random.Generator) -> tuple[int, int]:
        sides, weights = [int(self.data.row_a[row]), int(self.data.row_b[row])], [0.5, 0.5]
        english = self.data.row_english[row]
        if english != NONE and rng.random() < ANY_TWO:
            sides, weights = self.versions[int(english)]
        first, second = rng.choice(len(sides), 2, replace=False, p=weights)
        return sides[first], sides[second]


def _english(data: Packed) -> list[tuple[np.ndarray, np.ndarray]]:
    """Queries and documents with their probabilities, without those of held-out pairs."""
    held_out = np.concatenate([column[data.pair_held_out] for column in (data.pair_query_english, data.pair_passage_english)])
    free = np.setdiff1d(np.arange(len(data.english)), held_out)
    groups = []
    for query in (True, False):
        own = free[data.english_query[free] == query]
        weights = np.diff(data.english.starts)[own] ** 0.5
        groups.append((own, weights / weights.sum()))
    return groups


def _versions(data: Packed, widely_written: np.ndarray) -> list[tuple[list[int], list[float]]]:
    """All texts that mean the same as an English text, by the teacher's number of it, and how often each is drawn."""
    versions: list[dict[int, float]] = [{} for _ in range(len(data.english))]
    columns = (data.row_a, data.row_b, data.row_language_a, data.row_language_b, data.row_english)
    weights = np.where(widely_written, 1.0, OTHER_LANGUAGES).tolist()
    for a, b, language_a, language_b, english in zip(*(column.tolist() for column in columns)):
        if english != NONE:
            versions[english].update({a: weights[language_a], b: weights[language_b]})
    totals = [sum(own.values()) for own in versions]
    return [(list(own), [weight / total for weight in own.values()]) for own, total in zip(versions, totals)]


def _sentences(data: Packed, names: list[str]) -> dict[str, np.ndarray]:
    """Texts by source and widely written language, in the order of the source; languages with too few are left out."""
    found: dict[str, np.ndarray] = {}
    lengths = np.diff(data.texts.starts)
    for source in np.unique(data.row_source):
        rows = np.flatnonzero(data.row_source == source)
        texts = np.concatenate([data.row_a[rows], data.row_b[rows]])
        languages = np.concatenate([data.row_language_a[rows], data.row_language_b[rows]])
        for language in np.unique(languages):
            own = np.unique(texts[languages == language])
            own = own[lengths[own] >= 5]
            if names[language] in WIDELY_WRITTEN and len(own) >= 200:
                found[f"{names[source]} {names[language]}"] = own
    return found


def _draw(rng: np.random.Generator, shares: dict[str, float]) -> str:
    weights = np.array(list(shares.values()))
    return list(shares)[int(rng.choice(len(weights), p=weights / weights.sum()))]
