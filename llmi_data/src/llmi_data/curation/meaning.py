"""Duplicates in meaning: paraphrases that share few words, found by an embedding the user brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from llmi_data.errors import CurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 512


class Embed(Protocol):
    """Turns texts into vectors, one row each. `model2vec.StaticModel.encode` is one, and so is that of
    sentence-transformers.
    """

    def __call__(self, texts: Sequence[str], /) -> Any: ...


def load_embed(name: str) -> Embed:
    """A static model of model2vec by its name on the Hub or its folder.

    Raises `CurationError` when model2vec is missing or has no such model.
    """
    try:
        from model2vec import StaticModel
    except ImportError:
        raise CurationError("embedding: needs model2vec; pip install 'llmi-data[semantic]'") from None
    try:
        model = StaticModel.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise CurationError(f"embedding: cannot load {name} ({error}); give a folder or a model of the Hub") from None
    encode: Embed = model.encode
    return encode


class Meanings:
    """Vectors of the texts given so far, of length 1: four bytes per dimension and row."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._waiting: list[str] = []
        self._blocks: list[NDArray[np.float32]] = []

    def add(self, text: str) -> None:
        self._waiting.append(text)
        if len(self._waiting) == _BLOCK:
            self._flush()

    def vectors(self) -> NDArray[np.float32]:
        """All of them, in order. Raises `CurationError` when the embedding does not answer with one vector per text."""
        self._flush()
        return np.concatenate(self._blocks) if self._blocks else np.empty((0, 1), np.float32)

    def _flush(self) -> None:
        if not self._waiting:
            return
        found = np.asarray(self._embed(self._waiting), np.float32)
        if found.ndim != 2 or len(found) != len(self._waiting) or not np.isfinite(found).all():
            raise CurationError(
                f"the embedding answered {len(self._waiting)} texts with an array of shape {found.shape}: "
                "it must give one row of finite numbers per text"
            )
        self._blocks.append(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12))
        self._waiting.clear()


def alike(vectors: NDArray[np.float32], rows: NDArray[np.int64], threshold: float) -> list[tuple[int, int, float]]:
    """Pairs (row, earlier row, cosine) that reach the threshold, among rows in the given order; every pair is looked
    at, so the time grows with their square.
    """
    taken = vectors[rows]
    found: list[tuple[int, int, float]] = []
    for begin in range(0, len(rows), _BLOCK):
        block = taken[begin : begin + _BLOCK]
        cosines = block @ taken[: begin + len(block)].T
        for at, earlier in np.argwhere(cosines >= threshold).tolist():
            if earlier < begin + at:
                found.append((int(rows[begin + at]), int(rows[earlier]), float(min(cosines[at, earlier], 1.0))))
    return found
