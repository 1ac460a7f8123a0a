"""Each kind of result, and figures equal to a plain interpreter's, pixel by pixel."""

import io
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from llmi_sandbox.code import CodeSandbox, Limits, wire
from llmi_sandbox.code.result import RunFiles, read_result

PLOTS = {
    "line": "plt.plot([1, 4, 9, 16])\nplt.title('Squares $n^2$')",
    "bars": "sns.barplot(x=['a', 'b', 'c'], y=[3, 1, 2], hue=['a', 'b', 'c'])",
    "panels": "f, axes = plt.subplots(2, 2)\nfor k, a in enumerate(axes.flat): a.scatter(range(9), np.arange(9) ** k)",
    "frame": "pd.DataFrame({'x': [1, 2, 3], 'y': [3, 1, 2]}).plot(x='x', y='y', kind='bar')",
    "dates": "plt.plot(pd.date_range('2024-01-01', periods=30), np.arange(30))\nplt.gcf().autofmt_xdate()",
    "theme": "sns.set_theme(style='darkgrid')\nsns.lineplot(x=[1, 2, 3], y=[1, 2, 1])",
    "random": "plt.hist(np.random.randn(500))",
    "3d": "a = plt.figure().add_subplot(projection='3d')\na.plot([0, 1], [0, 1], [0, 2])",
    "transparent": "plt.figure(facecolor='none')\nplt.pie([1, 2, 3])",
    "dpi": "plt.rcParams['savefig.dpi'] = 150\nplt.plot([2, 1])",
}

PLAIN = """
import random, sys, matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt, pandas as pd, seaborn as sns, numpy as np
random.seed(0); np.random.seed(0)
for number, code in enumerate({codes!r}):
    exec(compile(code, "<snippet>", "exec"), {{"plt": plt, "pd": pd, "sns": sns, "np": np}})
    plt.savefig({folder!r} + f"/{{number}}.png")
    plt.close("all"); plt.rcdefaults(); matplotlib.use("Agg"); np.random.seed(0)
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The plots drawn by a fresh interpreter of their own, with no sandbox."""
    folder = tmp_path_factory.mktemp("plain")
    environment = {**os.environ, "MPLCONFIGDIR": str(folder), "MPLBACKEND": "Agg"}
    script = PLAIN.format(codes=list(PLOTS.values()), folder=str(folder))
    subprocess.run([sys.executable, "-c", script], check=True, cwd=folder, env=environment)
    return {name: Image.open(folder / f"{number}.png") for number, name in enumerate(PLOTS)}


@pytest.mark.parametrize("name", PLOTS)
def test_figures_are_a_plain_interpreters_pixel_by_pixel(sandbox, plain, name):
    result = sandbox.run(PLOTS[name])
    assert result.kind == "ok", result.message
    expected = Image.new("RGB", plain[name].size, "white")
    expected.paste(plain[name].convert("RGBA"), mask=plain[name].convert("RGBA").getchannel("A"))
    drawn = np.asarray(Image.open(io.BytesIO(result.picture.png)))
    assert drawn.shape == np.asarray(expected).shape
    assert (drawn == np.asarray(expected)).all()


KINDS = [
    ("pass", "no_figure", "drew no figure"),
    ("", "no_figure", "drew no figure"),
    ("plt.figure()", "blank", "shows nothing"),
    ("plt.plot(", "syntax_error", "line 1"),
    ("x = '\ud800'", "syntax_error", "surrogates"),
    ("a\0b", "syntax_error", "null bytes"),
    ("x = 1\n\nx + y", "exception", "NameError: name 'y' is not defined (line 3)"),
    ("raise ValueError('first\\nsecond')", "exception", "ValueError: first second (line 1)"),
    ("class E(Exception):\n  def __str__(self): raise E\nraise E", "exception", "E (line 3)"),
    ("def f(): f()\nf()", "exception", "RecursionError"),
    ("input()", "exception", "EOFError"),
    ("plt.figure(figsize=(900, 900))", "render_error", "at most 4,000,000"),
    ("plt.title(r'$\\frac{$')", "render_error", "drawing the figure failed"),
    ("import os; os._exit(3)", "exited", "status 3"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "exited", "status 0"),
    ("raise SystemExit(4)", "exited", "exit(4)"),
    ("while True: pass", "timeout_cpu", "1 seconds of processor time"),
    ("x = bytearray(10**10)", "oom", "line 1"),
    ("x = []\nwhile True: x.append(bytes(10**7))", "oom", "line 2"),
    ("import os; os.kill(os.getpid(), 9)", "exception", "PermissionError"),
    ("import ctypes; ctypes.string_at(0)", "signal", "SIGSEGV"),
    ("import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)", "policy", "system call"),
    ("for i in range(60): open(f'{i}', 'wb').write(bytes(10**6))", "disk_limit", "wrote more|writes more"),
    ("open('big', 'wb').write(bytes(10**8))\nopen('big', 'ab').write(b'x')", "disk_limit", "wrote more|writes more"),
    (
        "import os\nfor n in 'abc': os.posix_fallocate(os.open(n, os.O_CREAT | os.O_RDWR), 0, 7 * 2**20)\nos._exit(0)",
        "disk_limit",
        "wrote more|writes more",
    ),
    ("while True: print('x' * 1000)", "output_limit", "printed more"),
    ("import sys\nwhile True: sys.stderr.write('x' * 1000)", "output_limit", "printed more"),
]


