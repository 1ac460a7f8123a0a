"""`llmi-train evaluate` and `llmi-train compare`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from llmi_schema import ConfigurationError
from llmi_train.cli.policies import Budget, Journal, Model, Option, Prices, Tools, enforces, open_policy, open_toolkit
from llmi_train.cli.shared import Unsafe, console, one_sentence

if TYPE_CHECKING:
    from llmi_reward.chat import ChatClient
    from llmi_train.evaluate import Benchmark, Run

_AT_ONCE = 64


def evaluate(
    bench: Annotated[str, typer.Option(help="project, opening:PATH, isg:PATH, or rows:PATH.")] = "project",
    model: Model = "runs/demo/base",
    adapter: Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter.")] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            help="NAME@http://host:8000/v1, openai:NAME, azure:NAME@https://..., env:MLLM_JUDGE; rules without."
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A folder; the same command goes on there after a stop.")
    ] = Path("runs/evaluation"),
    repeats: Annotated[int, typer.Option(min=1, help="Ask the judge each question so often; the median counts.")] = 1,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The first so many tasks; more later cost only the rest.")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Documents in work at a time.")] = 8,
    tools: Tools = "offline",
    constrain: Annotated[
        bool | None, typer.Option(help="Hold documents to valid tags; by default where the model can be held.")
    ] = None,
    instruct: Annotated[
        bool | None, typer.Option(help="Teach the tags in a system message; by default for servers only.")
    ] = None,
    temperature: Annotated[float, typer.Option(min=0.0)] = 0.0,
    seed: int = 0,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="The longest document.")] = None,
    prices: Prices = None,
    budget: Budget = None,
    journal: Journal = None,
    option: Option = None,
    judge_prices: Annotated[str | None, typer.Option(help="The same as --prices for the judge.")] = None,
    judge_budget: Annotated[float | None, typer.Option(min=0, help="Most money to spend on the judge now.")] = None,
    unsafe: Unsafe = False,
) -> None:
    """Write, render and score a document per task of a benchmark, and report it.

    Stopped or killed, the same command goes on: documents and judgements that are there are never paid for again.
    """
    with one_sentence():
        import asyncio

        from llmi_train.evaluate.report import write_report

        chat = _judge(judge, output, judge_prices, judge_budget) if judge else None
        benchmark = _benchmark(bench, chat, repeats, limit, model)
        policy = open_policy(
            model,
            adapter=adapter,
            max_tokens=max_tokens,
            instruct=instruct,
            prices=prices,
            budget=budget,
            journal=journal,
            option=option,
        )
        held = enforces(policy) if constrain is None else constrain

        async def run() -> Run:
            from llmi_train.cli.evaluation_display import progress
            from llmi_train.evaluate.run import run_benchmark
            from llmi_train.policies import Request

            async with AsyncExitStack() as open_things:
                await open_things.enter_async_context(policy)
                if chat is not None:
                    await open_things.enter_async_context(chat)
                step = open_things.enter_context(progress(len(benchmark.tasks), console()))
                return await run_benchmark(
                    benchmark,
                    policy,
                    toolkit,
                    output,
                    settings=Request([], temperature=temperature, seed=seed),
                    constrain=held,
                    at_once=at_once,
                    progress=step,
                )

        with open_toolkit(tools, unsafe=unsafe) as toolkit:
            found = asyncio.run(run())
        _tell(found, write_report(output), output, chat)


def compare(
    first: Annotated[Path, typer.Argument(help="Folder of an evaluation.")],
    second: Annotated[Path, typer.Argument(help="Folder of another, on the same benchmark by the same judge.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="An HTML file.")] = Path("comparison.html"),
) -> None:
    """Set two evaluations beside each other: the paired difference, and documents side by side."""
    with one_sentence():
        from llmi_train.evaluate.comparison import in_words, sign_test_says, write_comparison

        difference = write_comparison(first, second, output)
        out = console()
        out.print(escape(in_words(difference, (str(first), str(second)))))
        counts = f"{difference.better} tasks better, {difference.worse} worse, {difference.equal} equal"
        out.print(f"{counts} (sign test: {sign_test_says(difference)})")
        out.print(f"report: {escape(str(output))}")


def _judge(name: str, folder: Path, prices: str | None, budget: float | None) -> ChatClient:
    """The judge by the names that models have, its answers kept in the folder."""
    from llmi_reward.chat import Budget as Limit
    from llmi_reward.chat import ChatClient
    from llmi_train.cli.policies import read_prices
    from llmi_train.evaluate.run import JUDGEMENTS
    from llmi_train.policies.loading import load_endpoint

    return ChatClient(
        load_endpoint(name, prices=read_prices(prices) if prices else None),
        concurrency=_AT_ONCE,
        options={"max_tokens": 2048},
        budget=None if budget is None else Limit(money=budget),
        journal=folder / JUDGEMENTS,
    )


def _benchmark(bench: str, chat: ChatClient | None, repeats: int, limit: int | None, model: str) -> Benchmark:
    from llmi_train.evaluate.judging import CriterionJudge

    judge = None if chat is None else CriterionJudge(chat, chat.endpoint.model, repeats=repeats)
    kind, _, place = bench.partition(":")
    if kind != "project" and not place:
        raise ConfigurationError(f"--bench {bench}: write project, opening:PATH, isg:PATH or rows:PATH")
    match kind:
        case "project":
            from llmi_train.evaluate.project import ProjectBenchmark

            return ProjectBenchmark.load(judge=judge, limit=limit)
        case "opening":
            from llmi_train.evaluate.opening import OpenING

            return OpenING.load(Path(place), model=model.partition("@http")[0], judge=judge, limit=limit)
        case "isg":
            if judge is not None:
                raise ConfigurationError(
                    "the structural level of ISG-Bench needs no judge; for the others, "
                    "give isg-output.jsonl to its own ISG-eval.py"
                )
            from llmi_train.evaluate.isg import ISG

            return ISG.load(Path(place), limit=limit)
        case "rows":
            from llmi_reward import presets
            from llmi_train.evaluate.benchmark import RULES
            from llmi_train.evaluate.rows import RowsBenchmark

            reward = presets.rules() if chat is None else presets.llmi(chat, chat, samples=repeats)
            basis = RULES if chat is None else chat.endpoint.model
            return RowsBenchmark.load(Path(place), reward, basis=basis, limit=limit)
    raise ConfigurationError(f"--bench {bench}: write project, opening:PATH, isg:PATH or rows:PATH")


def _tell(run: Run, page: Path, folder: Path, chat: ChatClient | None) -> None:
    from llmi_train.evaluate.report import by, said

    out, score = console(), run.score
    out.print(f"{said(score)} by {escape(by(run))} (95 %: {100 * score.lower:.1f} to {100 * score.upper:.1f})")
    for name, value in run.figures.items():
        if isinstance(value, int | float):
            out.print(f"{name}: {value:.3g}")
    if chat is not None:
        asked = chat.statistics
        out.print(f"{asked.answered} judgements received, {asked.replayed} were there")
    if run.export:
        out.print(f"for the benchmark's own tools: {escape(str(folder / run.export))}")
    out.print(f"report: {escape(str(page))}")
    missing = [result for result in run.results if not result.known]
    reasons: dict[str, list[str]] = {}
    for result in missing:
        marks = (mark.reason for mark in result.marks if mark.value is None)
        reasons.setdefault(result.problem or next(marks, "not scored"), []).append(result.task)
    for reason, tasks in list(reasons.items())[:5]:
        more = f" and {len(tasks) - 1} more" if len(tasks) > 1 else ""
        out.print(f"[yellow]{escape(tasks[0])}{more}[/]: {escape(reason)}")
    if missing:
        raise ConfigurationError(f"{len(missing)} tasks are not fully scored; the same command tries them again")
