"""How the commands of all packages start and end: the scripts `llmi-data`, `llmi-reward`, `llmi-sandbox`, `llmi-train`.

Beside the packages, so that Ctrl-C while one is imported ends its command without a traceback.
"""

from __future__ import annotations

import importlib
import signal
import sys
from functools import partial


def run(module: str) -> None:
    """Run the command that a module holds as `app`.

    SIGTERM and SIGHUP end it as Ctrl-C does, with what it has started and left half-written. The status is 128 and the
    signal's number.
    """
    _on(signal.SIGINT, signal.SIG_DFL)
    app = importlib.import_module(module).app
    _on(signal.SIGINT, signal.default_int_handler)
    _on(signal.SIGTERM, _end)
    _on(signal.SIGHUP, _end)
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


def _on(number: signal.Signals, handler: signal._HANDLER) -> None:
    if signal.getsignal(number) != signal.SIG_IGN:  # a shell's background ignores Ctrl-C, and nohup SIGHUP
        signal.signal(number, handler)


def _end(number: int, frame: object) -> None:
    sys.exit(128 + number)
