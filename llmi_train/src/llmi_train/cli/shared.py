"""What every command has in common: consoles, and problems told in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from llmi_schema import LLMIError
from llmi_schema.files import in_words

_errors = Console(stderr=True, emoji=False, highlight=False, soft_wrap=True)

Unsafe = Annotated[bool, typer.Option("--unsafe", help="Run the pictures' code without isolation.")]


def console() -> Console:
    """Where a command's answer goes."""
    return Console(highlight=False, emoji=False, soft_wrap=True)


def say(sentence: str) -> None:
    """Something a user should know, beside the answer."""
    _errors.print(escape(sentence), style="yellow")


@contextmanager
def one_sentence() -> Iterator[None]:
    """Problems a user can mend end the program with one sentence, not a traceback."""
    try:
        yield
    except (LLMIError, OSError) as error:
        said = in_words(error) if isinstance(error, OSError) else str(error)
        _errors.print(f"[red]Error:[/] {escape(said)}")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        _errors.print("\nStopped. The same command goes on from here.")
        raise typer.Exit(130) from None