@pytest.mark.parametrize(("code", "kind", "message"), KINDS, ids=range(len(KINDS)))
def test_every_failure_has_its_kind_and_a_sentence(sandbox, code, kind, message):
    result = sandbox.run(code)
    assert (result.kind, result.picture) == (kind, None), result
    assert any(part in result.message for part in message.split("|")), result.message
    assert "\n" not in result.message


def test_time_on_the_clock_is_limited_too(tier):
    with CodeSandbox(workers=1, limits=Limits(wall_seconds=0.5)) as sandbox:
        result = sandbox.run("print('before', flush=True)\nimport time; time.sleep(20)")
        assert (result.kind, result.stdout) == ("timeout", "before\n")
        assert result.seconds < 5
        assert sandbox.run("plt.plot([1, 2])").ok


GOOD = {
    "saved and closed": "plt.plot([1, 2]); plt.savefig('a.png'); plt.close()",
    "printed by its canvas": "plt.plot([1, 2]); plt.gcf().canvas.print_png('a.png')",
    "saved where nothing can be written": "plt.plot([1, 2]); plt.savefig('/nowhere/a.png'); plt.close('all')",
    "shown": "import warnings; warnings.simplefilter('default')\nplt.plot([1, 2]); plt.show()",
    "ended": "import sys; plt.plot([1, 2]); sys.exit()",
    "read back": "import matplotlib.image as m; plt.plot([1, 2]); plt.savefig('a.png'); plt.imshow(m.imread('a.png'))",
    "files": "open('d.csv', 'w').write('a,b\\n1,2\\n'); pd.read_csv('d.csv').plot.bar()",
    "temporary files": "import tempfile; tempfile.TemporaryFile().write(b'x'); plt.plot([1, 2])",
    "threads": "import threading as t; a = t.Thread(target=plt.plot, args=([1, 2],)); a.start(); a.join()",
    "thread pool": "from concurrent.futures import *\nwith ThreadPoolExecutor(2) as p: plt.plot([*p.map(abs, [1, 2])])",
    "asyncio": "import asyncio; asyncio.run(asyncio.sleep(0)); plt.plot([1, 2])",
    "user": "import getpass; plt.title(getpass.getuser())",
    "main": "if __name__ == '__main__': plt.plot([1, 2])",
    "dataclass": "import dataclasses, pickle\n@dataclasses.dataclass\nclass A: x: int\n"
    "plt.plot([pickle.loads(pickle.dumps(A(1))).x, 2])",
    "lazy import": "import statistics, decimal, xml.etree.ElementTree, sqlite3; plt.plot([1, 2])",
    "symlink": "import os; os.symlink('a', 'b'); plt.plot([1, 2])",
    "copies": "import shutil; open('a', 'w').close(); shutil.copyfile('a', 'b'); plt.plot([1, 2])",
}


@pytest.mark.parametrize("name", GOOD)
def test_harmless_snippets_work(sandbox, name):
    result = sandbox.run(GOOD[name])
    assert result.kind == "ok", result
    assert "non-interactive" not in result.stderr


def test_absolute_tmp_paths_work_where_the_snippet_has_its_own(tier):
    if tier != "A":
        pytest.skip("in tier B /tmp is the machine's")
    if any(Path(path).is_relative_to("/tmp") for path in (sys.prefix, *sys.path) if path):
        pytest.skip("the installed packages lie below /tmp, so the snippet's own folder is elsewhere")
    with CodeSandbox(workers=1) as sandbox:
        assert sandbox.run("open('/tmp/llmi-x.csv', 'w').write('1'); plt.plot([1, 2])").ok
    assert not Path("/tmp/llmi-x.csv").exists()


