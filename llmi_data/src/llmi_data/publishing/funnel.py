"""The funnel: how many rows each step left, and why the others went, from the steps' own reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from llmi_data.errors import PublishingError
from llmi_data.publishing.record import Record

_GIVEN_AWAY = ("names a tool", "judged to name a tool")
_DUPLICATES = ("exact duplicate", "near duplicate", "same meaning")


@dataclass(frozen=True)
class Stage:
    """A step of the funnel.

    Attributes:
        rows: how many are left after it; None where that was not recorded.
        went: how many went, by reason.
    """

    name: str
    what: str
    rows: int | None
    went: Mapping[str, int] = field(default_factory=dict)


def funnel(record: Record, published: int) -> tuple[Stage, ...]:
    """The stages from what was planned to what is published. A row is counted under one reason, the first found.

    Raises `PublishingError` where the reports cannot be of these rows.
    """
    stages = [*_making(record), *_reading(record), *_curating(record)]
    counted = [stage.rows for stage in stages if stage.rows is not None]
    _falls("the reports", counted)
    before = counted[-1] if counted else None
    if before is not None and published > before:
        raise PublishingError(
            f"the reports tell of {before} rows that stayed, but there are {published}: they are not of these rows; "
            "run the steps again, or give the reports that belong to them"
        )
    after = {"taken out after the steps that are recorded": before - published} if before is not None else {}
    return (*stages, Stage("published", "in this repository", published, _some(after)))


def _making(record: Record) -> Iterable[Stage]:
    made = record.generate
    if made is None:
        yield Stage("made", "written from the plan", None)
        return
    yield Stage("planned", "places of the plan", made.planned)
    yield Stage("made", "written from the plan", made.rows, made.lost)


def _reading(record: Record) -> Iterable[Stage]:
    read = record.validation
    schema, implicit, agreed = "match the schema", "no tool is named", "a blind reader arrives at the same labels"
    if read is None:
        yield from (Stage(*names, None) for names in (("schema", schema), ("implicit", implicit), ("agreed", agreed)))
        return
    made = record.generate.rows if record.generate else read.rows
    yield Stage("schema", schema, read.rows, _some({"not a row": made - read.rows}))
    named = {reason: read.dropped[reason] for reason in _GIVEN_AWAY if reason in read.dropped}
    yield Stage("implicit", implicit, read.rows - sum(named.values()), named)
    others = {reason: rows for reason, rows in read.dropped.items() if reason not in named}
    yield Stage("agreed", agreed, read.kept, others)


def _curating(record: Record) -> Iterable[Stage]:
    unique, clean, full = "no duplicates", "nothing of a benchmark", "no cell above its plan"
    curated = record.curation
    if curated is None:
        told = (("deduplicated", unique), ("decontaminated", clean), ("balanced", full))
        yield from (Stage(*names, None) for names in told)
        return
    if not curated.benchmarks:
        clean = "no benchmark was looked for"
    gone = curated.removed
    left = curated.rows
    before = record.validation.kept if record.validation else left
    if before != left:
        yield Stage("taken to curation", "of those above", left, _some({"not told": before - left}))
    for name, what, reasons in (
        ("decodable", "their pictures can be read", ("unreadable picture",)),
        ("deduplicated", unique, _DUPLICATES),
        ("decontaminated", clean, ("contaminated",)),
        ("held apart", "nothing near a test row in train", ("straddles the split",)),
        ("balanced", full, ("over the plan",)),
    ):
        went = {reason: gone[reason] for reason in reasons if gone.get(reason)}
        left -= sum(went.values())
        if went or name not in ("decodable", "held apart"):
            yield Stage(name, what, left, went)


def _some(reasons: Mapping[str, int]) -> dict[str, int]:
    return {reason: rows for reason, rows in reasons.items() if rows > 0}


def _falls(what: str, counted: list[int]) -> None:
    for before, after in pairwise(counted):
        if after > before:
            raise PublishingError(
                f"{what} are not of one run: {after} rows came out of a step that {before} went into; give the "
                "reports that belong together"
            )
