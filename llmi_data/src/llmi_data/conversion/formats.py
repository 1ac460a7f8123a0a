"""The four shapes a row has outside: ours, TRL's, verl's as published, and OpenAI's chats. Each is a pair of functions.

| format | `prompt` | labels | pictures |
|---|---|---|---|
| `rows` | chat messages | `image_count`, `required_tools` | `images`, base64 |
| `trl`  | chat messages or a text | `image_count`, `required_tools`, `split` | `images`, `{"bytes"}` |
| `verl` | chat messages, `<image>` per picture | `extra_info.image_num`, `.tools`, `.split` | `images`, `{"bytes"}` |
| `chat` | `messages` | `metadata.image_count`, `.required_tools` | data URLs among the words |

Ours and TRL's hold everything. The other two carry what they have no place for as one JSON text, so that a row comes
back from each as it went out. The other way round a row is all that is kept: columns it has no place for are named as
lost. Answers after the last user's message, and the places that pictures had among the words, are not kept either.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Literal

from pydantic import ValidationError

from llmi_data.conversion.parts import DATA_URL, messages_of, pictures_of, tools_of
from llmi_data.errors import RowError
from llmi_data.jsonl import explain
from llmi_data.row import Row
from llmi_schema import LLMIError

FormatName = Literal["rows", "trl", "verl", "chat"]

_PLACE = "<image>"
_CARRIED = ("id", "provenance", "verdict", "implicit")
"""Fields of a row that verl's and OpenAI's records have no columns for."""


@dataclass(frozen=True)
class Format:
    """How to tell a record, read it and write one.

    Attributes:
        needs: columns by which a record is recognised.
        columns: every column that is read, those inside a mapping as `extra_info.tools`; others are lost.
        read: a record as a row. Raises `RowError` naming the column.
        write: a row, and its number, as a record. Raises `RowError` for a row that has no such record.
        without: columns by which a record is known to be of another format.
        remade: columns that follow from the row when it is written, whatever they held.
    """

    name: FormatName
    needs: tuple[str, ...]
    columns: frozenset[str]
    read: Callable[[Mapping[str, Any]], Row]
    write: Callable[[Row, int], dict[str, Any]]
    without: tuple[str, ...] = ()
    remade: tuple[str, ...] = ()

    def check(self, record: Mapping[str, Any]) -> None:
        """Raises `RowError` for a column that seems to be a misspelt one of ours, and would be lost."""
        for name in _flat(record):
            if name not in self.columns and (meant := _meant(name, self.columns)):
                raise RowError(f"there is a column {name} where {meant} is expected: rename it, or leave it out")

    def lost(self, record: Mapping[str, Any], row: Row) -> Iterator[str]:
        """Columns of a record whose content is not in its row."""
        told = _flat(record)
        yield from (name for name in told if name not in self.columns)
        if self.remade:
            again = _flat(self.write(row, 0))
            yield from (name for name in self.remade if name in told and told[name] != again[name])


def _read_row(record: Mapping[str, Any]) -> Row:
    _require(record, "prompt", "image_count")
    messages, among = messages_of(record["prompt"], "prompt")
    images = [*among, *pictures_of(record.get("images"), "images")]
    fields = {name: record[name] for name in _CARRIED if record.get(name) is not None}
    if "provenance" not in record and (origin := _origin("trl", record.get("split"))):
        fields["provenance"] = origin
    return _row(
        messages, images, record["image_count"], tools_of(record.get("required_tools"), "required_tools"), fields
    )


def _write_row(row: Row, number: int) -> dict[str, Any]:
    return row.model_dump(mode="json")


def _write_trl(row: Row, number: int) -> dict[str, Any]:
    record = row.model_dump()
    record["images"] = [{"bytes": image, "path": None} for image in row.images]
    record["split"] = row.provenance.side if row.provenance else "train"
    return record


def _read_verl(record: Mapping[str, Any]) -> Row:
    _require(record, "prompt", "extra_info")
    extra = record["extra_info"]
    if not isinstance(extra, Mapping):
        raise RowError("extra_info must be a mapping with image_num, tools, question and split")
    count = extra.get("image_num", extra.get("image_count"))
    if count is None:
        raise RowError("extra_info.image_num is missing; add -1, 0, 1 to 98 or 99, or delete the row")
    messages, _ = messages_of(record["prompt"], "prompt")
    images = pictures_of(record.get("images"), "images")
    _take_places(messages, len(images))
    tools = tools_of(extra.get("tools", extra.get("required_tools")), "extra_info.tools")
    fields = _carried(extra.get("row"), "extra_info.row")
    source = record.get("data_source")
    if not extra.get("row") and (origin := _origin(source if isinstance(source, str) else "verl", extra.get("split"))):
        fields["provenance"] = origin
    return _row(messages, images, count, tools, fields)


def _write_verl(row: Row, number: int) -> dict[str, Any]:
    images = [{"bytes": image, "path": None} for image in row.images]
    return {
        "data_source": "interleaved_mm" if images else "interleaved",
        "prompt": _with_places(row),
        "images": images,
        "ability": "interleaved",
        "reward_model": {
            "style": "rule",
            "ground_truth": json.dumps({"image_count": row.image_count, "required_tools": list(row.required_tools)}),
        },
        "extra_info": {
            "index": number,
            "split": row.provenance.side if row.provenance else "train",
            "question": row.text,
            "image_num": row.image_count,
            "tools": list(row.required_tools),
            # verl hands a reward this mapping and nothing else: an edit's judge needs to see the user's pictures.
            "images": images,
            "row": _carry(row),
        },
    }


def _read_chat(record: Mapping[str, Any]) -> Row:
    _require(record, "messages", "metadata")
    metadata = record["metadata"]
    if not isinstance(metadata, Mapping) or metadata.get("image_count") is None:
        raise RowError("metadata.image_count is missing; add -1, 0, 1 to 98 or 99, or delete the row")
    messages, images = messages_of(_questions(record["messages"]), "messages")
    tools = metadata.get("required_tools") or ""
    if not isinstance(tools, str):
        raise RowError("metadata.required_tools must be a text such as 'code,search'")
    fields = _carried(metadata.get("row"), "metadata.row")
    if not metadata.get("row") and (origin := _origin("chat", metadata.get("split"))):
        fields["provenance"] = origin
    return _row(messages, images, metadata["image_count"], [t.strip() for t in tools.split(",") if t.strip()], fields)


def _write_chat(row: Row, number: int) -> dict[str, Any]:
    messages: list[dict[str, Any]] = list(row.messages)
    if row.images:
        last = max((n for n, message in enumerate(messages) if message["role"] == "user"), default=None)
        if last is None:
            raise RowError("the row has pictures but no user's message to show them in; add one, or delete the row")
        shown = [
            {"type": "image_url", "image_url": {"url": DATA_URL + base64.b64encode(image).decode()}}
            for image in row.images
        ]
        messages[last] = {"role": "user", "content": [{"type": "text", "text": messages[last]["content"]}, *shown]}
    metadata = {
        "image_count": str(row.image_count),
        "required_tools": ",".join(row.required_tools),
        "split": row.provenance.side if row.provenance else "train",
        "row": _carry(row),
    }
    return {"messages": messages, "metadata": metadata}


_ROW = frozenset(Row.model_fields)
_VERL = ("data_source", "prompt", "images", "ability", "reward_model.style", "reward_model.ground_truth")
_VERL_EXTRA = ("index", "split", "question", "image_num", "image_count", "tools", "required_tools", "images", "row")
_CHAT_METADATA = ("image_count", "required_tools", "split", "row")

FORMATS: dict[FormatName, Format] = {
    "verl": Format(
        "verl",
        ("prompt", "extra_info"),
        frozenset((*_VERL, *(f"extra_info.{name}" for name in _VERL_EXTRA))),
        _read_verl,
        _write_verl,
        remade=("ability", "reward_model.style", "reward_model.ground_truth", "extra_info.question"),
    ),
    "chat": Format(
        "chat",
        ("messages",),
        frozenset(("messages", *(f"metadata.{name}" for name in _CHAT_METADATA))),
        _read_chat,
        _write_chat,
    ),
    "rows": Format("rows", ("prompt", "image_count", "id"), _ROW, _read_row, _write_row, without=("split",)),
    "trl": Format("trl", ("prompt", "image_count"), _ROW | {"split"}, _read_row, _write_trl),
}
"""In the order in which a record is tried against them."""


def recognise(record: Mapping[str, Any], place: str) -> Format:
    """The format of a record, by its columns. Raises `RowError` naming those it has and those it might have."""
    for form in FORMATS.values():
        if all(name in record for name in form.needs) and not any(name in record for name in form.without):
            return form
    known = "; ".join(f"{form.name}: {', '.join(form.needs)}" for form in FORMATS.values())
    raise RowError(
        f"{place}: of no known format: its columns are {', '.join(map(str, record)) or 'none'}, and the formats have "
        f"({known}); rename the columns, or say the format with --from"
    )


def _row(
    messages: list[dict[str, str]], images: list[bytes], count: Any, tools: list[str], fields: dict[str, Any]
) -> Row:
    try:
        return Row.model_validate(
            {"prompt": messages, "images": images, "image_count": count, "required_tools": tools, **fields}
        )
    except (ValidationError, LLMIError) as error:
        raise RowError(explain(error)) from None


def _require(record: Mapping[str, Any], *columns: str) -> None:
    for column in columns:
        if record.get(column) is None:
            found = ", ".join(map(str, record)) or "none"
            raise RowError(f"there is no column {column}; the columns are {found}: rename or add it")


def _origin(source: str, split: Any) -> dict[str, Any] | None:
    """What is known of a row from elsewhere: its side. Family and topic are unknown, and so empty."""
    if split is None:
        return None
    side = "train" if split == "train" else "test"
    return {"generator": source, "seed": 0, "side": side, "family": "", "topic": ""}


def _carry(row: Row) -> str:
    return row.model_dump_json(include=set(_CARRIED))


def _carried(text: Any, column: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, TypeError) as error:
        raise RowError(f"{column} must be JSON as `llmi-data convert` wrote it ({error}); delete it") from None
    if not isinstance(value, dict):
        raise RowError(f"{column} must be JSON of a mapping; delete it")
    return {name: value[name] for name in _CARRIED if value.get(name) is not None}


def _with_places(row: Row) -> list[dict[str, str]]:
    """verl wants one `<image>` in the words for every picture: they are put before the last user's message."""
    messages = row.messages
    written = sum(message["content"].count(_PLACE) for message in messages)
    if written:
        raise RowError(f"the prompt itself says {_PLACE}, which verl takes for a picture; reword it, or delete the row")
    if row.images:
        last = max((n for n, message in enumerate(messages) if message["role"] == "user"), default=None)
        if last is None:
            raise RowError("the row has pictures but no user's message to show them in; add one, or delete the row")
        messages[last]["content"] = f"{_PLACE}\n" * len(row.images) + messages[last]["content"]
    return messages


