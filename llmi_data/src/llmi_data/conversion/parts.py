"""What rows from elsewhere are made of: chat messages, with pictures among the words or beside them."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from typing import Any

from llmi_data.errors import RowError
from llmi_data.row import PNG_SIGNATURE

DATA_URL = "data:image/png;base64,"

_URL_SAFE = str.maketrans("-_", "+/")  # pydantic, and so our own files, write the other alphabet


def messages_of(value: Any, column: str) -> tuple[list[dict[str, str]], list[bytes]]:
    """Messages as plain text, and the pictures found among their parts.

    Raises `RowError` naming the column and what it must be.
    """
    if isinstance(value, str):
        return [{"role": "user", "content": value}], []
    if not _listed(value) or not all(isinstance(message, Mapping) for message in value):
        raise RowError(f"{column} must be a text or a list of chat messages, not {_kind(value)}")
    messages: list[dict[str, str]] = []
    pictures: list[bytes] = []
    for number, message in enumerate(value):
        where = f"{column}[{number}]"
        role, content = message.get("role"), message.get("content")
        if role == "developer":  # what newer chat APIs call the system
            role = "system"
        if role not in ("system", "user", "assistant"):
            raise RowError(f"{where}.role is {role!r}; it must be system, user or assistant")
        text, found = _content(content, f"{where}.content")
        messages.append({"role": role, "content": text})
        pictures += found
    return messages, pictures


def pictures_of(value: Any, column: str) -> list[bytes]:
    """Pictures as PNG bytes, from bytes, base64, data URLs or `{"bytes": ...}`. Raises `RowError` naming the column."""
    if value is None:
        return []
    if not _listed(value):
        raise RowError(f"{column} must be a list of pictures, not {_kind(value)}")
    return [_picture(item, f"{column}[{number}]") for number, item in enumerate(value)]


def tools_of(value: Any, column: str) -> list[str]:
    """Names of tools. Raises `RowError` naming the column."""
    if value is None:
        return []
    if not _listed(value) or not all(isinstance(tool, str) for tool in value):
        raise RowError(f"{column} must be a list of tool names, not {_kind(value)}")
    return list(value)


def _content(content: Any, where: str) -> tuple[str, list[bytes]]:
    if isinstance(content, str):
        return content, []
    if not _listed(content):
        raise RowError(f"{where} must be a text or a list of parts, not {_kind(content)}")
    texts: list[str] = []
    pictures: list[bytes] = []
    for number, part in enumerate(content):
        place = f"{where}[{number}]"
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "image_url", "image_url": {"url": str(url)}} | {"type": "input_image", "image_url": str(url)}:
                pictures.append(_picture(url, f"{place}.image_url"))
            case {"type": kind}:
                raise RowError(f"{place} is a part of type {kind!r}; text and image_url can be read")
            case _:
                raise RowError(f"{place} is no part of a message: it has no type")
    return "\n".join(texts), pictures


def _picture(value: Any, where: str) -> bytes:
    if isinstance(value, Mapping):
        if value.get("bytes") is None:
            raise RowError(f"{where} is only a path ({value.get('path')!r}): embed the picture's bytes first")
        value = value["bytes"]
    if isinstance(value, str):
        if value.startswith(("http://", "https://")):
            raise RowError(f"{where} is a link: fetch the picture and embed it as a data URL")
        data = value.partition(";base64,")[2] if value.startswith("data:") else value
        try:
            value = base64.b64decode(data.translate(_URL_SAFE), validate=True)
        except (binascii.Error, ValueError):
            raise RowError(f"{where} is a text but no base64; embed the picture's bytes as base64") from None
    if not isinstance(value, bytes):
        raise RowError(f"{where} must be a picture's bytes, base64 or a data URL, not {_kind(value)}")
    return value if value.startswith(PNG_SIGNATURE) else _as_png(value, where)


def _as_png(data: bytes, where: str) -> bytes:
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RowError(f"{where} cannot be decoded ({error}); replace the picture, or delete the row") from None
    transparent = "A" in image.getbands() or "transparency" in image.info
    buffer = io.BytesIO()
    image.convert("RGBA" if transparent else "RGB").save(buffer, "PNG")
    return buffer.getvalue()


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _kind(value: Any) -> str:
    names = {"NoneType": "nothing", "str": "a text", "int": "a number", "float": "a number", "dict": "a mapping"}
    return names.get(type(value).__name__, type(value).__name__)
