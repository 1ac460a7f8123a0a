"""The thirty tasks, read from YAML: prompt, drawn pictures, a good document, and ten criteria that can be broken.

```yaml
id: bakery-quarter
title: Quarterly report of a bakery
draw: [{bars: {title: Visitors, values: {Mon: 120}}}]      # pictures given with the prompt, if any
prompt: What to write, with the data.
tags: {chart: {source: code, description: ..., code: ...}}  # stands for [[chart]] in the document
document: A document that meets all ten criteria.
criteria:
  - {text: Revenue is given as 61700 euros., check: {says: ['61,?700']}, breaks: [['61,700', '67,100']]}
```
"""

from __future__ import annotations

import json
import re
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from llmi_reward.judges.checking import Question
from llmi_schema import Picture
from llmi_train.evaluate.project.checks import Check

_PLACE = re.compile(r"\[\[([a-z0-9-]+)\]\]")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Criterion(_Value):
    """One checkable demand.

    Attributes:
        text: what a judge is asked.
        check: what a rule can tell of it.
        breaks: replacements that make of the good document one that violates this criterion and no other.
    """

    text: str
    check: Check
    breaks: tuple[tuple[str, str], ...] = Field(min_length=1)


class ProjectTask(_Value):
    """Attributes:
    draw: the pictures given with the prompt, as `drawing` draws them.
    tags: calls that the document's `[[name]]` stand for.
    """

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    prompt: str
    document: str
    criteria: tuple[Criterion, ...] = Field(min_length=10, max_length=10)
    tags: dict[str, dict[str, Any]] = {}
    draw: tuple[dict[str, Any], ...] = ()

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(Question(f"c{number}", one.text) for number, one in enumerate(self.criteria, 1))

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        from llmi_train.evaluate.project.drawing import draw

        return tuple(draw(spec, f"{self.id}-{number}") for number, spec in enumerate(self.draw))

    def good(self) -> str:
        """The document that meets all ten criteria, in tags."""
        return _composed(self.document, self.tags)

    def violation(self, number: int) -> str:
        """The document that violates criterion `number`, counted from 1, and no other.

        Raises ValueError for a replacement of what is not there.
        """
        text, tags = self.document, json.loads(json.dumps(self.tags))
        for old, new in self.criteria[number - 1].breaks:
            found = old in text
            text = text.replace(old, new)
            for tag in tags.values():
                for name, value in tag.items():
                    if isinstance(value, str) and old in value:
                        tag[name], found = value.replace(old, new), True
            if not found:
                raise ValueError(f"{self.id}, criterion {number}: {old!r} stands neither in the document nor in a tag")
        return _composed(text, tags)


@cache
def project_tasks() -> tuple[ProjectTask, ...]:
    """All thirty; those without pictures first."""
    import yaml

    folder = files("llmi_train.evaluate.project").joinpath("tasks")
    names = sorted(path.name for path in folder.iterdir() if path.name.endswith(".yaml"))
    found = [
        ProjectTask.model_validate(one)
        for name in names
        for one in yaml.safe_load_all(folder.joinpath(name).read_text(encoding="utf-8"))
    ]
    return tuple(sorted(found, key=lambda task: bool(task.draw)))


def _composed(text: str, tags: dict[str, dict[str, Any]]) -> str:
    def written(match: re.Match[str]) -> str:
        tag = dict(tags[match[1]])
        call = {"source": tag.pop("source"), "description": tag.pop("description"), "params": tag}
        return f"<imgen>{json.dumps(call, ensure_ascii=False)}</imgen>"

    return _PLACE.sub(written, text)
