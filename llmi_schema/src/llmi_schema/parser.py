"""`parse`: text -> `Document`. Never raises on any string, and is linear in its length."""

from __future__ import annotations

from llmi_schema.calls import OPEN_TAG
from llmi_schema.document import BadTag, Document, Tag, Thought
from llmi_schema.language import DEFAULT_LANGUAGE, Language
from llmi_schema.reading import Dialect, Reader
from llmi_schema.scanner import scanner


def parse(
    text: str, input_images: int = 0, language: Language = DEFAULT_LANGUAGE, *, dialect: Dialect = "json"
) -> Document:
    """Take a model's text apart.

    Args:
        text: any string at all.
        input_images: how many pictures the user gave; tags are numbered after them.
        language: the tools that exist.
        dialect: "json" is what this project writes; "python" reads the published dialect, whose tags are Python
            literals (see `llmi_schema.published`). Its tags end at the first `</imgen>`, whatever it stands in.
    """
    # one character is found far quicker than three
    fences = ("`" in text and "```" in text) or ("~" in text and "~~~" in text)
    scan = scanner(language, dialect, fences)
    reader = scan.reader
    marks: list[Thought | Tag | BadTag] = []
    index = input_images
    fenced = 0
    open_tag: int | None = None
    read = 0

    wrong, unsure, shortest, tools = scan.wrong, scan.unsure, scan.shortest, scan.tools
    for match in scan.pattern.finditer(text):
        kind = match.lastindex
        if kind is None or kind == scan.fence:
            continue
        start = match.start(kind)
        source = match[kind]
        if fences:
            fenced += text.count(OPEN_TAG, read, start)  # prose holds it inside fences only
            read = match.end()
        if kind in wrong or (kind == unsure and len(source) < shortest):
            marks.append(BadTag(start, source, index, reader))
        elif kind == unsure:
            marks.append(_judged(start, source, index, reader))
        elif kind in tools:
            target = scan.targets.get(kind)
            right = target is None or int(match[target]) < index
            mark = Tag(start, source, index, tools[kind], reader) if right else BadTag(start, source, index, reader)
            marks.append(mark)
        elif kind == scan.thought:
            marks.append(Thought(start, source, True))
            continue
        elif kind == scan.open_thought:
            marks.append(Thought(start, source, False))
            break
        else:
            open_tag = start
            break
        index += 1

    if fences:
        fenced += text.count(OPEN_TAG, read)
    return Document(text, tuple(marks), input_images, open_tag, fenced, dialect)


def _judged(start: int, source: str, index: int, reader: Reader) -> Tag | BadTag:
    """A closed tag of which the pattern could not tell."""
    found = reader.find(source)
    if found is None:
        return BadTag(start, source, index, reader)
    tool, target = found
    if target is not None and target >= index:
        return BadTag(start, source, index, reader)
    return Tag(start, source, index, tool, reader)
