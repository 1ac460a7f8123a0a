"""What the commands share: messages on standard error, and errors as one line and an exit status.

Exit status: 0 done; 1 the work or a check failed; 2 the command line is wrong or a file cannot be used; 3 this machine
lacks something, such as a way to isolate code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from llmi_schema import ConfigurationError

if TYPE_CHECKING:
    from rich.console import Console

    from llmi_schema import Picture

FAILED, USAGE, MISSING = 1, 2, 3


def read_text(path: Path) -> str:
    data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not UTF-8 text; save it as UTF-8") from None


def named(output: Path, *endings: str) -> None:
    """Raises `ConfigurationError` for a file whose name promises what is not written into it."""
    if output.suffix.lower() not in ("", *endings):
        raise ConfigurationError(f"{output}: give it a name that ends in {' or '.join(endings)}")


def read_picture(path: Path) -> Picture:
    from llmi_sandbox.errors import PictureError
    from llmi_sandbox.pictures import from_bytes
    from llmi_schema import Provenance

    try:
        return from_bytes(path.read_bytes(), Provenance(tool="input", provider="user", request=path.name))
    except PictureError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def console_for_messages() -> Console:
    from rich.console import Console

    return Console(stderr=True, emoji=False, soft_wrap=True)


@contextmanager
def reported(console: Console) -> Iterator[None]:
    """Turn errors that a user can act on into one line and an exit status."""
    from llmi_schema import LLMIError, SystemRequirementError
    from llmi_schema.files import in_words

    try:
        yield
    except SystemRequirementError as error:
        _fail(console, str(error).replace("unsafe=True", "--unsafe"), MISSING)
    except LLMIError as error:
        _fail(console, str(error), USAGE)
    except OSError as error:
        _fail(console, in_words(error), USAGE)


def _fail(console: Console, message: str, status: int) -> None:
    console.print("[red]error:[/] ", end="")
    console.print(message, markup=False)
    raise typer.Exit(status)
