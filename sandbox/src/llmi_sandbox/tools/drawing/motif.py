"""What a motif is: one subject, drawn in a frame of 100 x 75 units, standing on y = 64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llmi_sandbox.tools.drawing.canvas import Canvas

GROUND = 64.0


@dataclass(frozen=True, slots=True)
class Motif:
    """One subject.

    Attributes:
        name: its file name in a gallery written to disk.
        caption: what the drawing shows.
        keywords: other words it should be found by.
        draw: draws the subject alone.
        backdrop: names the surroundings it is shown in (`BACKDROPS`).
        pattern: the words of a prompt that ask for it, as a regular expression; empty for none.
        floats: it hangs in the air or in the water instead of standing on the ground.
    """

    name: str
    caption: str
    keywords: str
    draw: Callable[[Canvas], None]
    backdrop: str
    pattern: str = ""
    floats: bool = False
