"""`llmi-reward score`: a file of rollouts in, a table of scores and components out, resumable.

Input is JSON Lines: `prompt`, `completion`, `image_count`, and optionally `required_tools`, `split`, `truncated`,
`input_pictures` as base64, or, instead of `completion`, `document`: a `RenderedDocument` as JSON, whose pictures are
then taken as they are.

Finished rows are appended to `<output>.partial`, one JSON object per line, and turned into Parquet at the end. A second
run goes on from there: it scores the rows that are missing, changed or unscored. The partial file goes when all rows
have a score.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmi_reward.integrations.raw_sample import RawSample
from llmi_reward.integrations.scorer import Scored, Scorer
from llmi_schema import ConfigurationError, RenderedDocument, SystemRequirementError
from llmi_schema.files import cannot_write, whole


@dataclass(frozen=True, slots=True)
class Rollout:
    """One line of the input: its number from 1, its digest, and what it holds."""

    line: int
    digest: str
    row: RawSample


@dataclass
class Tally:
    """How far a run has come, and why rows have no score."""

    total: int
    done_before: int = 0
    scored: int = 0
    unscored: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        return self.done_before + self.scored + self.unscored


def read_rollouts(path: Path) -> list[Rollout]:
    """All lines of a file. Raises `ConfigurationError` with the line number for what is no JSON object, and where
    there is none."""
    rollouts = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                columns = json.loads(line)
            except UnicodeDecodeError:
                raise ConfigurationError(f"{path}, line {number}: not UTF-8 text; save the file as UTF-8") from None
            except (ValueError, RecursionError) as error:
                raise ConfigurationError(
                    f"{path}, line {number}: not JSON: {error}; write one rollout per line, as a JSON object"
                ) from None
            if not isinstance(columns, dict):
                raise ConfigurationError(f"{path}, line {number}: a rollout is a JSON object")
            rollouts.append(Rollout(number, hashlib.sha256(line.strip()).hexdigest(), _row(columns)))
    if not rollouts:
        raise ConfigurationError(f"{path}: there are no rollouts in it")
    return rollouts


async def score_rollouts(
    rollouts: list[Rollout],
    scorer: Scorer,
    output: Path,
    *,
    setting: str,
    concurrency: int = 64,
    progress: Callable[[Tally], None] = lambda tally: None,
) -> Tally:
    """Score what is not yet scored and write `output`, a Parquet file with one row per rollout in their order.

    Args:
        setting: what else the scores depend on, the reward and the renderer; a partial file of another setting is
            refused with `ConfigurationError`.
        concurrency: how many rows are in work at a time.

    Raises `TooManyUnscoredError` when the scorer has a limit and it is passed; what was scored is kept.
    """
    partial = output.with_name(output.name + ".partial")
    done = _read_partial(partial, setting)
    todo = [rollout for rollout in rollouts if not _is_scored(rollout, done)]
    tally = Tally(len(rollouts), len(rollouts) - len(todo))
    progress(tally)
    try:
        with partial.open("a", encoding="utf-8") as file:
            if not done and file.tell() == 0:
                file.write(json.dumps({"setting": setting}) + "\n")
            async for rollout, scored in _in_any_order(todo, scorer, concurrency):
                done[rollout.line] = _record(rollout, scored)
                file.write(json.dumps(done[rollout.line]) + "\n")
                file.flush()
                tally.unscored += scored.score.value is None
                tally.scored += scored.score.value is not None
                if scored.score.value is None:
                    tally.reasons[scored.score.reason or "no reason"] += 1
                progress(tally)
                if scorer.limit is not None:
                    scorer.limit.note([scored.score])
    except OSError as error:  # rows fail with a value: it is the file's
        raise ConfigurationError(cannot_write(partial, error)) from error
    write_table([done[rollout.line] for rollout in rollouts], output)
    if all(done[rollout.line]["value"] is not None for rollout in rollouts):
        partial.unlink()
    return tally


def write_table(records: list[dict[str, Any]], output: Path) -> None:
    """Records as Parquet: `value`, `reason`, one column per component and per contribution. Written in one piece."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise SystemRequirementError("writing Parquet needs pyarrow: pip install 'llmi-reward[cli]'") from None
    names = {
        kind: list(dict.fromkeys(name for record in records for name in record[kind]))
        for kind in ("components", "contributions")
    }
    columns: dict[str, Any] = {
        "line": pyarrow.array([record["line"] for record in records], pyarrow.int64()),
        "value": pyarrow.array([record["value"] for record in records], pyarrow.float64()),
        "reason": pyarrow.array([record["reason"] for record in records], pyarrow.string()),
        "delivered": pyarrow.array([record["delivered"] for record in records], pyarrow.int64()),
        "seconds": pyarrow.array([record["seconds"] for record in records], pyarrow.float64()),
    }
    for kind, found in names.items():
        for name in found:
            values = [record[kind].get(name) for record in records]
            columns[f"{kind}/{name}"] = pyarrow.array(values, pyarrow.float64())
    with whole(output) as unfinished:
        parquet.write_table(pyarrow.table(columns), unfinished)


async def _in_any_order(todo: list[Rollout], scorer: Scorer, concurrency: int) -> AsyncIterator[tuple[Rollout, Scored]]:
    """Rows and their scores as they come; at most `concurrency` at a time, and none left running at the end."""
    waiting = iter(todo)
    running: dict[asyncio.Task[Scored], Rollout] = {}
    try:
        while True:
            for rollout in waiting:
                running[asyncio.ensure_future(scorer.score_row(rollout.row))] = rollout
                if len(running) >= concurrency:
                    break
            if not running:
                return
            finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                yield running.pop(task), task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _row(columns: dict[str, Any]) -> RawSample:
    completion = columns.get("completion")
    if columns.get("document") is not None:
        try:
            completion = RenderedDocument.model_validate(columns["document"])
        except ValueError as error:
            completion = _Unreadable(f"`document` is no rendered document: {error}")
    return RawSample.read(columns.get("prompt", ""), completion, columns, truncated=bool(columns.get("truncated")))


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """Stands for a completion that could not be read, so that its row fails and no other."""

    why: str

    def __iter__(self) -> Iterator[Any]:
        raise ValueError(self.why)


def _record(rollout: Rollout, scored: Scored) -> dict[str, Any]:
    delivered = len(scored.sample.delivered) if scored.sample and scored.sample.rendered else None
    score = scored.score
    return {
        "line": rollout.line,
        "digest": rollout.digest,
        "value": score.value,
        "reason": score.reason,
        "components": score.components,
        "contributions": score.contributions,
        "delivered": delivered,
        "seconds": round(scored.seconds, 6),
    }


def _is_scored(rollout: Rollout, done: dict[int, dict[str, Any]]) -> bool:
    record = done.get(rollout.line)
    return record is not None and record["digest"] == rollout.digest and record["value"] is not None


def _read_partial(path: Path, setting: str) -> dict[int, dict[str, Any]]:
    """What an earlier run has scored, by line. Its last line may have been cut off."""
    if not path.exists():
        return {}
    done: dict[int, dict[str, Any]] = {}
    whole = 0
    with path.open("rb") as file:
        for number, line in enumerate(file):
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            record = json.loads(line)
            if number == 0:
                if record.get("setting") != setting:
                    raise ConfigurationError(
                        f"{path} holds scores of {record.get('setting')}, not of {setting}: "
                        "use the same options, another --output, or --restart"
                    )
            else:
                done[record["line"]] = record
    if whole < path.stat().st_size:
        os.truncate(path, whole)
    return done
