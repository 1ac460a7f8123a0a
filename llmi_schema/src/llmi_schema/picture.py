"""Pictures and what tools answer: the values that travel from the sandbox to rewards, reports and training.

They live here, with no image library, so that a reward needs no tool to be installed.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

FailureReason = Literal[
    "bad_call",  # the tag is not valid, or asks for what the tool cannot understand
    "missing_picture",  # an edit whose picture was never delivered
    "no_result",  # the tool worked and found or drew nothing
    "blank",  # a picture without content
    "refused",  # the tool declined (policy, unsupported instruction)
    "timeout",  # the call's deadline passed
    "crashed",  # the call itself failed: the snippet raised, the server rejected it
    "unavailable",  # the tool is down or not configured; not the caller's fault
]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class Provenance(_Value):
    """Where a picture comes from; what must be shown beside it."""

    tool: str
    """`search`, `diffusion`, `code`, `edit`, or `input` for a picture the user gave."""
    provider: str
    request: str = ""
    """The query, prompt or code that led to it."""
    licence: str | None = None
    attribution: str | None = None
    source_url: str | None = None


class Picture(_Value):
    """A decoded, checked picture as PNG bytes. `sha256` is of the bytes; equal content has equal bytes,
    because whoever makes a Picture encodes its pixels in one way (`llmi_sandbox.pictures`).
    """

    png: bytes
    sha256: str
    width: int
    height: int
    provenance: Provenance

    @classmethod
    def from_png(cls, png: bytes, provenance: Provenance) -> Self:
        """Read size and digest from PNG bytes (the header only). Raises ValueError when they are not PNG."""
        if len(png) < 33 or png[:8] != b"\x89PNG\r\n\x1a\n" or png[12:16] != b"IHDR":
            raise ValueError("not a PNG file: decode and re-encode other formats first (llmi_sandbox.pictures)")
        width, height = struct.unpack(">II", png[16:24])
        return cls(png=png, sha256=hashlib.sha256(png).hexdigest(), width=width, height=height, provenance=provenance)

    def __repr__(self) -> str:
        origin = f"{self.provenance.tool} by {self.provenance.provider}"
        return f"Picture({self.width}x{self.height}, {origin}, {self.sha256[:8]})"

    __str__ = __repr__


class ToolResult(_Value):
    """What became of one tag: a picture, or the reason there is none.

    Exactly one of `picture` and `reason` is set (ValueError otherwise); `message` explains a failure in a sentence.
    """

    picture: Picture | None = None
    reason: FailureReason | None = None
    message: str = ""
    detail: str = ""
    """The end of what a failed call printed, for whoever repairs it; not for readers."""
    seconds: float = 0.0
    attempts: int = 1
    cached: bool = False
    """True when an equal call had already run and this one was answered from its result."""

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.picture is None) == (self.reason is None):
            raise ValueError("a ToolResult has either a picture or the reason why there is none")
        return self

    @classmethod
    def failed(
        cls, reason: FailureReason, message: str, *, detail: str = "", seconds: float = 0.0, attempts: int = 1
    ) -> Self:
        return cls(reason=reason, message=message, detail=detail, seconds=seconds, attempts=attempts)

    @property
    def ok(self) -> bool:
        return self.picture is not None
