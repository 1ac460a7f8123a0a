"""The published dialect: tags as Python literals. It is read, for comparison and old data; it is never written.

`<imgen>{'source': 'code', 'description': '...', 'params': {'code': '...'}}</imgen>`, where the code is not even
escaped. The rules are those of the release, to the letter.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

from llmi_schema.language import CallError

_CODE_MARK = "'source': 'code'"
_CODE_SHAPE = re.compile(
    r"""\s*+\{'source': 'code', 'description': '([^']*+)', 'params': \{'code': '(.*)'\}\}\s*+""", re.DOTALL
)
_PARAMS = {"diffusion": {"prompt"}, "search": {"query"}, "code": {"code"}, "edit": {"img_index", "prompt"}}


def read_body(body: str) -> Any:
    """The value of what stands between `<imgen>` and `</imgen>`. `True` as a picture index is read as 1, as published.

    Raises `CallError` with a reason a person understands.
    """
    value = read_literal(body)
    if isinstance(value, dict) and isinstance(params := value.get("params"), dict):
        index = params.get("img_index")
        if isinstance(index, bool):
            return {**value, "params": {**params, "img_index": int(index)}}
    return value


def read_literal(body: str) -> Any:
    """The Python value of a body: calls of `code` by their shape first, everything else as a literal."""
    if _CODE_MARK in body and (shape := _CODE_SHAPE.fullmatch(body)):
        return {"source": "code", "description": shape[1], "params": {"code": shape[2]}}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are common in code; Python warns of them in several ways
            return ast.literal_eval(body)
    except (ValueError, SyntaxError, TypeError, OverflowError) as error:  # the last from `0xff... + 1j`
        # Python's own words would show an object's address
        why = "it holds more than plain values" if "malformed node" in str(error) else error
        raise CallError(f"not a Python literal: {why}") from None
    except (RecursionError, MemoryError):
        raise CallError("not a Python literal: nested too deeply") from None


def valid_tag(body: str, tags: int, input_images: int) -> bool:
    """Whether the release counts a tag as valid, among `tags` tags and with `input_images` pictures given.

    Args:
        body: what stands between `<imgen>` and `</imgen>`: a Python literal.
        tags: how many tags the answer has.
        input_images: how many pictures the user gave.

    An edit may point to any of the `input_images + tags` pictures, later ones and itself included, and `True` is the
    index 1. `llmi_schema.parse` allows neither.
    """
    try:
        value = read_literal(body)
    except CallError:
        return False
    match value:
        case {"source": str(source), "description": str(), "params": dict(params), **others} if not others:
            if source not in _PARAMS or set(params) != _PARAMS[source]:
                return False
            index = params.pop("img_index", None)
            in_range = isinstance(index, int) and 0 <= index < input_images + tags
            return (source != "edit" or in_range) and all(isinstance(text, str) for text in params.values())
        case _:
            return False
