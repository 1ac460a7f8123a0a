"""The careful judge's transcript: its verdict on each of the 300 documents that break one criterion.

The reasons were written by a reader of the documents, the marks are those of the rules in `checks`, and the two agree
on what is broken. No judge model was asked: how one judges is measured by giving it these documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from llmi_schema import Picture, Provenance, RenderedDocument, ToolResult, parse
from llmi_train.evaluate.project.checks import Reading, mark
from llmi_train.evaluate.project.tasks import ProjectTask, project_tasks


@dataclass(frozen=True, slots=True)
class Verdict:
    """Attributes:
    task: its id.
    broken: the criterion that the document violates, counted from 1.
    marks: of all ten criteria, 0 to 2.
    reason: what the judge found at the broken one.
    """

    task: str
    broken: int
    marks: tuple[int, ...]
    reason: str = ""


@cache
def transcript() -> tuple[Verdict, ...]:
    """What is shipped: one verdict per violation, 300 in all."""
    lines = files("llmi_train.evaluate.project").joinpath("transcript.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Verdict(**{**value, "marks": tuple(value["marks"])}) for value in map(json.loads, lines))


def by_rules() -> Iterator[Verdict]:
    """The marks once more, from the documents, without reasons."""
    for task in project_tasks():
        for broken in range(1, len(task.criteria) + 1):
            reading = Reading.of(delivered(task, task.violation(broken)))
            given = tuple(mark(criterion.check, reading)[0] for criterion in task.criteria)
            yield Verdict(task.id, broken, given)


def delivered(task: ProjectTask, text: str) -> RenderedDocument:
    """The document as if every tool had delivered; the pictures stand for themselves and show nothing."""
    document = parse(text, len(task.pictures))
    results = tuple(ToolResult(picture=_stand_in(tag.index, tag.tool or "")) for tag in document.tags)
    return RenderedDocument(document=document, results=results, inputs=task.pictures)


@cache
def _stand_in(number: int, tool: str) -> Picture:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (16, 16), (20 * number % 256, 80, 120)).save(out, "PNG")
    return Picture.from_png(out.getvalue(), Provenance(tool=tool, provider="stands for a picture", request=""))
