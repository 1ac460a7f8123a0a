"""Answers in a form: the schema to ask for, and a strict reader for what comes, enforced or not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from llmi_reward.chat.errors import ChatError
from llmi_reward.chat.model import Answer, ChatModel, JsonSchema, Message

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")

_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n[ \t]*```\Z", re.DOTALL | re.IGNORECASE)


def without_thoughts(text: str) -> str:
    """The text after thinking. Raises `ChatError` "cut_off" when a thought never ends.

    Chat templates often open the first thought in the prompt, so an end without a beginning ends one, too.
    """
    visible = _THOUGHT.sub("", text)
    if "<think>" in visible:
        raise ChatError("cut_off", "the answer ends inside its thoughts: allow it more tokens")
    return visible.rpartition("</think>")[2]


def read_json(answer: Answer) -> Any:
    """The one JSON value an answer consists of, but for thoughts before it and a code fence around it.

    Nothing is searched for: a value quoted in a sentence, or the first of two, is not an answer. Raises `ChatError`:
    "cut_off" where the token limit ended it, "bad_answer" otherwise.
    """
    if answer.finish == "length":
        raise ChatError("cut_off", f"the answer reached its limit of {answer.usage.completion_tokens} tokens")
    text = without_thoughts(answer.text).strip()
    if fenced := _FENCE.match(text):
        text = fenced[1]
    try:
        return json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constants)
    except (ValueError, RecursionError) as error:
        shown = text if len(text) <= 200 else text[:200] + " ..."
        raise ChatError("bad_answer", f"the answer is not the JSON it was asked for ({error}): {shown!r}") from None


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema as strict servers want it: every property required, no others, no defaults."""
    return _strict(model.model_json_schema())


def read_as(model: type[Model], answer: Answer) -> Model:
    """The answer as a pydantic model, nothing converted. Raises `ChatError` like `read_json`."""
    value = read_json(answer)
    try:
        return model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        problem = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['msg']}" for e in error.errors()[:3])
        raise ChatError("bad_answer", f"the answer does not follow the schema: {problem}") from None


async def ask_until(
    read: Callable[[Answer], T],
    chat: ChatModel,
    messages: str | Sequence[Message],
    *,
    schema: JsonSchema | None = None,
    sample: int = 0,
    attempts: int = 2,
    options: Mapping[str, Any] | None = None,
) -> T:
    """Ask until `read` takes the answer: at most `attempts` times, each with another seed.

    Raises `ChatError`: the last "bad_answer" or "cut_off" of `read`, or whatever kept the model from answering.
    """
    attempt = 0
    while True:
        number = sample * attempts + attempt
        answer = await chat.ask(messages, schema=schema, sample=number, options=options)
        try:
            return read(answer)
        except ChatError:
            attempt += 1
            if attempt >= attempts:
                raise


async def ask_for(
    model: type[Model],
    chat: ChatModel,
    messages: str | Sequence[Message],
    *,
    sample: int = 0,
    attempts: int = 2,
    options: Mapping[str, Any] | None = None,
) -> Model:
    """Ask until the answer is a valid `model`; see `ask_until`.

    ```python
    class Idea(BaseModel):
        title: str
        pictures: int

    idea = await ask_for(Idea, chat, "An idea for an illustrated article, please.")
    ```
    """
    read = partial(read_as, model)
    return await ask_until(
        read, chat, messages, schema=schema_of(model), sample=sample, attempts=attempts, options=options
    )


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items() if key != "default"}
    if isinstance(strict.get("properties"), dict):
        strict["required"] = list(strict["properties"])
        strict["additionalProperties"] = False
    return strict


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _no_constants(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
