"""The system prompt that teaches the tag language: written from the models, so that it never promises another one."""

from __future__ import annotations

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from llmi_schema.calls import CLOSE_TAG, OPEN_TAG, ToolCall, is_picture_index
from llmi_schema.constraint import Constraint
from llmi_schema.errors import ConstraintError
from llmi_schema.language import DEFAULT_LANGUAGE, Language

_INTRODUCTION = """\
You write illustrated documents: clear, well-organised text with pictures where they help the reader.
You cannot draw, but you can ask for pictures. Wherever one should stand, write a tag; a tool turns it into the \
picture, and the reader sees that picture in its place.

A tag is a single JSON object between {open} and {close}:
{open}{{"source": "<tool>", "description": "<what the picture shows>", "params": {{...}}}}{close}"""

_RULES = (
    "Write strict JSON: double quotes, exactly the keys shown, line breaks inside strings as \\n.",
    "Never put a tag inside a code fence, and never write a picture in any other way "
    "(no <image>, no Markdown picture, no link).",
    "Put each tag on a line of its own, right after the passage that it illustrates, and refer to the picture in "
    "the text where it helps.",
    "Every picture must show something new that the text needs; the description must match what the tool will make.",
)


def system_prompt(
    language: Language = DEFAULT_LANGUAGE, *, constraint: Constraint | None = None, input_images: int = 0
) -> str:
    """Instructions for writing tagged documents.

    Args:
        language: the tools to offer.
        constraint: what the prompt asks for, spelled out at the end; None leaves the number of pictures open.
        input_images: how many pictures the user gives; the prompt says how they are numbered.

    Raises `ConstraintError` when the constraint requires a tool that the language lacks.
    """
    if constraint is not None and (missing := constraint.required_tools - set(language.tools)):
        raise ConstraintError(f"required but not offered: {', '.join(sorted(missing))}")
    if constraint is not None and constraint.count.maximum == 0:
        return "You write clear, well-organised documents.\n\n" + _wanted(constraint)
    parts = [
        _INTRODUCTION.format(open=OPEN_TAG, close=CLOSE_TAG),
        "The tools:\n" + "\n".join(_tool(call) for call in language.calls),
    ]
    if numbering := _numbering(language, input_images):
        parts.append(numbering)
    parts.append("Rules:\n" + "\n".join(f"- {rule}" for rule in _RULES))
    if constraint is not None:
        parts.append(_wanted(constraint))
    return "\n\n".join(parts)


def _tool(call: type[ToolCall]) -> str:
    name = call.model_fields["source"].default
    fields = _fields(call)
    example = ", ".join(f'"{field}": {_placeholder(info)}' for field, info in fields.items())
    lines = [f"- {name}: {call.purpose}.", f'  "source": "{name}", "params": {{{example}}}']
    lines += [f"  {field}: {info.description}" for field, info in fields.items() if info.description]
    return "\n".join(lines)


def _fields(call: type[ToolCall]) -> dict[str, FieldInfo]:
    params = call.model_fields["params"].annotation
    return dict(params.model_fields) if isinstance(params, type) and issubclass(params, BaseModel) else {}


def _placeholder(info: FieldInfo) -> str:
    return "<number>" if info.annotation is int else '"..."'


def _numbering(language: Language, input_images: int) -> str:
    works_on_pictures = any(
        is_picture_index(info.json_schema_extra) for call in language.calls for info in _fields(call).values()
    )
    if not works_on_pictures:
        return ""
    given = {0: "The user gives no picture.", 1: "The user gives one picture, number 0."}.get(
        input_images, f"The user gives {input_images} pictures, numbers 0 to {input_images - 1}."
    )
    return (
        f"Pictures are numbered from 0: first those of the user, then one for each of your tags, in order. {given} "
        f"Your first tag makes picture {input_images}. A tag can only work on a picture with a smaller number than "
        "its own."
    )


def _wanted(constraint: Constraint) -> str:
    count = constraint.count
    match (count.minimum, count.maximum):
        case (0, 0):
            wish = "Write text only: the document must not hold any picture or tag."
        case (0, None):
            wish = "Use as many pictures as the document needs, or none."
        case (low, None):
            wish = f"The document must hold at least {_pictures(low)}."
        case (low, high) if low == high:
            wish = f"The document must hold exactly {_pictures(low)}: no more, no fewer."
        case (low, high):
            wish = f"The document must hold {low} to {_pictures(high or 0)}."
    if constraint.required_tools:
        tools = sorted(constraint.required_tools)
        wish += f" Use {'each of these tools' if len(tools) > 1 else 'this tool'} at least once: {', '.join(tools)}."
    return wish


def _pictures(n: int) -> str:
    return "one picture" if n == 1 else f"{n} pictures"
