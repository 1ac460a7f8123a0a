"""Find the figures a snippet means, and draw them into plain pixels."""

from __future__ import annotations

import types
import warnings
from dataclasses import dataclass
from typing import Any

from llmi_sandbox.code.limits import Limits

_KEPT_OPTIONS = ("dpi", "bbox_inches", "pad_inches", "facecolor", "edgecolor", "transparent")


class TooLargeError(Exception):
    """A figure of more pixels than allowed."""


class Pixels:
    """A file that keeps the one buffer matplotlib writes, RGBA rows of shape (height, width, 4), uncopied."""

    view: memoryview

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width, _ = self.view.shape or (0, 0, 4)
        return width, height

    def write(self, buffer: memoryview) -> None:
        self.view = buffer

    def seek(self, offset: int) -> None:
        """Its presence is what makes this a file for matplotlib."""


class Saves:
    """Remembers what a snippet saved, for the snippet that saves and closes.

    Saving works as always, into the scratch; where the path cannot be written the snippet goes on, for its
    figure is what counts. A figure saved as a picture is kept as the pixels that were drawn then; one saved as a
    document is drawn again. The watch is set once, before the fork; each child then has one of its own.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._saved: list[_Save] = []
        self._save: Any = None

    def watch(self) -> None:
        import matplotlib.figure
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure_kind: Any = matplotlib.figure.Figure
        canvas_kind: Any = FigureCanvasAgg
        save, encode = figure_kind.savefig, canvas_kind._print_pil

        def savefig(figure: Any, fname: Any, **options: Any) -> None:
            self._remember(_Save(figure, {name: options[name] for name in _KEPT_OPTIONS if name in options}))
            try:
                save(figure, fname, **options)
            except OSError as error:
                warnings.warn(f"{fname} was not written ({error}); the figure is kept", stacklevel=2)

        def print_pil(canvas: Any, *arguments: Any, **options: Any) -> None:
            try:
                encode(canvas, *arguments, **options)
            finally:  # also where the file cannot be written
                if self._saved and canvas.figure is self._saved[-1].figure:
                    shown = canvas.buffer_rgba()
                    self._saved[-1].view = memoryview(bytes(shown)).cast("B", list(shown.shape))

        savefig.__doc__ = save.__doc__
        figure_kind.savefig = savefig
        canvas_kind._print_pil = print_pil
        self._save = save

    def figures(self, plt: types.ModuleType) -> list[Any]:
        """What to draw: the current figure, or the last one saved when none is open; then the others, if wanted.

        Those are the other open ones in the order of their numbers, then closed ones, the last saved first.
        """
        current = [plt.gcf()] if plt.get_fignums() else []
        others = [plt.figure(number) for number in plt.get_fignums()] if self._most > 1 else []
        found: list[Any] = []
        for figure in (*current, *others, *(saved.figure for saved in reversed(self._saved))):
            if not any(figure is known for known in found):
                found.append(figure)
        return found[: self._most]

    def draw(self, figure: Any, limits: Limits) -> Pixels:
        """A figure's pixels. Raises `TooLargeError`, or whatever drawing raises."""
        pixels = Pixels()
        saved = None if _is_open(figure) else next((save for save in self._saved if save.figure is figure), None)
        if saved and saved.view is not None and limits.dpi is limits.max_dpi is None:
            pixels.view = saved.view
        else:
            options = dict(saved.options) if saved else {}
            dpi = limits.dpi or _saving_dpi(figure, options.pop("dpi", None))
            if limits.max_dpi:
                dpi = min(dpi, limits.max_dpi)
            width, height = figure.get_size_inches() * dpi
            _check_size(width, height, limits)
            self._save(figure, pixels, format="rgba", dpi=dpi, **options)
        _check_size(*pixels.size, limits)
        return pixels

    def _remember(self, save: _Save) -> None:
        others = [entry for entry in self._saved if entry.figure is not save.figure]
        self._saved = [*others, save][-self._most :]


@dataclass(slots=True)
class _Save:
    """A call of `savefig`; `view` holds the pixels if it made a picture, shape (height, width, 4)."""

    figure: Any
    options: dict[str, Any]
    view: memoryview | None = None


def hush_show() -> None:
    """`plt.show()` has nowhere to show; say nothing of it."""
    warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")


def _saving_dpi(figure: Any, wanted: Any) -> float:
    """The resolution `savefig(dpi=wanted)` would choose."""
    import matplotlib as mpl

    if wanted is None:
        wanted = mpl.rcParams["savefig.dpi"]
    return float(figure.dpi if wanted == "figure" else wanted)


def _is_open(figure: Any) -> bool:
    from matplotlib import pyplot as plt

    return bool(plt.fignum_exists(figure.number)) if hasattr(figure, "number") else False


def _check_size(width: float, height: float, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        allowed = f"{limits.max_pixels:,} in all"
    elif max(width, height) > limits.max_side:
        allowed = f"{limits.max_side:,} along a side"
    else:
        return
    raise TooLargeError(f"the figure is {width:,.0f} x {height:,.0f} pixels; at most {allowed} are allowed")
