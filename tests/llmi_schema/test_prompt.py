"""Prompts and tool definitions against golden files. `LLMI_UPDATE_GOLDEN=1 pytest ...` writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from llmi_schema import (
    DEFAULT_LANGUAGE,
    Constraint,
    ConstraintError,
    ImageCount,
    parse,
    segment_schema,
    system_prompt,
    tag_schema,
    tool_definitions,
)

GOLDEN = Path(__file__).parent / "golden"
CODE_ONLY = DEFAULT_LANGUAGE.only("code")
THREE = Constraint(count=ImageCount.exactly(3), required_tools=frozenset({"code", "edit"}))

PROMPTS = {
    "prompt.txt": system_prompt(),
    "prompt_exactly_3_with_2_pictures.txt": system_prompt(constraint=THREE, input_images=2),
    "prompt_at_least_one_code_only.txt": system_prompt(
        CODE_ONLY, constraint=Constraint(count=ImageCount.at_least_one())
    ),
    "prompt_none.txt": system_prompt(constraint=Constraint(count=ImageCount.none())),
}
SCHEMAS = {
    "tools_openai.json": tool_definitions(),
    "tools_mcp.json": tool_definitions(style="mcp"),
    "tag_schema.json": tag_schema(),
    "segment_schema_code_only.json": segment_schema(CODE_ONLY),
}
FILES = PROMPTS | {name: json.dumps(value, indent=1, ensure_ascii=False) for name, value in SCHEMAS.items()}


@pytest.mark.parametrize("name", FILES)
def test_golden(name: str) -> None:
    path = GOLDEN / name
    if os.environ.get("LLMI_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(FILES[name] + "\n")
    assert path.read_text() == FILES[name] + "\n"


def test_the_prompt_offers_only_the_tools_of_the_language() -> None:
    prompt = system_prompt(CODE_ONLY)
    assert "code" in prompt
    assert not any(f'"{tool}"' in prompt for tool in ("search", "diffusion", "edit"))
    assert "numbered from 0" not in prompt


def test_a_prompt_without_pictures_never_mentions_tags() -> None:
    assert "<imgen>" not in PROMPTS["prompt_none.txt"]


def test_the_prompt_is_no_document_with_calls() -> None:
    assert not any(parse(prompt).calls for prompt in PROMPTS.values())


def test_a_required_tool_must_be_offered() -> None:
    with pytest.raises(ConstraintError, match="required but not offered: edit"):
        system_prompt(CODE_ONLY, constraint=THREE)
