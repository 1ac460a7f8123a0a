"""Import the drawing libraries once, and draw once, so that no snippet pays for it."""

from __future__ import annotations

import gc
import importlib
import io
import random
import types

NAMESPACE = {"plt": "matplotlib.pyplot", "pd": "pandas", "sns": "seaborn", "np": "numpy"}
"""The names every snippet finds imported."""

PACKAGES = ("matplotlib", "pandas", "seaborn", "numpy", "scipy", "PIL", "mpl_toolkits", "dateutil", "pytz")
"""Packages whose own folders are readable wherever they are installed."""

_AHEAD = ("mpl_toolkits.mplot3d", "PIL.PngImagePlugin", "matplotlib.backends.backend_agg")


def warm_up() -> dict[str, types.ModuleType]:
    """Import, draw a throw-away figure, and freeze the heap. Returns the namespace's modules.

    pandas' own plotting is not touched: importing it changes how matplotlib draws dates.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    modules = {alias: importlib.import_module(name) for alias, name in NAMESPACE.items()}
    for name in _AHEAD:
        importlib.import_module(name)
    _draw_once(modules["plt"])
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every object of the parent
    return modules


def font_files() -> list[str]:
    from matplotlib import font_manager

    return [font.fname for font in font_manager.fontManager.ttflist]


def reseed() -> None:
    """The same snippet draws the same figure: start the global generators from zero."""
    import numpy as np

    random.seed(0)
    np.random.seed(0)


def _draw_once(plt: types.ModuleType) -> None:
    figure, axes = plt.subplots()
    axes.plot([0, 1], label="line")
    axes.bar([0, 1], [1, 2])
    axes.set(title="Title $x^2$", xlabel="x", ylabel="y")
    axes.legend()
    figure.savefig(io.BytesIO(), format="rgba")
    plt.close("all")
