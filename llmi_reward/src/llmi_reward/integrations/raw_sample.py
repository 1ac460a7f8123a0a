"""A row as frameworks hand it over, and how its columns become a constraint, a text and input pictures."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from llmi_reward.sample import Messages, Sample
from llmi_schema import (
    ConfigurationError,
    Constraint,
    ConstraintError,
    Document,
    ImageCount,
    Picture,
    Provenance,
    RenderedDocument,
)

_FROM_USER = Provenance(tool="input", provider="user")


@dataclass(frozen=True, slots=True)
class RawSample:
    """One prompt and one answer, as given. Nothing is checked until it is read: a bad row must not cost its batch.

    Attributes:
        prompt: a string or chat messages.
        completion: a string, chat messages, or a document that was rendered elsewhere.
        image_count: a published code: -1, 0, 1 to 98, 99 or "inf".
        required_tools: names of tools, or None.
        input_pictures: PNG bytes, base64, `{"bytes": ...}`, Pillow images or `Picture`s; or None.
        split: "train" counts pictures with the published shape, any other value exactly.
        truncated: generation stopped at its token limit.
    """

    prompt: str | Messages
    completion: Any
    image_count: Any
    required_tools: Any = None
    input_pictures: Any = None
    split: str = "train"
    truncated: bool = False

    @classmethod
    def read(cls, prompt: str | Messages, completion: Any, columns: Any, *, truncated: bool = False) -> RawSample:
        """A row from columns by name, ours or the published ones (`image_num`, `tools`).

        `columns` is a mapping, JSON text of one, or a bare image count. What makes no sense shows when it is read.
        """
        given = _mapping(columns)
        return cls(
            prompt,
            completion,
            given.get("image_count", given.get("image_num")),
            given.get("required_tools", given.get("tools")),
            given.get("input_pictures", given.get("images")),
            given.get("split") or "train",
            truncated,
        )

    @property
    def rendered(self) -> RenderedDocument | None:
        return self.completion if isinstance(self.completion, RenderedDocument) else None

    def sample(self, constraint: Constraint, document: Document | RenderedDocument) -> Sample:
        return Sample(self.prompt, document, constraint, "train" if self.split == "train" else "test", self.truncated)

    @property
    def text(self) -> str:
        """The completion's text. Raises ValueError when it is neither a string nor chat messages."""
        return completion_text(self.completion)

    @property
    def constraint(self) -> Constraint:
        """Raises `ConstraintError` for columns that make no constraint."""
        if self.image_count is None:
            raise ConstraintError("the row has no image_count: give it one of -1, 0, 1 to 98, 99")
        tools = [] if self.required_tools is None else list(self.required_tools)
        if isinstance(self.required_tools, str) or not all(isinstance(tool, str) for tool in tools):
            raise ConstraintError(f"required_tools must be a list of tool names, not {self.required_tools!r}")
        return Constraint(count=ImageCount.decode(self.image_count), required_tools=frozenset(tools))

    def pictures(self) -> tuple[Picture, ...]:
        """The user's pictures. May decode and encode, which takes milliseconds: call it in a thread."""
        return tuple(to_picture(value) for value in self.input_pictures or ())


def completion_text(completion: Any) -> str:
    """The text of a string, of chat messages, or of content parts, joined in order."""
    if isinstance(completion, str):
        return completion
    if isinstance(completion, dict):
        kind = completion.get("type", "text")
        return completion_text(completion.get("content", completion.get("text")) or "") if kind == "text" else ""
    if isinstance(completion, Iterable):
        return "".join(completion_text(part) for part in completion)
    raise ValueError(f"a completion is a string or chat messages, not {type(completion).__name__}")


def _mapping(columns: Any) -> Mapping[str, Any]:
    if isinstance(columns, str):
        try:
            columns = json.loads(columns)
        except (ValueError, RecursionError):  # "inf" is no JSON
            return {"image_count": columns}
    return columns if isinstance(columns, Mapping) else {"image_count": columns}


def to_picture(value: Any) -> Picture:
    """An input picture from what datasets hold. Formats other than PNG need Pillow.

    Raises `ConfigurationError` when there are no bytes in it, or Pillow is missing.
    """
    if isinstance(value, Picture):
        return value
    if isinstance(value, dict):
        value = value.get("bytes")
    if isinstance(value, str):
        value = _from_base64(value)
    if isinstance(value, bytes):
        if value.startswith(b"\x89PNG"):
            return Picture.from_png(value, _FROM_USER)
        return Picture.from_png(_png(_open(value)), _FROM_USER)
    if hasattr(value, "convert") and hasattr(value, "save"):
        return Picture.from_png(_png(value), _FROM_USER)
    raise ConfigurationError(
        f'an input picture is PNG bytes, base64, {{"bytes": ...}} or a Pillow image, not {type(value).__name__}'
    )


def _from_base64(text: str) -> bytes:
    """The bytes of base64 text or a data URL, as pictures travel in JSON."""
    data = text.partition(";base64,")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ConfigurationError(f"an input picture given as text is base64 or a data URL: {error}") from None


def _open(data: bytes) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise ConfigurationError("an input picture is not PNG: `pip install Pillow` to read other formats") from None
    return Image.open(BytesIO(data))


def _png(image: Any) -> bytes:
    """A Pillow image as PNG: RGBA where it has transparency, else RGB."""
    transparent = "A" in image.getbands() or "transparency" in image.info
    buffer = BytesIO()
    image.convert("RGBA" if transparent else "RGB").save(buffer, "PNG")
    return buffer.getvalue()
