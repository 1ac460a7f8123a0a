"""`Scenario`: the facts a prompt was composed from, enough to write a right document for it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator


class Series(BaseModel):
    """Figures with their labels: what a chart of this scenario shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    labels: tuple[str, ...]
    values: tuple[int, ...]

    @model_validator(mode="after")
    def _paired(self) -> Series:
        if len(self.labels) != len(self.values):
            raise ValueError(f"{len(self.labels)} labels for {len(self.values)} values")
        return self


class Scenario(BaseModel):
    """The facts of one scenario.

    Every list starts with what the prompt asks for, when it asks for it; the others are further things of the same
    kind, so that a document of several distinct pictures can be written. A fact the prompt does not need is
    consistent with it all the same.

    Attributes:
        topic: what the text is about, e.g. "the old lighthouse".
        angle: what to say about it, e.g. "how it was built".
        queries: search words for real things, e.g. "lighthouse".
        scenes: descriptions of imagined scenes, e.g. "the old lighthouse floating above the clouds".
        series: exact figures.
        edits: changes to a picture, e.g. "black and white".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: str
    angle: str
    queries: tuple[str, ...]
    scenes: tuple[str, ...]
    series: Series
    edits: tuple[str, ...]
