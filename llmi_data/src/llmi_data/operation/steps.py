"""The steps that ask models, from settings to rows: what a command, a run's file and Python call alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from llmi_data.generation import ChatWriter, Written, compose_rows, write_rows_async
from llmi_data.operation.config import GenerateConfig, ValidateConfig
from llmi_data.operation.display import shown
from llmi_data.operation.flow import PATIENCE
from llmi_data.operation.loop import run_here
from llmi_data.operation.meter import Metered, Tally, Usage
from llmi_data.operation.models import ModelConfig
from llmi_data.operation.shards import WHOLE, Shard
from llmi_data.plan import Plan
from llmi_data.row import Row
from llmi_data.validation import (
    Agreement,
    ChatReader,
    ImplicitnessJudge,
    OfflineReader,
    Validated,
    require_another_model,
    validate_async,
)

if TYPE_CHECKING:
    from rich.console import Console

    from llmi_reward.chat import Budget

Journals = Callable[[str], Path]
"""Where the answers of `generate`, `reader` and `judge` are kept."""


class GenerateReport(BaseModel):
    """How many rows were planned and made, why others were not, and what the answers took."""

    model_config = ConfigDict(frozen=True)

    generator: str
    planned: int
    rows: int
    lost: dict[str, int]
    usage: Usage


class ValidateReport(BaseModel):
    """How many rows came and stayed, why others did not, who read them, and how far readers and labels agree."""

    model_config = ConfigDict(frozen=True)

    reader: str
    judge: str | None
    rows: int
    kept: int
    dropped: dict[str, int]
    agreement: Agreement
    usage: Usage


def generate_rows(
    plan: Plan,
    settings: GenerateConfig | None = None,
    *,
    journals: Journals,
    shard: Shard = WHOLE,
    budget: Budget | None = None,
    patience: int = PATIENCE,
    console: Console | None = None,
) -> tuple[Written, GenerateReport]:
    """Make a plan's rows, or one shard of them.

    Args:
        settings: which model writes; the offline generator unless one is given.
        journals: where answers are kept; running it again pays for none of them twice.
        console: where progress is shown when it is a terminal; log lines otherwise.

    Raises `PlanError`, `InputPictureError` and `ConfigurationError` before anything is spent, `StoppedError` as
    `flow` does.
    """
    settings = settings or GenerateConfig()
    start, stop = shard.bounds(plan.rows)
    tally = Tally()
    if (model := settings.model) is None:
        name = "offline"
        with shown("generate", stop - start, (), console) as tick:
            rows = []
            for row in compose_rows(plan, shard):
                rows.append(row)
                tick()
        written = Written(tuple(rows), ())
    else:
        pictures = settings.users_pictures(plan)
        name = model.name
        tally.prices = model.money

        async def write() -> Written:
            async with model.open(journals("generate"), budget) as chat:
                with shown("generate", stop - start, (tally,), console) as tick:
                    writer = ChatWriter(
                        Metered(chat, tally),
                        model.name,
                        pictures=pictures,
                        attempts=settings.attempts,
                        options=model.options,
                    )
                    return await write_rows_async(
                        plan, writer, shard=shard, concurrency=model.concurrency, patience=patience, each=tick
                    )

        written = run_here(write())
    report = GenerateReport(
        generator=name,
        planned=stop - start,
        rows=len(written.rows),
        lost=dict(Counter(lost.reason for lost in written.lost).most_common()),
        usage=tally.usage,
    )
    return written, report


def validate_rows(
    rows: Sequence[Row],
    settings: ValidateConfig | None = None,
    *,
    journals: Journals,
    shard: Shard = WHOLE,
    budget: Budget | None = None,
    patience: int = PATIENCE,
    console: Console | None = None,
) -> tuple[Validated, ValidateReport]:
    """Keep the rows, or those of one shard, that are implicit and that a blind reader labels alike.

    Args:
        settings: which models read and judge; the offline rules unless given.

    Raises `ConfigurationError` before anything is spent, also where the reader wrote some of the rows; `StoppedError`
    as `flow` does.
    """
    settings = settings or ValidateConfig()
    part = shard.of(rows)
    if settings.reader:
        require_another_model(part, settings.reader.name)
    asked = [model for model in (settings.reader, settings.judge) if model]
    read, judged = (Tally(model.money if model else None) for model in (settings.reader, settings.judge))

    async def check() -> tuple[Validated, str, str | None]:
        async with AsyncExitStack() as stack:

            async def metered(model: ModelConfig, journal: str, tally: Tally) -> Metered:
                return Metered(await stack.enter_async_context(model.open(journals(journal), budget)), tally)

            reader: OfflineReader | ChatReader = OfflineReader()
            judge: ImplicitnessJudge | None = None
            attempts = settings.attempts
            if model := settings.reader:
                chat = await metered(model, "reader", read)
                reader = ChatReader(chat, model.name, attempts=attempts, options=model.options)
            if model := settings.judge:
                chat = await metered(model, "judge", judged)
                judge = ImplicitnessJudge(chat, model.name, attempts=attempts, options=model.options)
            with shown("validate", len(part), (read, judged), console) as tick:
                validated = await validate_async(
                    part,
                    reader,
                    judge=judge,
                    concurrency=max((model.concurrency for model in asked), default=32),
                    patience=patience,
                    each=tick,
                )
            return validated, reader.name, judge.name if judge else None

    validated, reader_name, judge_name = run_here(check())
    report = ValidateReport(
        reader=reader_name,
        judge=judge_name,
        rows=len(part),
        kept=len(validated.kept),
        dropped=validated.drops,
        agreement=validated.agreement,
        usage=read.usage + judged.usage,
    )
    return validated, report
