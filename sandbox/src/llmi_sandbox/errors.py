"""The exceptions of this package, all under `llmi_schema.errors.LLMIError`.

```
LLMIError
├── PictureError                 bytes that are no picture, or one past the limits
├── ProviderError                a server that did not answer, or not with a picture
└── SystemRequirementError
    └── SandboxUnavailableError  this machine cannot isolate code; says what to do
```
"""

from __future__ import annotations

from typing import Literal

from llmi_schema import FailureReason
from llmi_schema.errors import LLMIError, SystemRequirementError

PictureProblem = Literal["empty", "too_large", "not_a_picture", "damaged"]


class PictureError(LLMIError):
    """Bytes that cannot become a picture. `reason` is for code, the message for people."""

    def __init__(self, reason: PictureProblem, message: str) -> None:
        super().__init__(message)
        self.reason: PictureProblem = reason

    def __reduce__(self) -> tuple[type[PictureError], tuple[PictureProblem, str]]:
        return PictureError, (self.reason, str(self))


class ProviderError(LLMIError):
    """What a server answered instead of a picture, or that it did not answer.

    Attributes:
        reason: what a failed result says.
        transient: whether the same request may succeed later.
        retry_after: the seconds the server asked to be left alone for.
        down: whether the server as a whole seems unwell, rather than this request of it.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: FailureReason = "unavailable",
        transient: bool = False,
        retry_after: float | None = None,
        down: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason: FailureReason = reason
        self.transient = transient
        self.retry_after = retry_after
        self.down = down


class SandboxUnavailableError(SystemRequirementError):
    """The code sandbox cannot start, or cannot isolate code well enough on this machine."""
