"""The harmless snippets of `snippets/`, by topic and name, and how a plain interpreter draws them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import blocks

FOLDER = Path(__file__).with_name("snippets")


def load() -> dict[str, str]:
    """Every snippet: `{"lines: marker MARK=o": code}`."""
    return {f"{topic}: {head}": code for topic, head, code in blocks.read(FOLDER)}


def draw_plainly(codes: list[str], folder: Path, *, fresh: bool = False) -> list[Path]:
    """Draw each snippet with a plain interpreter, no sandbox, into `folder`; the paths of the pictures.

    With `fresh` every snippet has an interpreter of its own, which takes seconds each; without, each has a fork of
    one that has imported the libraries and nothing else.
    """
    jobs = []
    for number, code in enumerate(codes):
        place = folder / str(number)
        place.mkdir()
        (place / "snippet.py").write_text(code)
        jobs.append(str(place))
    environment = {"PATH": "/usr/bin:/bin", "MPLCONFIGDIR": str(folder), "HOME": str(folder), "PYTHONHASHSEED": "0"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "LANG": "C.UTF-8", "TZ": "UTC", "USER": "nobody"}
    for part in [[job] for job in jobs] if fresh else [jobs]:
        subprocess.run([sys.executable, "-c", _PLAIN, *part], check=True, env=environment, cwd=folder)
    return [Path(job) / "figure.png" for job in jobs]


_PLAIN = """
import os, random, sys, types
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt, numpy as np, pandas as pd, seaborn as sns

for folder in sys.argv[1:]:
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0, f"the snippet in {folder} failed"
        continue
    os.chdir(folder)
    out = os.open("output", os.O_WRONLY | os.O_CREAT)
    os.dup2(out, 1); os.dup2(out, 2)
    random.seed(0); np.random.seed(0)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__dict__.update(plt=plt, np=np, pd=pd, sns=sns)
    status = 1
    try:
        try:
            exec(compile(open("snippet.py").read(), "snippet.py", "exec"), main.__dict__)
        except SystemExit:
            pass
        if plt.get_fignums():
            plt.savefig("figure.png")
        status = 0
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        os._exit(status)
"""