def test_output_ends_are_kept(sandbox):
    result = sandbox.run(
        "import sys\nprint('out', '✓')\nprint('err', file=sys.stderr)\nfor i in range(3000): print(i)\n1/0"
    )
    assert result.stdout.endswith("2998\n2999\n")
    assert len(result.stdout) <= 4000
    assert result.stderr.startswith("err\nTraceback")
    assert "line 5" in result.stderr
    assert "zygote" not in result.stderr


def test_the_same_snippet_draws_the_same_figure(sandbox):
    code = "import random; plt.plot(np.random.rand(50)); plt.plot([random.random() for _ in range(50)])"
    assert sandbox.run(code).picture.sha256 == sandbox.run(code).picture.sha256


def test_a_picture_says_where_it_comes_from(in_a_container):
    provenance = in_a_container.run("plt.plot([1, 2])").picture.provenance
    assert (provenance.tool, provenance.request) == ("code", "plt.plot([1, 2])")


def test_dpi_is_settable(tier):
    with CodeSandbox(workers=1, limits=Limits(dpi=50)) as sandbox:
        picture = sandbox.run("plt.plot([1, 2])").picture
    assert (picture.width, picture.height) == (320, 240)


def _raw(body: bytes, length: int | None = None):
    """A report of those bytes, whatever they are."""
    head = struct.pack("=8sI", b"llmi-fig", len(body) if length is None else length)
    return lambda memory: memory.__setitem__(slice(0, len(head) + len(body)), head + body)


LIES = {
    "no fault of ours": lambda memory: wire.write_report(memory, {"kind": "sandbox_error", "message": "not my fault"}),
    "no word": lambda memory: wire.write_report(memory, {"kind": None}),
    "unknown kind": lambda memory: wire.write_report(memory, {"kind": ["ok"]}),
    "too large": lambda memory: wire.write_report(memory, {"kind": "ok"}, [(60_000, 60_000)]),
    "overflowing": lambda memory: wire.write_report(memory, {"kind": "ok"}, [(2**62, 2**62)]),
    "no area": lambda memory: wire.write_report(memory, {"kind": "ok"}, [(0, 100)]),
    "negative": lambda memory: wire.write_report(memory, {"kind": "ok"}, [(-10, -10)]),
    "truth for a size": lambda memory: wire.write_report(memory, {"kind": "ok"}, [(True, 100)]),
    "no figures": lambda memory: wire.write_report(memory, {"kind": "ok"}),
    "more figures than asked for": lambda memory: wire.write_report(memory, {"kind": "ok"}, [(9, 9)] * 2),
    "half a size": _raw(b'{"kind": "ok", "sizes": [[9]]}'),
    "words for sizes": _raw(b'{"kind": "ok", "sizes": "99"}'),
    "no sizes": _raw(b'{"kind": "ok"}'),
    "no JSON": _raw(b"\xff\xfe{}"),
    "endless": _raw(b"", 2**32 - 1),
    "deep": _raw(b"[" * 60_000),
    "no fields": _raw(b"[]"),
    "noise": lambda memory: memory.__setitem__(slice(0, 100), bytes(range(1, 101))),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_report_that_makes_no_sense_is_a_bad_result(lie):
    import mmap

    limits = Limits()
    files = RunFiles.make("pass", limits)
    with mmap.mmap(files.report, 0) as memory:
        LIES[lie](memory)
    result = read_result(wire.Finished(0, 0, 0.1, 0.1, "by_itself"), files, limits, "pass")
    files.close()
    assert (result.kind, result.picture) == ("bad_result", None)


def test_a_process_killed_for_its_limit_counts_as_out_of_time():
    limits = Limits(cpu_seconds=2)
    files = RunFiles.make("", limits)
    kinds = [
        read_result(wire.Finished(0, status, 3.0, cpu, "by_itself"), files, limits, "").kind
        for status, cpu in ((signal.SIGKILL, 3.0), (signal.SIGKILL, 0.1), (signal.SIGXCPU, 2.0))
    ]
    files.close()
    assert kinds == ["timeout_cpu", "killed", "timeout_cpu"]
