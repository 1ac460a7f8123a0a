"""Reads `{"segments": [...]}` while it is written: text with tags, a segment as soon as it is whole."""

from __future__ import annotations

import json
import re
from typing import Any

from llmi_schema import Language, LanguageError, document_from_segments

_BEGIN = re.compile(r'\s*\{\s*"segments"\s*:\s*\[')
_DULL = re.compile(r'[^"{}]*+')
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


class SegmentReader:
    """For endpoints that take a JSON schema but no grammar (`llmi_schema.segment_schema`)."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._text = ""
        self._at = self._start = self._depth = 0
        self._segments: list[Any] = []
        self._out = 0

    def feed(self, piece: str) -> str:
        """The document's next text, often none. Raises `LanguageError` for a segment that is neither text nor call."""
        self._text += piece
        if not self._at:
            if (begin := _BEGIN.match(self._text)) is None:
                return ""
            self._at = begin.end()
        before = len(self._segments)
        while self._step():
            pass
        if len(self._segments) == before:
            return ""
        whole = document_from_segments({"segments": self._segments}, self._language)
        out, self._out = whole[self._out :], len(whole)
        return out

    def _step(self) -> bool:
        """Past the next brace or string; False when there is none, or it is not whole."""
        dull = _DULL.match(self._text, self._at)
        self._at = dull.end() if dull else self._at
        match self._text[self._at : self._at + 1]:
            case "":
                return False
            case '"':
                string = _STRING.match(self._text, self._at)
                self._at = string.end() if string else self._at
                return string is not None
            case "{":
                if not self._depth:
                    self._start = self._at
                self._depth += 1
            case "}":
                self._depth -= 1
                if not self._depth:
                    self._segments.append(_object(self._text[self._start : self._at + 1]))
                elif self._depth < 0:  # the end of the whole answer
                    self._depth = 0
        self._at += 1
        return True


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise LanguageError(f"a segment is not JSON ({error}): the endpoint did not enforce the schema") from None
