"""`llmi-train scale`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from llmi_schema import ConfigurationError
from llmi_train.cli.policies import Model, Option, Prices, Tools, open_policy, open_toolkit
from llmi_train.cli.shared import Unsafe, console, one_sentence, say

if TYPE_CHECKING:
    from llmi_reward.chat import ChatClient
    from llmi_sandbox import Toolkit
    from llmi_train.policies import LocalPolicy, ServedPolicy
    from llmi_train.scaling import Allowance, Question, Scaled, StageReport
    from llmi_train.scaling.curve import Curve
    from llmi_train.writing import Task

_PUBLISHED = "env:MLLM_JUDGE"


def scale(
    prompt: Annotated[str | None, typer.Argument(help="What the document should be about.")] = None,
    n: Annotated[str, typer.Option("--n", help="Numbers of candidates to compare.")] = "1,2,4,8",
    model: Model = "runs/demo/base",
    adapter: Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter.")] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            help="Picks pictures and compares documents: a model on a server, which must see pictures, named as for "
            "--model, or none. By default the one that MLLM_JUDGE_BASE_URL and MLLM_JUDGE_MODEL_NAME name."
        ),
    ] = None,
    repairer: Annotated[
        str | None, typer.Option(help="Repairs code that fails; the judge unless given, or none.")
    ] = None,
    enhance: Annotated[int, typer.Option(min=0, help="Further pictures per search and diffusion tag.")] = 3,
    rounds: Annotated[int, typer.Option(min=0, help="Answers per snippet that is repaired.")] = 3,
    polish: Annotated[bool, typer.Option(help="Let the policy go over the winner once more.")] = False,
    enough: Annotated[
        float | None, typer.Option(min=0, max=1, help="Sample no further once the judge gives such marks, 0 to 1.")
    ] = None,
    score: Annotated[
        str, typer.Option(help="Scores what is returned: rules, llmi, llmi_tools, a file, module:object.")
    ] = "rules",
    image: Annotated[list[Path] | None, typer.Option(help="A picture to hand over; may be repeated.")] = None,
    pictures: Annotated[str | None, typer.Option(help='How many: none, any, a number, or "at least one".')] = None,
    require: Annotated[list[str] | None, typer.Option(help="A tool that must be used; may be repeated.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Many prompts: a folder of llmi-data, or JSON Lines with `prompt`.")
    ] = None,
    split: Annotated[Literal["train", "test"], typer.Option(help="Which half of a folder.")] = "test",
    limit: Annotated[int | None, typer.Option(min=1, help="No more than so many of them.")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder; the same command goes on there.")] = Path(
        "scaling"
    ),
    tools: Tools = "offline",
    temperature: Annotated[float, typer.Option(min=0.0)] = 1.0,
    seed: int = 0,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="The longest document.")] = None,
    constrain: Annotated[bool, typer.Option(help="Hold documents to valid tags and to --pictures.")] = False,
    instruct: Annotated[
        bool | None, typer.Option(help="Teach the tags in a system message; by default for servers only.")
    ] = None,
    prices: Prices = None,
    judge_prices: Annotated[str | None, typer.Option(help="The same for the judge and the repairer.")] = None,
    tokens: Annotated[int | None, typer.Option(min=0, help="Most tokens per document, all models together.")] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, help="Most money per document; needs the prices of what is on a server.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="Most seconds per document.")] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Prompts in work at a time.")] = 4,
    option: Option = None,
    unsafe: Unsafe = False,
) -> None:
    """Test-time scaling: what more candidates cost, and what they gain.

    Each number of candidates is sampled, filtered, enhanced and selected from; the documents, a page with score
    against cost and all figures as JSON are written to a folder. --tokens, --budget and --seconds bound each document;
    when one is used up, the best up to then is returned.
    """
    with one_sentence():
        if (prompt is None) == (data is None):
            raise ConfigurationError("give a prompt, or --data with many of them")
        from llmi_reward.loading import load_reward
        from llmi_train.scaling import Allowance
        from llmi_train.scaling.cost import prices_of
        from llmi_train.scaling.page import write_page

        numbers = _numbers(n)
        tasks = _tasks(prompt, image, pictures, require, data, split, limit)
        reward = load_reward(score)
        output.mkdir(parents=True, exist_ok=True)
        picks = _open_model(judge if judge is not None else _published(), judge_prices, output / "judgements.sqlite")
        repairs = picks if repairer is None else _open_model(repairer, judge_prices, output / "repairs.sqlite")
        served = "@http" in model or ":" in model
        policy = open_policy(
            model,
            adapter=adapter,
            max_tokens=max_tokens,
            instruct=instruct,
            prices=prices,
            journal=output / "answers.sqlite" if served else None,
            option=option,
        )
        if budget is not None and any(prices_of(who) is None for who in (policy, picks, repairs)):
            raise ConfigurationError(
                "--budget needs what servers take: --prices for the model, --judge-prices for judges"
            )
        if picks is None and (polish or enough is not None):
            raise ConfigurationError("--polish and --enough need a judge: --judge NAME@http://localhost:8000/v1")
        if picks is None:
            say("No judge: the fittest candidate wins (--judge, or MLLM_JUDGE_BASE_URL and MLLM_JUDGE_MODEL_NAME).")
        settings = {
            "policy": policy.identity,
            "judge": _name(picks),
            "repairer": _name(repairs),
            "enhance": enhance,
            "rounds": rounds,
            "polish": polish,
            "enough": enough,
            "tools": tools,
            "temperature": temperature,
            "seed": seed,
            "max_tokens": max_tokens,
            "constrain": constrain,
            "tokens": tokens,
            "budget": budget,
            "seconds": seconds,
        }
        stages = {
            "judge": picks,
            "repairer": repairs if rounds else None,
            "others": enhance,
            "rounds": rounds,
            "polish": polish,
            "enough": enough,
            "temperature": temperature,
            "first_seed": seed,
            "max_tokens": max_tokens,
            "constrain": constrain,
        }
        allowance = Allowance(tokens=tokens, money=budget, seconds=seconds)
        with open_toolkit(tools, unsafe=unsafe) as toolkit, _progress(len(tasks) * len(numbers)) as step:
            models = [model for model in (picks, repairs) if model is not None]
            work = _Work(policy, toolkit, stages, allowance, models, step.stage)
            curve = work.run(tasks, numbers, reward, output, score, settings, at_once, step.point)
        title = (
            prompt
            if prompt and len(prompt) <= 80
            else f"{len(tasks)} prompts with {', '.join(map(str, numbers))} candidates"
        )
        write_page(curve, output, settings=settings, title=title)
        _show(curve, output)
        if curve.failed:
            raise ConfigurationError(f"{len(curve.failed)} points are missing; the same command tries them again")


class _Work:
    """What all points share."""

    def __init__(
        self,
        policy: ServedPolicy | LocalPolicy,
        toolkit: Toolkit,
        stages: dict[str, Any],
        allowance: Allowance,
        models: list[ChatClient],
        told: Callable[[int, StageReport], None],
    ) -> None:
        self._policy = policy
        self._toolkit = toolkit
        self._stages = stages
        self._allowance = allowance
        self._models = models
        self._told = told

    def run(
        self,
        tasks: list[Task],
        numbers: list[int],
        reward: Any,
        folder: Path,
        scorer: str,
        settings: dict[str, Any],
        at_once: int,
        step: Callable[[Curve], None],
    ) -> Curve:
        import asyncio
        from contextlib import AsyncExitStack

        from llmi_train.scaling.curve import draw_curve

        async def main() -> Curve:
            async with AsyncExitStack() as opened:
                for who in (self._policy, *dict.fromkeys(self._models)):
                    await opened.enter_async_context(who)
                return await draw_curve(
                    tasks,
                    numbers,
                    self._answer,
                    reward,
                    folder,
                    scorer=scorer,
                    settings=settings,
                    at_once=at_once,
                    progress=step,
                )

        return asyncio.run(main())

    async def _answer(self, question: Question, n: int) -> Scaled:
        from llmi_train.scaling import paper_stages
        from llmi_train.scaling import scale as scaled

        stages = paper_stages(n, **self._stages)
        return await scaled(
            question,
            self._policy,
            self._toolkit,
            stages,
            allowance=self._allowance,
            progress=lambda stage: self._told(n, stage),
        )


def _tasks(
    prompt: str | None,
    image: list[Path] | None,
    pictures: str | None,
    require: list[str] | None,
    data: Path | None,
    split: Literal["train", "test"],
    limit: int | None,
) -> list[Task]:
    from llmi_train.cli.writing import wanted_constraint
    from llmi_train.inputs import load_pictures
    from llmi_train.writing import Task, load_tasks

    wanted = wanted_constraint(pictures, require)
    if data is None:
        messages = [{"role": "user", "content": prompt}]
        return [Task("document", messages, load_pictures(image or []), wanted)]
    if image or wanted is not None:
        raise ConfigurationError("--image, --pictures and --require go with one prompt; rows have their own")
    tasks = {task.name: task for task in load_tasks(data, split=split, bad=say)}
    found = list(tasks.values())[:limit]
    if not found:
        raise ConfigurationError(f"{data}: no prompt was found there")
    return found


def _numbers(text: str) -> list[int]:
    try:
        numbers = sorted({int(part) for part in text.split(",")})
    except ValueError:
        numbers = []
    if not numbers or numbers[0] < 1:
        raise ConfigurationError(f"--n {text}: numbers from 1 on, as in 1,2,4,8")
    return numbers


def _published() -> str:
    import os

    return _PUBLISHED if os.environ.get("MLLM_JUDGE_BASE_URL") else "none"


def _open_model(name: str, prices: str | None, journal: Path) -> ChatClient | None:
    """A judge or repairer whose answers are kept."""
    if name == "none":
        return None
    from llmi_reward.chat import ChatClient
    from llmi_train.cli.policies import read_prices
    from llmi_train.policies.loading import load_endpoint

    endpoint = load_endpoint(name, prices=read_prices(prices) if prices else None)
    return ChatClient(endpoint, options={"max_tokens": 2048}, journal=journal)


def _name(client: ChatClient | None) -> str | None:
    return None if client is None else f"{client.endpoint.model} at {client.endpoint.base_url}"


class _Steps:
    """Who is told of points and stages; where there is no terminal, nobody."""

    def point(self, curve: Curve) -> None:
        """One more is done, well or not."""

    def stage(self, n: int, stage: StageReport) -> None:
        """A stage ended somewhere."""


@contextmanager
def _progress(total: int) -> Iterator[_Steps]:
    """A bar that names the stage that ended last."""
    out = console()
    if not out.is_terminal:
        yield _Steps()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out) as bar:
        task = bar.add_task("scaling", total=total)

        class Bar(_Steps):
            def point(self, curve: Curve) -> None:
                failed = f", {len(curve.failed)} failed" if curve.failed else ""
                bar.update(task, completed=len(curve.points) + len(curve.failed), description=f"scaling{failed}")

            def stage(self, n: int, stage: StageReport) -> None:
                bar.update(task, description=f"n = {n}: {stage.name}, {stage.cost.calls} calls")

        yield Bar()


def _show(curve: Curve, folder: Path) -> None:
    from rich.table import Table

    out = console()
    means = curve.means()
    if means:
        table = Table(title=f"score by {curve.scorer}, against cost per document", title_justify="left")
        for column in ("n", "score", "95 %", "as asked for", "tokens", "calls", "money", "seconds"):
            table.add_column(column, justify="right")
        for mean in means:
            money = "–" if mean.cost.money is None else f"{mean.cost.money:.4g}"
            cost = (f"{mean.cost.tokens:,}", f"{mean.cost.calls:,}", money, f"{mean.cost.seconds:.1f}")
            table.add_row(str(mean.n), mean.score_text, mean.interval_text, f"{mean.satisfied:.0%}", *cost)
        out.print(table)
    stopped = sum(point.report.stopped is not None for point in curve.points)
    short = f", {stopped} cut short by their allowance" if stopped else ""
    made = len(curve.points) - curve.found
    out.print(f"{escape(str(folder / 'scaling.html'))}: {made} points made, {curve.found} were there{short}")
    for name, why in list(curve.failed.items())[:10]:
        out.print(f"[yellow]{escape(name)}[/]: {escape(why)}")
