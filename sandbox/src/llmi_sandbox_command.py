"""The script `llmi-sandbox`. Beside its package, so that Ctrl-C while that is imported ends it without a traceback."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command. SIGTERM and SIGHUP end it as Ctrl-C does: with what it has started, and nothing half-written."""
    _on(signal.SIGINT, signal.SIG_DFL)
    from llmi_sandbox.cli import app

    _on(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        _on(signal.SIGTERM, _interrupt)
        _on(signal.SIGHUP, _interrupt)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        _on(signal.SIGINT, signal.SIG_DFL)  # what is left is Python's own end


def _on(number: signal.Signals, handler: signal._HANDLER) -> None:
    if signal.getsignal(number) != signal.SIG_IGN:  # a shell's background ignores Ctrl-C, and nohup SIGHUP
        signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
