"""Run a snippet as a program of its own, and say in one sentence what became of it."""

from __future__ import annotations

import errno
import linecache
import os
import sys
import traceback
import types
from dataclasses import dataclass
from typing import Any

from llmi_sandbox.code.limits import Limits
from llmi_sandbox.code.zygote.figure import Pixels, Saves, TooLargeError

FILENAME = "<snippet>"
_DISK_ERRORS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a snippet. `kind` is one of those of `CodeResult`; pixels only when it is `ok`."""

    kind: str
    message: str = ""
    pixels: tuple[Pixels, ...] = ()


def execute(code: bytes, modules: dict[str, types.ModuleType], saves: Saves, limits: Limits) -> Outcome:
    """Compile, run and draw. Never raises; hostile code may of course do what it likes with this process."""
    try:
        source = code.decode("utf-8", "surrogatepass")
        linecache.cache[FILENAME] = (len(source), None, source.splitlines(keepends=True), FILENAME)
        program = compile(source, FILENAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError) as error:
        return Outcome("syntax_error", _sentence(error))
    except MemoryError:
        return Outcome("oom", "the code is too large to compile")
    ended = _run(program, modules)
    if ended and ended.kind != "ok":
        return ended
    return _draw(saves, limits, ended)


def _run(program: types.CodeType, modules: dict[str, types.ModuleType]) -> Outcome | None:
    main = types.ModuleType("__main__")  # a real module, so that classes of the snippet can be found by name
    main.__dict__.update(modules)
    main.__dict__["__file__"] = FILENAME
    sys.modules["__main__"] = main
    sys.argv = [FILENAME]
    try:
        exec(program, main.__dict__)  # noqa: S102 - what all of this is for
    except SystemExit as end:
        if end.code in (None, 0):
            return Outcome("ok", "the snippet called exit()")
        return Outcome("exited", f"the snippet called exit({_clip(end.code)})")
    except MemoryError as error:
        _print_traceback(error)
        return Outcome("oom", f"it needs more memory than allowed{_where(error)}")
    except BaseException as error:  # noqa: BLE001 - whatever a snippet raises is its result
        _print_traceback(error)
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            return Outcome("disk_limit", f"it writes more than allowed{_where(error)}")
        return Outcome("exception", f"{_sentence(error)}{_where(error)}")
    return None


def _draw(saves: Saves, limits: Limits, ended: Outcome | None) -> Outcome:
    from matplotlib import pyplot as plt

    try:
        found = saves.figures(plt)
        if not found:
            return Outcome("exited", ended.message) if ended else Outcome("no_figure", "the snippet drew no figure")
        return Outcome("ok", pixels=tuple(saves.draw(figure, limits) for figure in found))
    except MemoryError:
        return Outcome("oom", "drawing the figure needs more memory than allowed")
    except TooLargeError as error:
        return Outcome("render_error", str(error))
    except BaseException as error:  # noqa: BLE001 - drawing runs the snippet's own objects
        _print_traceback(error)
        return Outcome("render_error", f"drawing the figure failed: {_sentence(error)}")


def _sentence(error: BaseException) -> str:
    """`NameError: name 'x' is not defined`, in one line."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{type(error).__name__}: {_clip(error.msg)} (line {error.lineno})"
    text = _clip(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _clip(value: Any) -> str:
    try:
        text = " ".join(str(value).split())
    except BaseException:  # noqa: BLE001 - a snippet's exception may fail to describe itself
        return ""
    return text if len(text) <= 500 else f"{text[:500]}..."


def _where(error: BaseException) -> str:
    """The line of the snippet it came from."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == FILENAME]
    return f" (line {lines[-1]})" if lines else ""


def _print_traceback(error: BaseException) -> None:
    """Into stderr, as an interpreter would, from the snippet's first frame on."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != FILENAME:
        trace = trace.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
        os.write(2, text.encode(errors="backslashreplace"))
    except BaseException:  # noqa: BLE001, S110 - stderr is full or the exception is hostile; the sentence remains
        pass
