"""`Sample`: everything a reward may look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llmi_reward.evidence import AnyTag, Evidence, gather_evidence, tool_of
from llmi_schema import Constraint, Document, Picture, RenderedDocument, ToolResult

__all__ = ["Evidence", "Messages", "Sample", "Split", "tool_of"]

Messages = Sequence[dict[str, Any]]
Split = Literal["train", "test"]


class _GatheredOnce:
    """Evidence, gathered when it is first asked for: `functools.cached_property` without its lock, which costs as much
    as a rule. The dataclass takes it for no field, having no annotation.
    """

    def __get__(self, sample: Sample, kind: type[Sample]) -> Evidence:
        evidence = gather_evidence(sample.parsed, sample.rendered)
        sample.__dict__["evidence"] = evidence  # found before this descriptor from now on
        return evidence


@dataclass(frozen=True)
class Sample:
    """One answer to one prompt.

    Attributes:
        prompt: a string or chat messages.
        document: the answer with what became of its tags, or only parsed when nothing was rendered; then every
            reward that needs delivered pictures leaves the sample unscored.
        constraint: what the prompt asked for.
        split: "train" counts pictures with the published shape, "test" exactly.
        truncated: generation was cut off before the model ended its answer, so the document is not finished.
    """

    prompt: str | Messages
    document: RenderedDocument | Document
    constraint: Constraint
    split: Split = "train"
    truncated: bool = False

    @property
    def rendered(self) -> RenderedDocument | None:
        return self.document if isinstance(self.document, RenderedDocument) else None

    @property
    def parsed(self) -> Document:
        return self.document.document if isinstance(self.document, RenderedDocument) else self.document

    @property
    def finished(self) -> bool:
        """The text ended outside tags and thoughts, and the model ended it."""
        return not self.truncated and self.parsed.finished

    evidence = _GatheredOnce()
    """What was attempted and what was delivered."""

    @property
    def tags(self) -> tuple[AnyTag, ...]:
        """Every closed tag, good or bad: what the model attempted."""
        return self.evidence.tags

    @property
    def results(self) -> tuple[tuple[AnyTag, ToolResult], ...]:
        """Every closed tag with what became of it; empty when nothing was rendered."""
        return () if self.rendered is None else tuple(zip(self.tags, self.rendered.results, strict=True))

    @property
    def delivered(self) -> dict[str, tuple[AnyTag, Picture]]:
        """The distinct new pictures by content (sha256), in order, each with the tag that delivered it first."""
        return self.evidence.delivered

    @property
    def unavailable(self) -> tuple[AnyTag, ...]:
        """Tags left without a picture because a tool was down, and edits of the pictures that are missing for it."""
        return self.evidence.unavailable
