"""Mend a text after the fact: the nearest document that satisfies a constraint.

For servers that enforce nothing. What decoding under a constraint guarantees holds for the result as well.
"""

from __future__ import annotations

from pydantic import BaseModel

from llmi_schema.calls import ToolCall, picture_index_field
from llmi_schema.document import BadTag, Tag, Text, Thought
from llmi_schema.grammar import ANY_DOCUMENT, RowConstraint, document_grammar
from llmi_schema.lexis import DEAD, FORBIDDEN, TEXT
from llmi_schema.parser import parse


def repair(text: str, row: RowConstraint = ANY_DOCUMENT) -> str:
    """A document of the constraint's language that keeps as much of `text` as it can, in order.

    Prose stays, but for marks that would be read as tags, thoughts or fences. Valid tags stay while the constraint
    has room for them, with `img_index` renumbered when a tag before them is dropped. Bad tags go; so do thoughts,
    unless the constraint lets a document begin with one. A tag that was cut off is ended if it was right so far.
    Missing pictures are added as empty calls, which nothing but the count can be right about: better ask the model
    again when `repair` had to add one.

    Never raises on any text; raises `ConstraintError` for a constraint that nothing satisfies.
    """
    automaton = document_grammar(row).automaton
    document = parse(text, row.input_images, row.language)
    numbers = {i: i for i in range(row.input_images)}  # old picture index -> new
    state = automaton.start
    kept: list[str] = []
    prose = ""  # the free text since the last tag that was kept

    def keep(piece: str) -> bool:
        nonlocal state
        following = automaton.run(state, piece.encode("utf-8", "surrogatepass"))
        if automaton.is_dead(following):
            return False
        state = following
        kept.append(piece)
        return True

    for segment in document.segments:
        match segment:
            case Text(start, source):
                prose_end = len(source) if document.open_tag is None else document.open_tag - start
                clean = clean_text(source[:prose_end], after=prose)
                keep(clean)
                prose += clean
                if prose_end < len(source):
                    keep(source[prose_end:])
            case Tag(_, source, index, call):
                target = call.picture_index
                if target is None or numbers.get(target) == target:
                    fits = keep(source) or keep(call.to_tag())
                else:
                    fits = target in numbers and keep(_with_index(call, numbers[target]).to_tag())
                if fits:
                    numbers[index] = len(numbers)
                    prose = ""
            case Thought(_, source):
                keep(source)
            case BadTag():
                pass
    return "".join(kept) + automaton.shortest(state).decode()


def clean_text(text: str, after: str = "") -> str:
    """Free text: `text` without the characters that would complete a mark (`<imgen>` becomes `<imgen`), and without
    lone surrogates. `after` is the free text that it continues.
    """
    kept: list[str] = []
    state = 0
    for character in after[-max(map(len, FORBIDDEN)) :]:
        state = max(0, TEXT.states[state].edges.get(character, TEXT.states[state].other))
    for character in text:
        here = TEXT.states[state]
        target = here.edges.get(character, here.other)
        if target != DEAD and not "\ud800" <= character <= "\udfff":
            kept.append(character)
            state = target
    return "".join(kept)


def _with_index(call: ToolCall, index: int) -> ToolCall:
    params: type[BaseModel] = type(call.params)
    field = picture_index_field(params)
    return call.model_copy(update={"params": call.params.model_copy(update={field: index})})
