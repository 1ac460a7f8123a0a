"""Streaming from a server that enforces nothing: what is out already stays true once the whole is mended."""

from __future__ import annotations

from llmi_schema import RowConstraint, document_grammar, repair
from llmi_schema.streaming import StreamParser


class Held:
    """Lets text through while it begins a document of the constraint, and mends the whole at its end.

    Prose and whole tags pass at once. From the first piece on that no document holds, all is held back, and `end` has
    `llmi_schema.repair` decide.
    """

    def __init__(self, row: RowConstraint) -> None:
        self._row = row
        self._parser = StreamParser(row.input_images, row.language)
        self._automaton = document_grammar(row).automaton
        self._state = self._automaton.start
        self._text = ""
        self._out = 0
        self._right = True

    def feed(self, piece: str) -> str:
        """What may be shown now."""
        self._text += piece
        self._parser.feed(piece)
        return self._let_through(self._parser.settled)

    def end(self) -> str:
        """The rest of the mended document."""
        return repair(self._text, self._row)[self._out :]

    def _let_through(self, until: int) -> str:
        piece = self._text[self._out : until]
        if not piece or not self._right:
            return ""
        following = self._automaton.run(self._state, piece.encode("utf-8", "surrogatepass"))
        self._right = not self._automaton.is_dead(following)
        if not self._right:
            return ""
        self._state = following
        self._out = until
        return piece