def _take_places(messages: list[dict[str, str]], pictures: int) -> None:
    """Undo `_with_places`, wherever the places stand: pictures are numbered in their order all the same."""
    written = sum(message["content"].count(_PLACE) for message in messages)
    if written not in (0, pictures):
        raise RowError(f"prompt says {_PLACE} {written} times, and there are {pictures} pictures; make them equal")
    for message in messages:
        message["content"] = message["content"].replace(f"{_PLACE}\n", "").replace(_PLACE, "")


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Columns that hold something, by name; of the mappings that formats define, those inside."""
    told: dict[str, Any] = {}
    for name, value in record.items():
        if name in ("extra_info", "metadata", "reward_model") and isinstance(value, Mapping):
            told.update({f"{name}.{inside}": part for inside, part in value.items() if part is not None})
        elif value is not None:
            told[name] = value
    return told


@lru_cache(maxsize=1024)
def _meant(name: str, columns: frozenset[str]) -> str | None:
    folder = name.rpartition(".")[0]
    candidates = [column for column in columns if column.rpartition(".")[0] == folder]
    close = get_close_matches(name, candidates, n=1, cutoff=0.9)
    return close[0] if close else None


def _questions(messages: Any) -> Any:
    """A chat up to the last message of the user."""
    if not isinstance(messages, list | tuple):
        return messages
    asked = [n for n, m in enumerate(messages) if isinstance(m, Mapping) and m.get("role") == "user"]
    return messages[: asked[-1] + 1] if asked else messages
