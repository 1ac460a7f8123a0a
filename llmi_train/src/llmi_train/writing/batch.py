"""Many documents into a folder. What is finished is a file there; the same call again does only the rest."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from llmi_reward.chat import ChatError
from llmi_sandbox import Toolkit
from llmi_schema import DEFAULT_LANGUAGE, ConfigurationError, Constraint, LLMIError, RowConstraint, parse
from llmi_schema.files import cannot_write, write_whole
from llmi_train.policies import Policy, Request
from llmi_train.writing.saving import SUFFIXES, save
from llmi_train.writing.tasks import Task
from llmi_train.writing.written import Written

_SETTINGS = ".written-by.json"
INDEX = "documents.jsonl"
"""One line per document with its figures; of a document that is named twice, the last line holds."""


@dataclass(slots=True)
class BatchSummary:
    """What a run did.

    Attributes:
        written: documents written now.
        found: documents that were there already.
        failed: the names of others, and why; they are tried again by the next run.
        not_tried: tasks left when the budget was used up.
        cost: of what was written now; None where prices are not known.
    """

    written: int = 0
    found: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    not_tried: int = 0
    tokens: int = 0
    cost: float | None = None
    pictures: int = 0
    missing_pictures: int = 0


async def write_all(
    policy: Policy,
    tasks: Iterable[Task],
    toolkit: Toolkit,
    folder: Path,
    *,
    suffix: str = ".html",
    settings: Request | None = None,
    constrain: bool = False,
    at_once: int = 16,
    progress: Callable[[BatchSummary], None] = lambda summary: None,
) -> BatchSummary:
    """Write a document per task as `<folder>/<name><suffix>`, each whole or not at all.

    Args:
        tasks: taken one by one, when there is room for them.
        settings: temperature, seed and max_tokens for all; its messages are not used.
        constrain: hold documents to their task's constraint, or to the syntax of tags where it has none.
        at_once: documents in work at a time.
        progress: called after each document.

    A task whose document cannot be had is told in the summary and costs its neighbours nothing. Raises
    `ConfigurationError` when the folder holds another policy's documents, or documents of other settings.
    """
    settings = settings or Request([])
    _claim(folder, policy, settings, suffix, constrain)
    summary = BatchSummary()
    waiting = iter(tasks)
    names: set[str] = set()
    spent = False

    async def work() -> None:
        nonlocal spent
        for task in waiting:
            if task.name in names:
                continue
            names.add(task.name)
            path = folder / f"{task.name}{suffix}"
            if path.exists():
                summary.found += 1
            elif spent:
                summary.not_tried += 1
                continue
            else:
                try:
                    written = await _write(policy, task, toolkit, settings, constrain)
                    await asyncio.to_thread(_keep, written, path, folder / INDEX)
                    _count(summary, written)
                except LLMIError as error:
                    spent = spent or (isinstance(error, ChatError) and error.reason == "budget")
                    summary.failed[task.name] = str(error)
            progress(summary)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return summary


async def _write(policy: Policy, task: Task, toolkit: Toolkit, settings: Request, constrain: bool) -> Written:
    started = time.perf_counter()
    request = replace(settings, messages=task.messages, pictures=task.pictures)
    if constrain:
        request = replace(request, constraint=row_constraint(task.constraint, len(task.pictures)))
    completion = await policy.write(request)
    writing_seconds = time.perf_counter() - started
    language = request.constraint.language if request.constraint else DEFAULT_LANGUAGE
    document = parse(completion.text, len(task.pictures), language)
    rendered = await toolkit.render(document, task.pictures)
    return Written(
        messages=task.messages,
        rendered=rendered,
        completion=completion,
        policy=policy.identity,
        seconds=time.perf_counter() - started,
        writing_seconds=writing_seconds,
    )


def row_constraint(constraint: Constraint | None, input_images: int) -> RowConstraint:
    """What a policy is held to: the constraint, or the syntax of tags alone."""
    wanted = constraint or Constraint()
    return RowConstraint(wanted.count, input_images, required_tools=wanted.required_tools)


def _keep(written: Written, path: Path, index: Path) -> None:
    completion = written.completion
    line: dict[str, Any] = {
        "file": path.name,
        "pictures": len(written.rendered.delivered),
        "tags": len(written.rendered.results),
        "finished": completion.finished if completion else False,
        "tokens": completion.tokens if completion else 0,
        "cost": completion.cost if completion else None,
        "seconds": round(written.seconds, 3),
    }
    try:
        with index.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        raise ConfigurationError(cannot_write(index, error)) from error
    save(written, path)


def _count(summary: BatchSummary, written: Written) -> None:
    summary.written += 1
    made = sum(result.ok for result in written.rendered.results)
    summary.pictures += made
    summary.missing_pictures += len(written.rendered.results) - made
    if written.completion is not None:
        summary.tokens += written.completion.tokens
        if written.completion.cost is not None:
            summary.cost = (summary.cost or 0.0) + written.completion.cost


def _claim(folder: Path, policy: Policy, settings: Request, suffix: str, constrain: bool) -> None:
    """A folder holds the documents of one policy with one set of settings."""
    if suffix not in SUFFIXES:
        raise ConfigurationError(f"documents are written as {', '.join(SUFFIXES)}, not {suffix!r}")
    mine = {
        "policy": policy.identity,
        "temperature": settings.temperature,
        "seed": settings.seed,
        "max_tokens": settings.max_tokens,
        "constrain": constrain,
    }
    path = folder / _SETTINGS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = json.loads(path.read_text()) if path.exists() else None
        if found is None:
            write_whole(path, json.dumps(mine))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{folder}: cannot use this folder ({error})") from error
    if found is not None and found != mine:
        other = ", ".join(name for name in mine if found.get(name) != mine[name])
        raise ConfigurationError(f"{folder} holds documents with another {other}: choose another folder")
