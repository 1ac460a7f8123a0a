"""A held-out set of one's own rows: reward components, which tools were used for which, what was asked for and kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from llmi_data import Row, load
from llmi_reward import Reward
from llmi_schema import ConfigurationError, Tag
from llmi_train.evaluate.benchmark import BenchmarkTask, Result, title_of
from llmi_train.evaluate.judging import Mark
from llmi_train.writing import Written

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class RowsBenchmark:
    """Rows with their labels, scored by a reward with exact counts.

    Attributes:
        reward: unscored answers are missing, and bounded by 0 and 1.
        basis: the judge's name, or "rules" for a reward that asks none.
    """

    name: str
    tasks: tuple[BenchmarkTask, ...]
    digest: str
    basis: str
    reward: Reward = field(repr=False)

    @classmethod
    def of(
        cls, rows: Sequence[Row], reward: Reward, *, basis: str, name: str = "rows", limit: int | None = None
    ) -> RowsBenchmark:
        unique = {row.id: row for row in rows}
        tasks = tuple(
            BenchmarkTask(row.id, title_of(row.text), row.messages, row.pictures, (), row.constraint)
            for row in list(unique.values())[:limit]
        )
        told = sha256("\n".join(row.model_dump_json() for row in unique.values()).encode())
        told.update(str(reward).encode())
        return cls(name, tasks, told.hexdigest()[:16], basis, reward)

    @classmethod
    def load(cls, path: Path, reward: Reward, *, basis: str, limit: int | None = None) -> RowsBenchmark:
        """The held-out half of a folder that `llmi-data` wrote. Raises `ConfigurationError` where it has none."""
        rows = list(load(path).test)
        if not rows:
            raise ConfigurationError(f"{path} holds no held-out rows")
        return cls.of(rows, reward, basis=basis, name=f"rows:{path.name}", limit=limit)

    async def assess(self, task: BenchmarkTask, written: Written) -> Result:
        sample = task.sample(written)
        score = await self.reward(sample)
        marks = tuple(
            Mark(name, value, "" if value is not None else str(score.reason or "not computed"))
            for name, value in score.components.items()
        )
        low, high = (0.0, 1.0) if score.value is None else (score.value, score.value)
        return Result(task.id, low, high, marks, _kept(task, written))

    def figures(self, results: Sequence[Result]) -> dict[str, Any]:
        """Shares of the documents, and `tools`: how often each required tool was answered with which, by rows."""
        found = [result.figures for result in results if result.figures]
        with_tools = [one for one in found if one["required"]]
        matrix: dict[str, Counter[str]] = {}
        for one in found:
            for wanted, used in _confusions(one["required"], one["called"]):
                matrix.setdefault(wanted, Counter())[used] += 1
        return {
            "documents": len(found),
            "valid document": _share(one["valid"] for one in found),
            "right number of pictures": _share(one["count"] for one in found),
            "every required tool called": _share(set(one["required"]) <= set(one["called"]) for one in with_tools),
            "every required tool delivered": _share(
                set(one["required"]) <= set(one["delivered"]) for one in with_tools
            ),
            "all constraints": _share(
                one["valid"] and one["count"] and set(one["required"]) <= set(one["delivered"]) for one in found
            ),
            "tools": {wanted: dict(sorted(used.items())) for wanted, used in sorted(matrix.items())},
        }

    def export(self, folder: Path, documents: Iterable[tuple[BenchmarkTask, Written]]) -> None:
        return None


def _kept(task: BenchmarkTask, written: Written) -> dict[str, Any]:
    document = written.rendered.document
    constraint = task.constraint
    finished = written.completion is not None and written.completion.finished
    return {
        "valid": finished and document.finished and not document.bad_tags and not document.fenced,
        "count": constraint is None or constraint.count.allows(len(written.rendered.delivered)),
        "required": sorted(constraint.required_tools) if constraint else [],
        "called": sorted({tag.tool for tag in document.tags if isinstance(tag, Tag)}),
        "delivered": sorted({picture.provenance.tool for picture in written.rendered.delivered}),
    }


def _confusions(required: Sequence[str], called: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of a tool that was wanted and the one that came: itself, else what was called without being wanted."""
    pairs = [(tool, tool) for tool in required if tool in called]
    missed = [tool for tool in required if tool not in called]
    extra = [tool for tool in called if tool not in required]
    pairs += [(tool, other) for tool in missed for other in extra or [NOTHING]]
    if not required:
        pairs += [(NOTHING, tool) for tool in extra or [NOTHING]]
    return pairs


def _share(kept: Iterable[bool]) -> float | None:
    known = list(kept)
    return sum(known) / len(known) if known else None
