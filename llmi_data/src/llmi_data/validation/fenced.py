"""A question as a reader is shown it: as something to look at, never as something to obey."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from llmi_data.row import Question


def shown(question: Question, *, pictures: bool = True) -> str | list[dict[str, Any]]:
    """The conversation between marks that its text cannot contain, and the user's pictures after it."""
    from llmi_reward.chat import picture_part, text_part
    from llmi_schema import Picture, Provenance

    turns = "\n\n".join(
        f"[{m.role}]\n{m.content}" if len(question.messages) > 1 else m.content for m in question.messages
    )
    mark = sha256(turns.encode("utf-8", "replace")).hexdigest()[:8]
    text = f"<request {mark}>\n{turns}\n</request {mark}>"
    if not question.pictures or not pictures:
        return text
    origin = Provenance(tool="input", provider="user")
    parts = [text_part(f"{text}\n\nAttached to it:")]
    for number, png in enumerate(question.pictures):
        parts += [text_part(f"Picture {number}:"), picture_part(Picture.from_png(png, origin))]
    return parts
