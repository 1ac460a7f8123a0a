"""Fences: marks that what is judged cannot write, so that it cannot speak to the judge.

Every mark carries a nonce, the digest of all that stands between the marks of one request. A text that held its own
nonce would hold its own digest, so none does; and equal requests have equal nonces, so that answers can be kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

_CONTROL_TOKENS = re.compile(
    r"<(\|[^<>|\s]{1,40}\||/?(?:s|bos|eos|pad|unk|image|img|video|audio|think|tool_call|tool_response"
    r"|start_of_turn|end_of_turn|start_of_image|end_of_image))>|\[(/?INST|/?SYSTEM_PROMPT|IMG[A-Z_]*)\]",
    re.IGNORECASE,
)


def defuse(text: str) -> str:
    """The text without what chat templates and vision processors read as their own marks.

    A server may turn a literal `<|im_end|>` in a message into the token that ends it, and `<image>` into a picture.
    Such marks are written with ‹ and › instead.
    """
    return _CONTROL_TOKENS.sub(lambda match: f"‹{match[1] or match[2]}›", text)


class Fence:
    """The marks of one request."""

    def __init__(self, material: Iterable[str | bytes]) -> None:
        digest = sha256()
        for piece in material:
            data = piece.encode("utf-8", "surrogatepass") if isinstance(piece, str) else piece
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
        self.nonce = digest.hexdigest()[:24]

    def mark(self, what: str) -> str:
        """A mark on its own: `[[nonce picture 2]]`."""
        return f"[[{self.nonce} {what}]]"

    def around(self, what: str, text: str) -> str:
        """A text between the mark of its beginning and that of its end."""
        return f"{self.mark(what)}\n{defuse(text)}\n{self.mark(f'end of {what}')}"
