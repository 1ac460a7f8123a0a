"""`CurationSettings`: what counts as a duplicate or as contamination, in numbers, as a YAML stanza too."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llmi_data.curation.contamination import BenchmarkFile
from llmi_data.errors import CurationError
from llmi_data.yaml_file import first_problem, read_yaml


class CurationSettings(BaseModel):
    """The defaults were chosen from curves measured by `benchmarks/data.py`; see the README for the figures.

    Attributes:
        near: the likeness of words, 0 to 1, from which two rows with one task are near duplicates.
        gram: how many words in a row are compared as one.
        exact_up_to: so many rows are all compared with each other; in larger sets those that share a MinHash band.
        embedding: a model of model2vec, by name or folder, that tells which rows mean the same; none unless given.
        meaning: the cosine of embeddings from which two rows mean the same.
        contained: the share of a benchmark question's runs of three words from which a row contains it.
        alike: the likeness from which a picture is a copy of a benchmark's.
        benchmarks: what must not be in the data.
        seed: of the MinHash signatures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    near: float = Field(default=0.64, gt=0, le=1)
    gram: int = Field(default=1, ge=1, le=8)
    exact_up_to: int = Field(default=10_000, ge=0)
    embedding: str | None = None
    meaning: float = Field(default=0.9, gt=0, le=1)
    contained: float = Field(default=0.6, gt=0, le=1)
    alike: float = Field(default=0.975, gt=0, le=1)
    benchmarks: tuple[BenchmarkFile, ...] = ()
    seed: int = Field(default=0, ge=0)

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a file of settings; the benchmarks' files are relative to it.

        Raises `CurationError` naming the file and what to change.
        """
        path = Path(path)
        value = read_yaml(path, CurationError)
        return cls.read({} if value is None else value, path.parent, str(path))

    @classmethod
    def read(cls, value: Any, folder: Path = Path(), name: str = "curate") -> Self:
        """Settings from a stanza of a YAML file that lies in `folder`. Raises `CurationError`."""
        try:
            settings = cls.model_validate(value)
        except ValidationError as error:
            raise CurationError(f"{name}: {first_problem(error, 'the settings')}") from None
        placed = tuple(b.model_copy(update={"file": folder / b.file}) for b in settings.benchmarks)
        return settings.model_copy(update={"benchmarks": placed})
