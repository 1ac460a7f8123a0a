"""Find the figure a snippet means, and draw it into plain pixels."""

from __future__ import annotations

import types
import warnings
from typing import Any

_KEPT_OPTIONS = ("bbox_inches", "pad_inches", "facecolor", "edgecolor", "transparent")


class TooLargeError(Exception):
    """A figure of more pixels than allowed."""


class Saves:
    """Remembers the last figure a snippet saved, for the snippet that saves and closes.

    Saving works as always, into the scratch; where the path cannot be written the snippet goes on, for its
    figure is what counts.
    """

    def __init__(self) -> None:
        self.figure: Any = None
        self.options: dict[str, Any] = {}
        self._save: Any = None

    def watch(self) -> None:
        import matplotlib.figure

        kind: Any = matplotlib.figure.Figure
        save = kind.savefig

        def savefig(figure: Any, fname: Any, **options: Any) -> None:
            self.figure = figure
            self.options = {name: options[name] for name in _KEPT_OPTIONS if name in options}
            try:
                save(figure, fname, **options)
            except OSError as error:
                warnings.warn(f"{fname} was not written ({error}); the figure is kept", stacklevel=2)

        savefig.__doc__ = save.__doc__
        kind.savefig = savefig
        self._save = save

    def draw(self, figure: Any, dpi: float | None, max_pixels: int) -> Pixels:
        """The figure's pixels. Raises `TooLargeError`, or whatever drawing raises."""
        dpi = dpi or _saving_dpi(figure)
        width, height = figure.get_size_inches() * dpi
        if width * height > max_pixels:
            raise TooLargeError(_too_large(width, height, max_pixels))
        pixels = Pixels()
        options = self.options if figure is self.figure and not _is_open(figure) else {}
        self._save(figure, pixels, format="rgba", dpi=dpi, **options)
        height, width = pixels.size
        if width * height > max_pixels:
            raise TooLargeError(_too_large(width, height, max_pixels))
        return pixels


def current(plt: types.ModuleType, saves: Saves) -> Any:
    """The current figure, or the last one saved when none is open, or None."""
    return plt.gcf() if plt.get_fignums() else saves.figure


def hush_show() -> None:
    """`plt.show()` has nowhere to show; say nothing of it."""
    warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")


class Pixels:
    """A file that keeps the one buffer matplotlib writes, RGBA rows of shape (height, width, 4), uncopied."""

    view: memoryview

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width, _ = self.view.shape or (0, 0, 4)
        return height, width

    def write(self, buffer: memoryview) -> None:
        self.view = buffer

    def seek(self, offset: int) -> None:
        """Its presence is what makes this a file for matplotlib."""


def _saving_dpi(figure: Any) -> float:
    """The resolution `savefig` would choose."""
    import matplotlib as mpl

    wanted = mpl.rcParams["savefig.dpi"]
    return float(figure.dpi if wanted == "figure" else wanted)


def _is_open(figure: Any) -> bool:
    from matplotlib import pyplot as plt

    return bool(plt.fignum_exists(figure.number)) if hasattr(figure, "number") else False


def _too_large(width: float, height: float, most: int) -> str:
    return f"the figure is {width:,.0f} x {height:,.0f} pixels; at most {most:,} in all are allowed"
