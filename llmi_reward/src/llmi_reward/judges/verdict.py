"""Verdicts: the schema a judge's answer follows, and the strict reading of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.model import Answer
from llmi_reward.chat.structured import read_json
from llmi_reward.judges.rubric import HIGHEST, LOWEST, Rubric


@dataclass(frozen=True, slots=True)
class Verdict:
    """Marks and reasons by criterion."""

    marks: dict[str, int]
    reasons: dict[str, str]


def marks_schema(rubric: Rubric) -> dict[str, Any]:
    """A reason and a mark per criterion; the reason first, so that the mark follows from it."""
    mark = {"type": "integer", "enum": list(range(LOWEST, HIGHEST + 1))}
    entry = _object({"reason": {"type": "string"}, "score": mark})
    return _object({criterion.name: entry for criterion in rubric.criteria})


def read_marks(rubric: Rubric, answer: Answer) -> Verdict:
    """The verdict in an answer. Raises `ChatError` "bad_answer" unless it is exactly what was asked for."""
    value = read_json(answer)
    names = [criterion.name for criterion in rubric.criteria]
    if not isinstance(value, dict) or set(value) != set(names):
        raise ChatError("bad_answer", f"the verdict is not an object with {', '.join(names)} and nothing else")
    marks: dict[str, int] = {}
    reasons: dict[str, str] = {}
    for name in names:
        match value[name]:
            # bool is an int to Python, but True is no mark
            case {"reason": str(reason), "score": int(mark), **rest} if not rest and not isinstance(mark, bool):
                if not LOWEST <= mark <= HIGHEST:
                    raise ChatError("bad_answer", f"the mark for {name} is {mark}, not {LOWEST} to {HIGHEST}")
                marks[name], reasons[name] = mark, reason
            case other:
                raise ChatError("bad_answer", f"the verdict on {name} is not a reason and a mark: {str(other)[:100]!r}")
    return Verdict(marks, reasons)


PREFERENCE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "better": {"type": "string", "enum": ["first", "second", "equal"]},
    },
    "required": ["reason", "better"],
    "additionalProperties": False,
}


def read_preference(answer: Answer) -> tuple[str, str]:
    """Which answer is better, "first", "second" or "equal", and why. Raises `ChatError` "bad_answer"."""
    match read_json(answer):
        case {"reason": str(reason), "better": "first" | "second" | "equal" as better, **rest} if not rest:
            return str(better), reason
    raise ChatError("bad_answer", "the comparison is not a reason and one of first, second, equal")


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
