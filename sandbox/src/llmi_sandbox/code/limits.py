"""`Limits`: what one snippet may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one snippet may use. The defaults suit figures; a plot takes 0.1 to 0.5 s of CPU.

    Attributes:
        cpu_seconds: processor time of all its threads, rounded up to whole seconds; the real limit.
        wall_seconds: time on the clock. Generous, because a busy machine is not the snippet's fault.
        memory_bytes: address space beyond what the warm interpreter already has.
        file_bytes: size of any one file it writes.
        disk_bytes: size of all files it writes.
        files: how many files and folders it makes.
        output_bytes: stdout and stderr, each.
        open_files: descriptors.
        max_pixels: width x height of a figure.
        max_side: its width, and its height, in pixels.
        dpi: resolution to draw at; None takes the figure's own.
        max_dpi: resolution to draw at most at, for snippets that ask for more than anyone looks at.
        figures: how many figures to hand back. 1 is the current one; more adds the others that are open or were saved.
        tail_characters: how much of the end of stdout and stderr the result keeps.
    """

    cpu_seconds: float = 20
    wall_seconds: float = 120
    memory_bytes: int = 2 * 2**30
    file_bytes: int = 32 * 2**20
    disk_bytes: int = 64 * 2**20
    files: int = 4096
    output_bytes: int = 2**20
    open_files: int = 128
    max_pixels: int = 16_000_000
    max_side: int = 16_384
    dpi: float | None = None
    max_dpi: float | None = None
    figures: int = 1
    tail_characters: int = 4000

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"Limits({name}={value}): a limit must be positive")
