"""Whether a prompt stays implicit: it may say what the reader should see, never which tool makes it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Naming:
    """A place where a prompt names a tool, and why that gives the answer away."""

    words: str
    tool: str
    why: str


_RULES: tuple[tuple[str, str, str], ...] = (
    ("search", r"\bsearch\w*", "names the act of searching"),
    ("search", r"\bgoogl\w*|\bbing\b|\bserp\w*|\bwikimedia\b|\bopenverse\b", "names a search service"),
    ("search", r"\bweb\b|\binternet\b|\bonline\b|\bwebsites?\b", "names where one searches"),
    (
        "search",
        r"\bretriev(?:e|es|ed|ing|al)\b|\blook(?:ing|ed)? (?:it|them|this|that) up\b|\bfetch\w*",
        "asks to retrieve",
    ),
    ("diffusion", r"\bdiffusion\b|\btext[- ]to[- ]image\b|\bt2i\b", "names the kind of model"),
    ("diffusion", r"\bdall[- ]?e\b|\bmidjourney\b|\bsdxl\b|\bseedream\b|\bimagen\b|\bflux\b", "names a model"),
    ("diffusion", r"\bgenerat(?:e|es|ed|ing|or|ors|ive)\b|\b(?:image|picture) generation\b", "asks to generate"),
    ("diffusion", r"\bsynthesi[sz]\w*|\bAI\b", "says the picture is synthetic"),
    (
        "code",
        r"(?<!dress )(?<!zip )(?<!post )(?<!morse )(?<!penal )\bcod(?:e|es|ed|ing)\b(?! of (?:conduct|honou?r))",
        "names code",
    ),
    (
        "code",
        r"\bpython\b|\bmatplotlib\b|\bseaborn\b|\bplotly\b|\bpandas\b|\bnumpy\b|\bggplot\w*",
        "names a library or language",
    ),
    ("code", r"\bscripts?\b|\bsnippets?\b|\bprogram(?:s|ming|matically)\b", "asks for a program"),
    (
        "code",
        r"\b(?:bar|line|box|scatter|pie|violin) plots?\b|\bplott(?:ed|ing)\b|\bplot (?:it|them|this|these|the)\b",
        "asks to plot",
    ),
    ("edit", r"\bedit(?:s|ed|ing)?\b|\bphoto ?editor\b|\bimage editor\b", "asks to edit"),
    ("edit", r"\bphotoshop\w*|\bgimp\b|\binpaint\w*|\bimg2img\b|\bretouch\w*", "names an editing program or method"),
    ("any", r"</?imgen>|\bimgen\b|\btool(?:s|kit)?\b(?! shed)|\bAPI\b|\bfunction call\w*", "speaks of tools or tags"),
)
_COMPILED = tuple((tool, re.compile(pattern, re.IGNORECASE), why) for tool, pattern, why in _RULES)


def tool_namings(text: str) -> tuple[Naming, ...]:
    """Every place where `text` names a tool; empty for an implicit prompt."""
    return tuple(Naming(match[0], tool, why) for tool, pattern, why in _COMPILED for match in pattern.finditer(text))
