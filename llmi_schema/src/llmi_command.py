"""How the commands of all packages start and end: the scripts `llmi-data`, `llmi-reward`, `llmi-sandbox`, `llmi-train`.

Beside the packages, so that Ctrl-C while one is imported ends its command without a traceback.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version


def run(module: str) -> None:
    """Run the command that a module holds as `app`.

    SIGTERM and SIGHUP end it as Ctrl-C does: with what it has started, and nothing half-written.
    """
    _on(signal.SIGINT, signal.SIG_DFL)
    app = importlib.import_module(module).app
    _on(signal.SIGINT, signal.default_int_handler)
    _on(signal.SIGTERM, _interrupt)
    _on(signal.SIGHUP, _interrupt)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    finally:
        _on(signal.SIGINT, signal.SIG_DFL)  # what is left is Python's own end


data = partial(run, "llmi_data.cli")
reward = partial(run, "llmi_reward.cli")
sandbox = partial(run, "llmi_sandbox.cli")
train = partial(run, "llmi_train.cli")


def tells_version(distribution: str) -> Callable[[bool], None]:
    """What the option `--version` of a distribution's command calls."""

    def tell(wanted: bool) -> None:
        if wanted:
            print(distribution, version(distribution))  # noqa: T201 - the command's answer
            sys.exit()

    return tell


def _on(number: signal.Signals, handler: signal._HANDLER) -> None:
    if signal.getsignal(number) != signal.SIG_IGN:  # a shell's background ignores Ctrl-C, and nohup SIGHUP
        signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    """Event loops and servers have an orderly end for Ctrl-C; an exception of ours would break into their work."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        sys.exit(128 + number)
    signal.raise_signal(signal.SIGINT)
