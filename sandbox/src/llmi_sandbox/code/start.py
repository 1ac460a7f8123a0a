"""Start a launcher: a fresh interpreter with nothing of the host's environment but where its packages are."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from llmi_sandbox.code import scratch, wire
from llmi_sandbox.code.isolation.tier import Isolation
from llmi_sandbox.code.limits import Limits
from llmi_sandbox.code.zygote import disk
from llmi_sandbox.errors import SandboxUnavailableError

_BOOT = Path(__file__).with_name("boot.py")
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "TZ")
_START_SECONDS = 120
_PROBE_SECONDS = 30
_STOP_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Settings:
    """What a launcher is told. See `CodeSandbox` for each."""

    limits: Limits
    unsafe: bool
    without: tuple[str, ...]
    namespace: dict[str, str]
    spares: int


class Launcher:
    """A running launcher, seen from the host: it forks zygotes, and they end with it."""

    def __init__(
        self, process: subprocess.Popen[bytes], control: socket.socket, isolation: Isolation, folder: Path
    ) -> None:
        self.isolation = isolation
        self._process = process
        self._control = control
        self._folder = folder

    def spawn(self) -> tuple[socket.socket, int]:
        """A new zygote: the socket to it, and the process to kill to end it. Takes some ten milliseconds.

        Raises:
            LostError: the launcher is gone.
            SandboxUnavailableError: the zygote did not start.
        """
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as undo:
            undo.callback(ours.close)
            try:
                with theirs:
                    wire.send_socket(self._control, theirs)
                pid = _first_word(self._control)["pid"]
            except OSError as error:
                raise wire.LostError from error
            try:
                problem = _first_word(ours).get("problem")
            except (wire.LostError, OSError) as error:
                problem = f"it ended at once {error}"
            if problem:
                raise SandboxUnavailableError(f"a sandbox process did not start: {problem}")
            undo.pop_all()
        return ours, pid

    def remove(self) -> None:
        """End it and what it has forked, and clear what they leave."""
        self._control.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        disk.remove(self._folder)


def start_launcher(settings: Settings) -> Launcher:
    """Start a launcher and wait until it is warm, about two seconds.

    Raises:
        SandboxUnavailableError: the machine isolates too little and `unsafe` is not given, or it did not start.
    """
    scratch.sweep()
    with contextlib.ExitStack() as undo, tempfile.TemporaryFile() as log:
        folder, lock = scratch.make()
        undo.callback(disk.remove, folder)
        ours, theirs = socket.socketpair()
        undo.callback(ours.close)
        try:
            argument = {**asdict(settings), "control": theirs.fileno()}
            process = _launch(folder, argument, (theirs.fileno(), lock), log)
        finally:  # the process has its own copies, and holds the lock from here on
            os.close(lock)
            theirs.close()
        undo.callback(_end, process)
        try:
            isolation = Isolation(**_first_word(ours))
        except (wire.LostError, OSError) as error:
            process.kill()
            raise SandboxUnavailableError(f"the sandbox process did not start: {_reason(log, error)}") from None
        if isolation.tier == "none" and not settings.unsafe:
            raise SandboxUnavailableError(isolation.sentence)
        undo.pop_all()
    return Launcher(process, ours, isolation, folder)


def probe() -> Isolation:
    """What this machine can do to isolate snippets; takes about 0.1 s and changes nothing.

    Raises:
        SandboxUnavailableError: no interpreter could be started to find out.
    """
    folder, lock = scratch.make()
    try:
        with tempfile.TemporaryFile() as log:
            process = _launch(folder, {"control": None}, (lock,), log, stdout=subprocess.PIPE)
            try:
                answer, _ = process.communicate(timeout=_PROBE_SECONDS)
            except subprocess.TimeoutExpired as error:
                process.kill()
                process.communicate()
                raise SandboxUnavailableError(f"the probe did not end: {_reason(log, error)}") from None
            try:
                return Isolation(**json.loads(answer))
            except (ValueError, TypeError) as error:
                raise SandboxUnavailableError(f"the probe failed: {_reason(log, error)}") from None
    finally:
        os.close(lock)
        disk.remove(folder)


def _launch(
    folder: Path,
    settings: dict[str, Any],
    descriptors: tuple[int, ...],
    log: IO[bytes],
    stdout: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    if not sys.executable:
        raise SandboxUnavailableError("this Python does not know its own interpreter (sys.executable is empty)")
    argument = json.dumps({**settings, "scratch": str(folder)})
    try:
        return subprocess.Popen(  # noqa: S603 - our own file, by our own interpreter
            [sys.executable, "-P", str(_BOOT), argument],
            env=_environment(folder),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=log,
            pass_fds=descriptors,
            start_new_session=True,
        )
    except OSError as error:
        raise SandboxUnavailableError(f"{sys.executable} cannot be started: {error}") from None


def _environment(folder: Path) -> dict[str, str]:
    """Nothing is inherited but library paths and the time zone: an environment is full of keys."""
    home = str(folder)
    return {
        **{name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if os.path.isabs(entry)),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8:backslashreplace",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": home,
        "TMPDIR": home,
        "XDG_CONFIG_HOME": home,
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),  # the list of fonts
        "MPLBACKEND": "Agg",
        # A process with threads can neither be forked safely nor moved into namespaces.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",  # pandas loads pyarrow where it is installed
    }


def _first_word(control: socket.socket) -> dict[str, Any]:
    """What a process says when it is ready. Raises `LostError` or OSError, also when it takes too long."""
    control.settimeout(_START_SECONDS)
    hello = wire.receive_hello(control)
    control.settimeout(None)
    return hello


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _reason(log: IO[bytes], error: Exception) -> str:
    """The last line the process wrote, which is the exception it died of."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else str(error) or type(error).__name__
