"""`OfflineEditor`: common picture edits by rule, with Pillow; a stand-in for an editing model.

It reads an instruction clause by clause. Every clause must match a rule of `RULES`, or the call is refused with
the part that was not understood: half an edit would show something that nobody asked for. It changes whole
pictures only, so that "blur the background" is refused too.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from llmi_sandbox.pictures import decode, encode, is_blank
from llmi_sandbox.tools.base import wrong_call
from llmi_sandbox.tools.edit_rules import RULES, Rule
from llmi_schema import EditCall, Picture, Provenance, ToolCall, ToolResult

PROVIDER = "offline editor (rules, no model)"

_VERBS = (
    "add|apply|adjust|boost|brighten|change|convert|crop|cut|darken|decrease|delete|desaturate|draw|enhance|enlarge|"
    "erase|fill|flip|frame|give|increase|insert|invert|make|mirror|move|paint|pixelate|place|put|reduce|remove|rename|"
    "render|replace|resize|rotate|scale|set|sharpen|shift|shrink|surround|swap|tint|tone|transform|trim|turn|use|"
    "wrap|write|zoom"
)
_CLAUSE_BREAK = re.compile(
    rf"(?:[,;]\s*(?:and\s+)?(?:then\s+)?|\.\s+|\.$|\band\s+then\s+|\bthen\s+|\band\s+(?:also\s+)?(?=(?:{_VERBS})\b))",
    re.IGNORECASE,
)
_QUOTED = re.compile("\"[^\"]*\"|“[^”]*”|'[^']+'(?!\\w)")
_BEYOND = re.compile(
    r"\b(?:remove|replace|erase|delete|swap|insert|draw|paint|move|wear\w*|background|foreground|only|except|"
    r"behind|beside|season|"
    r"focus\w* on|around (?:the|its|his|her) (?!edges?\b|image\b|picture\b|photo)|"
    r"(?:the|its|his|her) (?:sky|hair|face|eyes?|wall|ground|water|clothes|shirt|dress))\b",
    re.IGNORECASE,
)
"""Words that ask for an understanding of what the picture shows, which rules do not have."""


class OfflineEditor:
    """Answers `edit` calls with the rules of `RULES`; refuses other instructions and says what it can do."""

    identity = "edit/offline/1"

    async def __call__(self, call: ToolCall, pictures: Sequence[Picture]) -> ToolResult:
        if not isinstance(call, EditCall):
            return wrong_call("edit", call)
        if len(pictures) != 1:
            return ToolResult.failed("missing_picture", f"an edit works on one picture; {len(pictures)} came with it")
        return await asyncio.to_thread(_edit, call.params.prompt, pictures[0])


def plan(instruction: str) -> list[tuple[Rule, re.Match[str]]] | str:
    """The rules an instruction asks for, in order; or the clause that none understands."""
    steps: list[tuple[Rule, re.Match[str]]] = []
    for clause in _clauses(instruction):
        found = [(rule, match) for rule in RULES if (match := rule.pattern.search(clause))]
        beyond = _BEYOND.search(_QUOTED.sub("", clause))
        if beyond or not found:
            return clause
        steps += _without_overlaps(found)
    return steps or instruction


def _edit(instruction: str, picture: Picture) -> ToolResult:
    steps = plan(instruction)
    if isinstance(steps, str):
        return ToolResult.failed("refused", f"the offline editor does not understand {steps.strip()!r}; {CAPABILITIES}")
    image = decode(picture.png)
    for rule, match in steps:
        image = rule.apply(image, match)
    if is_blank(image):
        return ToolResult.failed("blank", "after this edit the picture shows nothing")
    return ToolResult(picture=encode(image, _provenance(instruction, picture.provenance)))


def _clauses(instruction: str) -> list[str]:
    """Split at commas, full stops, "then", and "and" before a verb; never inside quotes."""
    quotes = _QUOTED.findall(instruction)
    masked = _QUOTED.sub("\0", instruction)
    clauses = []
    remaining = iter(quotes)
    for clause in _CLAUSE_BREAK.split(masked):
        whole = re.sub("\0", lambda _: next(remaining), clause).strip()
        if whole:
            clauses.append(whole)
    return clauses


def _without_overlaps(found: list[tuple[Rule, re.Match[str]]]) -> list[tuple[Rule, re.Match[str]]]:
    """In order of appearance; of two rules that read the same words, the one listed first in `RULES`."""
    kept: list[tuple[Rule, re.Match[str]]] = []
    for rule, match in found:
        if all(match.end() <= other.start() or other.end() <= match.start() for _, other in kept):
            kept.append((rule, match))
    return sorted(kept, key=lambda step: step[1].start())


def _provenance(instruction: str, original: Provenance) -> Provenance:
    """An edited picture keeps the licence and the credit of the picture it was made from."""
    return Provenance(
        tool="edit",
        provider=PROVIDER,
        request=instruction,
        licence=original.licence,
        attribution=original.attribution,
        source_url=original.source_url,
    )


CAPABILITIES = f"it can: {', '.join(rule.name for rule in RULES)}"
