"""`llmi-reward`: serve rewards over HTTP, score files of rollouts, attack a reward.

Exit status: 0 done; 1 the work or a check failed; 2 the command line is wrong or a file cannot be used; 3 this machine
lacks something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmi_command import tells_version

if TYPE_CHECKING:
    from rich.console import Console

    from llmi_reward.rollouts import Tally

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

FAILED, USAGE, MISSING = 1, 2, 3
_REASONS = 5  # why rows have no score; the rest is in the table
RewardName = Annotated[str, typer.Option("--reward", "-r", help="A preset (rules, llmi, llmi_tools) or module:object.")]
RenderName = Annotated[
    str, typer.Option("--render", help="Where pictures come from: offline, env, none or module:object.")
]


@app.command()
def serve(
    reward: RewardName = "rules",
    render: RenderName = "offline",
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 for any.", min=0, max=65535)] = 8100,
    unscored: Annotated[float, typer.Option(help="Stands in for a missing score where only floats are taken.")] = 0.0,
    end_mark: Annotated[
        list[str] | None, typer.Option(help="What ends an answer for OpenRLHF; may be repeated.")
    ] = None,
    deadline: Annotated[float, typer.Option(help="Seconds for one row.")] = 300.0,
    drain: Annotated[int, typer.Option(help="Seconds that requests may go on after SIGTERM.")] = 120,
    key_env: Annotated[str | None, typer.Option(help="The variable that holds the key clients must send.")] = None,
    log_level: Annotated[str, typer.Option(help="critical, error, warning, info or debug.")] = "info",
) -> None:
    """Score over HTTP: OpenRLHF's and NeMo-Gym's protocols, /score, /health and /metrics."""
    import os

    from llmi_reward.loading import load_reward
    from llmi_reward.serve.run import serve as run
    from llmi_reward.serve.settings import ServeSettings
    from llmi_schema import ConfigurationError

    with _reported(_console()):
        if key_env is not None and not os.environ.get(key_env):
            raise ConfigurationError(f"the variable {key_env} is not set: put the key into it, or leave out --key-env")
        settings = ServeSettings(
            render=render,
            unscored=unscored,
            end_marks=end_mark or (),
            deadline_seconds=deadline,
            drain_seconds=drain,
            host=host,
            port=port,
            key=os.environ[key_env] if key_env else None,
            log_level=log_level,
        )
        run(load_reward(reward), settings)


@app.command()
def score(
    rollouts: Annotated[Path, typer.Argument(help="JSON Lines: prompt, completion, image_count, ...")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Parquet; by default beside the input.")] = None,
    reward: RewardName = "rules",
    render: RenderName = "offline",
    concurrency: Annotated[int, typer.Option(help="Rows in work at a time.", min=1)] = 64,
    deadline: Annotated[float, typer.Option(help="Seconds for one row.")] = 300.0,
    stop_unscored: Annotated[
        float, typer.Option(help="Stop when more than this share of the last 256 rows is unscored.", min=0, max=1)
    ] = 1.0,
    restart: Annotated[bool, typer.Option(help="Forget what an earlier run has scored.")] = False,
) -> None:
    """Score a file of rollouts into a table of components. Run again to go on where it stopped. Exit status 1 where no
    row could be scored."""
    from llmi_reward.integrations.limit import UnscoredLimit
    from llmi_reward.integrations.scorer import Scorer
    from llmi_reward.loading import load_reward, open_renderer
    from llmi_reward.rollouts import read_rollouts, score_rollouts
    from llmi_schema import ConfigurationError

    console = _console()
    target = output or rollouts.with_suffix(".scores.parquet")

    async def work() -> Tally:
        if target.suffix != ".parquet" or target.is_dir():
            raise ConfigurationError(f"{target}: the table is a Parquet file; give it a name that ends in .parquet")
        loaded = load_reward(reward)
        given = read_rollouts(rollouts)
        if restart:
            target.with_name(target.name + ".partial").unlink(missing_ok=True)
        with _progress(console, len(given)) as show:
            async with open_renderer(render) as renderer:
                scorer = Scorer(loaded, renderer, deadline_seconds=deadline, limit=UnscoredLimit(stop_unscored))
                setting = f"{reward} rendered by {render}"  # names: a function's repr is another one in every process
                return await score_rollouts(
                    given, scorer, target, setting=setting, concurrency=concurrency, progress=show
                )

    with _reported(console):
        tally = asyncio.run(work())
        console.print(
            f"{target}: {tally.total} rows, {tally.scored} scored and {tally.unscored} unscored now, "
            f"{tally.done_before} from before",
            markup=False,
        )
        for reason, rows in tally.reasons.most_common(_REASONS):
            console.print(f"{rows:>6} unscored: {reason}", markup=False, highlight=False)
        if not (tally.scored or tally.done_before):
            raise typer.Exit(FAILED)


@app.command()
def redteam(
    reward: Annotated[str, typer.Argument(help="A preset or module:object; see `llmi-reward score --help`.")],
    family: Annotated[list[str] | None, typer.Option(help="Only this family; may be repeated.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write every attempt to this JSON file.")] = None,
    concurrency: Annotated[int, typer.Option(help="Attacks in work at a time.", min=1)] = 16,
) -> None:
    """Attack a reward: does a trick earn more than the same answer without it? Exit status 1 where one does."""
    import json

    from rich.console import Console

    from llmi_reward.loading import load_reward
    from llmi_reward.redteam import ATTACKS, FAMILIES, attack_reward
    from llmi_reward.redteam.table import breaches_table, families_table
    from llmi_schema import ConfigurationError
    from llmi_schema.files import write_whole

    console = _console()
    with _reported(console):
        if unknown := set(family or ()) - set(FAMILIES):
            raise ConfigurationError(f"no family {', '.join(sorted(unknown))}; there are {', '.join(FAMILIES)}")
        attacks = [attack for attack in ATTACKS if not family or attack.family in family]
        done = attack_reward(load_reward(reward), attacks, concurrency=concurrency)
        results = Console(emoji=False)  # the report is what was asked for; messages go to standard error
        results.print(families_table(done))
        if done.breaches:
            results.print(breaches_table(done))
        if report is not None:
            write_whole(report, json.dumps(done.to_json(), indent=1) + "\n")
        if done.breaches:
            raise typer.Exit(FAILED)


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=tells_version("llmi-reward"), is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Score illustrated documents, over HTTP or from a file; attack a reward."""


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, emoji=False, soft_wrap=True)


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[Tally], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("scoring"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("scoring", total=total, note="")

        def show(tally: Tally) -> None:
            progress.update(task, completed=tally.done, note=f"{tally.unscored} unscored")

        yield show


@contextmanager
def _reported(console: Console) -> Iterator[None]:
    """Turn errors that a user can act on into one line and an exit status."""
    from llmi_reward.integrations.limit import TooManyUnscoredError
    from llmi_schema import LLMIError, SystemRequirementError
    from llmi_schema.files import in_words

    try:
        yield
    except SystemRequirementError as error:
        _fail(console, str(error), MISSING)
    except TooManyUnscoredError as error:
        _fail(console, str(error), FAILED)
    except LLMIError as error:
        _fail(console, str(error), USAGE)
    except OSError as error:
        _fail(console, in_words(error), USAGE)


def _fail(console: Console, message: str, status: int) -> None:
    console.print("[red]error:[/] ", end="")
    console.print(message, markup=False)
    raise typer.Exit(status)
