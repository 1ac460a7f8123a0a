"""`CodeResult`: what became of a snippet, read from evidence the snippet cannot change where that matters.

How the process ended is the kernel's word. What the report says is the snippet's own word at worst: it may
claim to have failed, or draw any picture, but never that the sandbox was at fault.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from llmi_sandbox.code import wire
from llmi_sandbox.code.limits import Limits
from llmi_sandbox.pictures import encode, is_blank, on_white
from llmi_schema import Picture, Provenance

Kind = Literal[
    "ok",
    "syntax_error",  # the code does not compile
    "exception",  # it raised
    "no_figure",  # it ended and drew nothing
    "blank",  # its figure shows nothing
    "render_error",  # its figure cannot be drawn, or has too many pixels
    "exited",  # it ended its own process, or called exit() with a code
    "timeout",  # it took too long on the clock
    "timeout_cpu",  # it used too much processor time
    "oom",  # it asked for more memory than allowed
    "killed",  # ended by SIGKILL: its own, or the kernel's when the machine runs out of memory
    "signal",  # it crashed the interpreter
    "policy",  # it made a system call that only an attack makes
    "disk_limit",  # it wrote too much into files
    "output_limit",  # it printed too much
    "bad_result",  # what it left as its result makes no sense
    "sandbox_error",  # it could not be confined, and was not run
    "sandbox_lost",  # the sandbox broke down twice, or was closed
]

_CLAIMABLE: tuple[Kind, ...] = (
    "ok",
    "syntax_error",
    "exception",
    "no_figure",
    "render_error",
    "exited",
    "oom",
    "disk_limit",
)
"""What a report may say. All else is for the host to find out."""

_MOST_MESSAGE = 1000

_Judgement = tuple[Kind, tuple[Picture, ...], str]


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What became of a snippet.

    Attributes:
        kind: one word; `ok` exactly when there is a picture.
        picture: the figure, or None.
        others: further figures, where `Limits.figures` asks for them.
        message: one sentence for a person; empty when all went well.
        stdout, stderr: the ends of what it printed; stderr holds the traceback.
        seconds: time on the clock from fork to end.
        cpu_seconds: processor time until it had left its figure, or had ended.
    """

    kind: Kind
    picture: Picture | None = None
    message: str = ""
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    others: tuple[Picture, ...] = ()

    @property
    def ok(self) -> bool:
        return self.picture is not None

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All figures, the current one first."""
        return (self.picture, *self.others) if self.picture else ()


@dataclass(slots=True)
class RunFiles:
    """The four files of one run, in memory. The host makes them, the child gets copies of the descriptors.

    They are closed with the object at the latest: whoever was to read them may have been cancelled.
    """

    code: int
    report: int
    stdout: int
    stderr: int

    @classmethod
    def make(cls, code: str, limits: Limits) -> RunFiles:
        """Raises OSError, for want of descriptors; none is left open then."""
        files = cls(*[-1] * wire.FILES_PER_RUN)
        try:
            files.code = wire.memory_file("code")
            _write_all(files.code, code.encode("utf-8", "surrogatepass"))
            files.report = wire.memory_file("report", wire.report_size(limits))
            files.stdout = wire.memory_file("stdout", limits.output_bytes)
            files.stderr = wire.memory_file("stderr", limits.output_bytes)
        except OSError:
            files.close()
            raise
        return files

    @property
    def descriptors(self) -> list[int]:
        return [self.code, self.report, self.stdout, self.stderr]

    def close(self) -> None:
        descriptors = self.descriptors
        self.code = self.report = self.stdout = self.stderr = -1
        for descriptor in descriptors:
            if descriptor >= 0:
                os.close(descriptor)

    __del__ = close


def read_result(finished: wire.Finished, files: RunFiles, limits: Limits, code: str) -> CodeResult:
    """Make a result of a dead child's remains."""
    kind, pictures, message = _judge(finished, files, limits, code)
    if kind == "exception" and limits.output_bytes in (_written(files.stdout), _written(files.stderr)):
        kind, message = "output_limit", f"it printed more than {limits.output_bytes:,} bytes"
    stdout, stderr = (_tail(file, limits) for file in (files.stdout, files.stderr))
    picture, *others = pictures or (None,)
    return CodeResult(
        kind, picture, message, stdout, stderr, finished.seconds, finished.cpu_seconds, tuple(filter(None, others))
    )


