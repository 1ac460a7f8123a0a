"""One snippet on its way, from the caller to a child process and back."""

from __future__ import annotations

import socket
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from llmi_sandbox.code import wire
from llmi_sandbox.code.limits import Limits
from llmi_sandbox.code.result import CodeResult, Kind, RunFiles, read_result


@dataclass(slots=True, eq=False)
class Run:
    """A snippet, its files while it is under way, and how it ended."""

    code: str
    limits: Limits
    finished: Future[wire.Finished | CodeResult] = field(default_factory=Future)
    files: RunFiles | None = None
    attempts: int = 0
    sent: float = 0.0
    abandoned: bool = False

    def send(self, zygote: socket.socket, number: int) -> None:
        """Files are made here, not when the snippet was handed in: they are bounded by the workers."""
        self.close()
        self.files = RunFiles.make(self.code, self.limits)
        self.attempts += 1
        self.sent = time.monotonic()
        wire.send_request(zygote, number, self.files.descriptors)

    def lose(self, message: str, kind: Kind = "sandbox_lost") -> None:
        self.finished.set_result(CodeResult(kind, message=message))

    def wait(self) -> CodeResult:
        """The result, decoded and encoded in the caller's thread, so that callers share the work."""
        try:
            finished = self.finished.result()
            if isinstance(finished, CodeResult):
                return finished
            if self.files is None:
                raise RuntimeError("a run ended that was never sent")
            return read_result(finished, self.files, self.limits, self.code)
        finally:
            self.close()

    def close(self) -> None:
        if self.files:
            self.files.close()
            self.files = None
