"""Chat messages as a policy sends them: instructions first, the user's pictures in their places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmi_schema import ConfigurationError, Constraint, Picture, RowConstraint, system_prompt
from llmi_train.policies.policy import Messages

Part = Mapping[str, Any]


def instructed(messages: Messages, constraint: RowConstraint | None, pictures: int) -> Messages:
    """The conversation with a system message that teaches the tags, unless it has one of its own.

    The number of pictures and the required tools of a constraint are spelled out in it.
    """
    if any(message["role"] == "system" for message in messages):
        return messages
    if constraint is None:
        text = system_prompt(input_images=pictures)
    else:
        wanted = Constraint(count=constraint.count, required_tools=constraint.required_tools)
        text = system_prompt(constraint.language, constraint=wanted, input_images=pictures)
    return [{"role": "system", "content": text}, *messages]


def with_pictures(messages: Messages, pictures: Sequence[Picture], part: Callable[[Picture], Part]) -> Messages:
    """The conversation with the user's pictures in it.

    Where the messages hold `{"type": "image"}` parts, pictures take their places in order; otherwise all stand before
    the first user message, as they did in training (TRL's `prepare_multimodal_messages`).

    Args:
        part: makes a content part of a picture, in the words of whoever reads it.

    Raises `ConfigurationError` when there are not as many places as pictures.
    """
    if not pictures:
        return messages
    places = sum(_is_place(piece) for message in messages for piece in _parts(message))
    if not places:
        first = next((i for i, message in enumerate(messages) if message["role"] == "user"), None)
        if first is None:
            raise ConfigurationError("there is no user message to which the pictures could belong")
        return [
            {**message, "content": [*map(part, pictures), *_parts(message)]} if i == first else message
            for i, message in enumerate(messages)
        ]
    if places != len(pictures):
        raise ConfigurationError(f"the messages have places for {places} pictures and {len(pictures)} are given")
    left = iter(pictures)
    return [
        {**message, "content": [part(next(left)) if _is_place(p) else p for p in _parts(message)]}
        if any(map(_is_place, _parts(message)))
        else message
        for message in messages
    ]


def words(messages: Messages) -> Messages:
    """The conversation without pictures, each message one string: for models that see none."""
    return [
        {**message, "content": "\n".join(piece["text"] for piece in _parts(message) if piece.get("type") == "text")}
        if not isinstance(message["content"], str)
        else message
        for message in messages
    ]


def _parts(message: Mapping[str, Any]) -> list[Part]:
    content = message.get("content") or ""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _is_place(part: Part) -> bool:
    return part.get("type") == "image" and "image" not in part and "url" not in part
