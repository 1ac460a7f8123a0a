"""Import the drawing libraries once, and draw once, so that no snippet pays for it."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import sys
import tempfile
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from llmi_sandbox.code.zygote import fonts, pages
from llmi_sandbox.code.zygote.figure import Saves, hush_show

_BESIDE = ("scipy", "PIL", "mpl_toolkits", "dateutil", "pytz")
"""Packages a snippet may import by itself, wherever they are installed."""

SCRATCH_VARIABLES = ("HOME", "TMPDIR", "MPLCONFIGDIR")
_VARIABLES = {
    "USER": "sandbox",
    "LOGNAME": "sandbox",
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}

_AHEAD = (
    "contourpy",
    "glob",
    "matplotlib.animation",
    "matplotlib.backends.backend_agg",
    "mpl_toolkits.axes_grid1",
    "mpl_toolkits.mplot3d",
    "numpy.fft",
    "pandas.core.methods.to_dict",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "pyarrow.pandas_compat",
)
"""What libraries import only when it is used, and snippets use often; none of it changes how anything is drawn."""

_PANDAS_PLOTTING = "pandas.plotting._matplotlib"


@dataclass(frozen=True, slots=True)
class Warm:
    """What every fork finds ready.

    Attributes:
        modules: the snippets' namespace, by name.
        saves: remembers what a snippet saves; each fork has its own copy.
        packages: names of the packages whose own folders snippets read.
        written: the memory that a child writes to when it draws.
    """

    modules: dict[str, types.ModuleType]
    saves: Saves
    packages: tuple[str, ...]
    written: pages.Ranges = b""


def warm_up(namespace: Mapping[str, str], figures: int) -> Warm:
    """Import, draw a throw-away figure, and freeze the heap. Raises ImportError for a package that is not there.

    Args:
        namespace: module by the name it has in snippets, as `{"np": "numpy"}`.
        figures: how many figures a snippet hands back at most.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    modules = {name: importlib.import_module(module) for name, module in namespace.items()}
    for module in _AHEAD:
        with contextlib.suppress(ImportError):  # no package promises its inner modules, nor is each of them installed
            importlib.import_module(module)
    _import_pandas_plotting()
    fonts.fall_back()
    _draw_once()
    importlib.import_module("numpy").random.seed(0)  # the same snippet draws the same figure
    saves = Saves(figures)  # after the throw-away figure, which is nobody's
    saves.watch()
    hush_show()
    gc.set_threshold(20_000, 20, 20)  # a figure's objects are gone with its process; looking for cycles is idle work
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every object of the parent
    written = pages.learn(_draw_once)
    pages.gather()
    return Warm(modules, saves, _packages(namespace.values()), written)


def _import_pandas_plotting() -> None:
    """Import the modules of pandas' own plotting, and leave the package itself to the snippet that plots with it.

    Importing the package changes how matplotlib draws dates, which must not happen to snippets that never do.
    """
    import pandas as pd

    with pd.option_context("plotting.matplotlib.register_converters", False), contextlib.suppress(ImportError):
        importlib.import_module(_PANDAS_PLOTTING)
        del sys.modules[_PANDAS_PLOTTING]
        del pd.plotting._matplotlib


def set_environment(scratch: Path) -> None:
    """What snippets find in `os.environ`, and where they write."""
    os.environ.clear()
    os.environ.update(_VARIABLES)
    os.environ.update(dict.fromkeys(SCRATCH_VARIABLES, str(scratch)))
    tempfile.tempdir = None


def _packages(modules: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("matplotlib", *(module.partition(".")[0] for module in modules), *_BESIDE)))


def _draw_once() -> None:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([0, 1], label="line")
    axes.bar([0, 1], [1, 2])
    axes.set(title="Title $x^2$", xlabel="x", ylabel="y")
    axes.legend()
    figure.savefig(io.BytesIO(), format="rgba")
    plt.close("all")
