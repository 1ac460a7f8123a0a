"""`plan`, `generate`, `validate`: from a plan to rows that can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmi_data.cli.models import (
    BaseUrl,
    CompletionPrice,
    Concurrency,
    DryRun,
    KeyVariable,
    Money,
    PromptPrice,
    Setting,
    ShardOption,
    journals_beside,
    model_config,
)
from llmi_data.cli.reporting import show_generation, show_problems, show_validation
from llmi_data.cli.shared import RowsFile, plain, progress

if TYPE_CHECKING:
    from llmi_data.operation.models import ModelConfig
    from llmi_reward.chat import Budget


def plan(
    rows: Annotated[int, typer.Option(help="How many rows the plan is for.")] = 480,
    seed: Annotated[int, typer.Option(help="The seed everything follows from.")] = 0,
) -> None:
    """Print the default plan as YAML: the start of one of your own."""
    from llmi_data.plan import Plan

    typer.echo(Plan.wide(rows=rows, seed=seed).to_yaml(), nl=False)


def generate(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the rows go (JSON Lines).")] = Path(
        "rows.jsonl"
    ),
    plan_file: Annotated[Path | None, typer.Option("--plan", help="A plan in YAML; else the default plan.")] = None,
    rows: Annotated[int | None, typer.Option(help="Size of the default plan (480).")] = None,
    seed: Annotated[int | None, typer.Option(help="Takes the place of the plan's seed.")] = None,
    model: Annotated[str | None, typer.Option(help="Who writes the rows; else they are composed offline.")] = None,
    base_url: BaseUrl = None,
    api_key_env: KeyVariable = "OPENAI_API_KEY",
    setting: Setting = None,
    concurrency: Concurrency = 32,
    prompt_price: PromptPrice = None,
    completion_price: CompletionPrice = None,
    budget: Money = None,
    pictures: Annotated[Path | None, typer.Option(help="Pictures users attach: a folder, or a dataset.")] = None,
    attempts: Annotated[int, typer.Option(min=1, help="Drafts per row.")] = 3,
    lost: Annotated[Path | None, typer.Option(help="Where assignments that came to nothing are listed.")] = None,
    report_file: Annotated[Path | None, typer.Option("--report", help="Where the report goes, as JSON.")] = None,
    shard: ShardOption = "1/1",
    dry_run: DryRun = False,
) -> None:
    """Make the rows of a plan."""
    from llmi_data.errors import PlanError
    from llmi_data.forecast import generation_forecast
    from llmi_data.jsonl import write_lines, write_rows
    from llmi_data.operation.config import GenerateConfig
    from llmi_data.operation.files import write_lost
    from llmi_data.operation.shards import Shard
    from llmi_data.operation.steps import generate_rows
    from llmi_data.plan import Plan

    if plan_file and rows is not None:
        raise PlanError("--plan says how many rows there are: leave out --rows, or change the plan")
    wanted = Plan.from_yaml(plan_file) if plan_file else Plan.wide(rows=480 if rows is None else rows)
    if seed is not None:
        wanted = wanted.model_copy(update={"seed": seed})
    asked = model_config(
        model,
        base_url=base_url,
        api_key_env=api_key_env,
        settings=setting,
        concurrency=concurrency,
        prompt_price=prompt_price,
        completion_price=completion_price,
    )
    settings = GenerateConfig(model=asked, pictures=pictures, attempts=attempts)
    part = Shard.parse(shard)
    output, lost, report_file = part.path(output), lost and part.path(lost), report_file and part.path(report_file)
    journals = journals_beside(output)
    if dry_run:
        typer.echo(str(generation_forecast(wanted, settings, journals, part)))
        return
    with progress() as out:
        written, report = generate_rows(
            wanted,
            settings,
            journals=journals,
            shard=part,
            budget=_budget(budget, {journals("generate"): asked} if asked else {}),
            console=out,
        )
    write_rows(output, written.rows)
    if lost:
        write_lost(lost, written.lost)
    if report_file:
        write_lines(report_file, [report.model_dump_json(indent=1)])
    out.print(f"{report.rows} rows in {len(wanted.cells)} cells -> {plain(output)}", soft_wrap=True)
    show_generation(report, out)
    if written.unanswered:
        out.print("run it again to ask for those without an answer once more")


def validate(
    rows: RowsFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the rows that stay go.")] = Path("valid.jsonl"),
    dropped: Annotated[Path | None, typer.Option(help="Where the others go (JSON Lines: row, reason, detail).")] = None,
    report_file: Annotated[Path | None, typer.Option("--report", help="Where the report goes, as JSON.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Who reads the rows blind: another model than wrote them. Else rules do.")
    ] = None,
    base_url: BaseUrl = None,
    judge: Annotated[str | None, typer.Option(help="A model that looks for tools given away.")] = None,
    judge_base_url: Annotated[str | None, typer.Option(help="Where the judge is served, if elsewhere.")] = None,
    api_key_env: KeyVariable = "OPENAI_API_KEY",
    setting: Setting = None,
    concurrency: Concurrency = 32,
    prompt_price: PromptPrice = None,
    completion_price: CompletionPrice = None,
    budget: Money = None,
    shard: ShardOption = "1/1",
    dry_run: DryRun = False,
) -> None:
    """Keep the rows on which a blind reader, who sees no labels, agrees."""
    from llmi_data.errors import RowError
    from llmi_data.forecast import validation_forecast
    from llmi_data.jsonl import no_rows, read_rows, write_lines, write_rows
    from llmi_data.operation.config import ValidateConfig
    from llmi_data.operation.files import write_dropped
    from llmi_data.operation.shards import Shard
    from llmi_data.operation.steps import validate_rows

    reads, judges = (
        model_config(
            name,
            base_url=url,
            api_key_env=api_key_env,
            settings=setting,
            concurrency=concurrency,
            prompt_price=prompt_price,
            completion_price=completion_price,
        )
        for name, url in ((model, base_url), (judge, judge_base_url or base_url))
    )
    settings = ValidateConfig(reader=reads, judge=judges)
    part = Shard.parse(shard)
    output, dropped, report_file = (
        part.path(output),
        dropped and part.path(dropped),
        report_file and part.path(report_file),
    )
    journals = journals_beside(output)
    broken: list[RowError] = []
    given = list(read_rows(rows, broken.append))
    if not given:
        raise no_rows(rows, broken)
    if dry_run:
        these = part.of(given)
        typer.echo(str(validation_forecast([row.question for row in these], len(these), settings, journals)))
        return
    asked = {journals(name): config for name, config in (("reader", reads), ("judge", judges)) if config}
    with progress() as out:
        validated, report = validate_rows(
            given, settings, journals=journals, shard=part, budget=_budget(budget, asked), console=out
        )
    write_rows(output, validated.kept)
    if dropped:
        write_dropped(dropped, validated.dropped)
    if report_file:
        write_lines(report_file, [report.model_dump_json(indent=1)])
    show_problems("not a row", broken, out)
    out.print(f"{len(validated.kept)} rows stay -> {plain(output)}", soft_wrap=True)
    show_validation(report, out)
    if validated.unanswered:
        out.print("run it again to ask for those without an answer once more")


def _budget(money: float | None, asked: Mapping[Path, ModelConfig]) -> Budget | None:
    from llmi_data.operation.config import BudgetConfig

    return None if money is None else BudgetConfig(money=money).open(asked)