def _judge(finished: wire.Finished, files: RunFiles, limits: Limits, code: str) -> _Judgement:
    match finished.ending:
        case "wall_time":
            return "timeout", (), f"it took more than {limits.wall_seconds:g} seconds"
        case "disk":
            return "disk_limit", (), f"it wrote more than {limits.disk_bytes:,} bytes, or too many files"
        case "no_setup":
            return "sandbox_error", (), f"the snippet could not be confined: {_tail(files.stderr, limits)}"
    if os.WIFSIGNALED(finished.status):
        return _signalled(os.WTERMSIG(finished.status), finished, limits)
    try:
        report = wire.read_report(files.report)
    except ValueError as error:
        return "bad_result", (), f"its result is damaged: {error}"
    if report is None:
        return "exited", (), f"it ended its own process with status {os.WEXITSTATUS(finished.status)}"
    claim = next((kind for kind in _CLAIMABLE if kind == report.fields.get("kind")), None)
    if claim is None:
        return "bad_result", (), "its result is of no known kind"
    if claim == "ok":
        return _pictures(report, files.report, limits, code)
    return claim, (), _one_line(report.fields.get("message"))


def _signalled(number: int, finished: wire.Finished, limits: Limits) -> _Judgement:
    name = signal.Signals(number).name if number in signal.Signals._value2member_map_ else f"signal {number}"
    spent = number == signal.SIGKILL and finished.cpu_seconds >= limits.cpu_seconds
    if number == signal.SIGXCPU or spent:
        return "timeout_cpu", (), f"it used more than {limits.cpu_seconds:g} seconds of processor time"
    if number == signal.SIGSYS:
        return "policy", (), "it was stopped at a system call that no figure needs"
    if number == signal.SIGKILL:
        return "killed", (), "it was killed, by itself or because the machine ran out of memory"
    return "signal", (), f"it crashed the interpreter ({name})"


def _pictures(report: wire.Report, file: int, limits: Limits, code: str) -> _Judgement:
    """The figures that show something; blank ones among several are left out."""
    if not 0 < len(report.sizes) <= limits.figures:
        return "bad_result", (), f"its result claims to be {len(report.sizes)} figures"
    provenance = Provenance(tool="code", provider="llmi_sandbox", request=code)
    made = []
    at = wire.PIXELS_AT
    for width, height in report.sizes:
        if width * height > limits.max_pixels:
            return "bad_result", (), f"its result claims to be {width} x {height} pixels"
        pixels = os.pread(file, 4 * width * height, at)
        at += len(pixels)
        image = on_white(Image.frombuffer("RGBA", (width, height), pixels, "raw", "RGBA", 0, 1))
        if not is_blank(image):
            made.append(encode(image, provenance))
    return ("ok", tuple(made), "") if made else ("blank", (), "the figure shows nothing")


def _one_line(message: object) -> str:
    """A claimed message as printable text: hostile JSON may hold half characters and line ends."""
    return " ".join(str(message).encode("utf-8", "replace").decode().split())[:_MOST_MESSAGE]


def _written(file: int) -> int:
    """How far a fixed-size file was written: the descriptor shares its position with the child's."""
    return os.lseek(file, 0, os.SEEK_CUR)


def _tail(file: int, limits: Limits) -> str:
    end = min(_written(file), limits.output_bytes)
    start = max(0, end - 4 * limits.tail_characters)
    text = os.pread(file, end - start, start).decode("utf-8", "replace")
    return text.replace("\0", "")[-limits.tail_characters :]


def _write_all(file: int, data: bytes) -> None:
    written = 0
    while written < len(data):
        written += os.write(file, data[written:])
