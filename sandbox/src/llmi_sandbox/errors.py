"""The exceptions of this package, both under `llmi_schema.errors.LLMIError`.

```
LLMIError
├── PictureError                 bytes that are no picture, or one past the limits
└── SystemRequirementError
    └── SandboxUnavailableError  this machine cannot isolate code; says what to do
```
"""

from __future__ import annotations

from typing import Literal

from llmi_schema.errors import LLMIError, SystemRequirementError

PictureProblem = Literal["empty", "too_large", "not_a_picture", "damaged"]


class PictureError(LLMIError):
    """Bytes that cannot become a picture. `reason` is for code, the message for people."""

    def __init__(self, reason: PictureProblem, message: str) -> None:
        super().__init__(message)
        self.reason: PictureProblem = reason

    def __reduce__(self) -> tuple[type[PictureError], tuple[PictureProblem, str]]:
        return PictureError, (self.reason, str(self))


class SandboxUnavailableError(SystemRequirementError):
    """The code sandbox cannot start, or cannot isolate code well enough on this machine."""
