"""Launcher, zygotes and spares; several figures, further packages, other letters: what a sandbox can be asked for."""

import contextlib
import gc
import os
import random
import signal
import time
from pathlib import Path
from typing import get_args

import pytest
from matplotlib import font_manager
from processes import below, children, eventually

from llmi_sandbox.code import CodeSandbox, Kind, Limits, SandboxUnavailableError
from llmi_sandbox.code.isolation import tier as tiers
from llmi_sandbox.code.zygote import fonts

PLOT = "plt.figure(figsize=(1, 1)); plt.plot(np.arange({}))"


def begun(others):
    return [child for child in children(os.getpid()) if child not in others]


def confined(pids):
    """Spares and running snippets have given up their privileges; launchers and zygotes have not."""
    return [pid for pid in pids if "NoNewPrivs:\t1" in status(pid)]


def status(pid):
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it has ended meanwhile


@pytest.fixture
def started(tier):
    """Start a sandbox; returns it and the processes it has begun."""
    others = set(children(os.getpid()))  # sandboxes of other tests, which renew their spares as they like
    sandboxes = []

    def start(**settings):
        sandbox = CodeSandbox(**settings)
        sandboxes.append(sandbox)
        sandbox.start()
        return sandbox, lambda: [pid for child in begun(others) for pid in (child, *below(child))]

    yield start
    for sandbox in sandboxes:
        sandbox.close()


def test_spares_wait_confined_are_used_once_and_replaced(started):
    sandbox, processes = started(workers=2, spares=3)
    assert eventually(lambda: len(confined(processes())) == 3)
    waiting = set(confined(processes()))
    assert sandbox.run(PLOT.format(2)).ok

    def one_was_replaced():  # the answer comes before the one that gave it is buried
        now = set(confined(processes()))
        return len(now) == 3 and len(waiting - now) == 1

    assert eventually(one_was_replaced)


def test_without_spares_nothing_waits(started):
    sandbox, processes = started(workers=2, spares=0)
    assert sandbox.run(PLOT.format(2)).ok
    assert eventually(lambda: confined(processes()) == [])


def test_a_killed_spare_costs_no_snippet(started):
    sandbox, processes = started(workers=2, spares=2)
    for _ in range(3):
        assert eventually(lambda: len(confined(processes())) == 2)
        time.sleep(0.05)
        for pid in confined(processes()):
            with contextlib.suppress(ProcessLookupError):  # it was used, and is buried meanwhile
                os.kill(pid, signal.SIGKILL)
        assert sandbox.run(PLOT.format(3)).ok


def test_zygotes_share_the_work_and_survive_one_another(started):
    sandbox, processes = started(workers=4, zygotes=2, spares=1)
    assert eventually(lambda: len(confined(processes())) == 2)
    results = sandbox.run_many([f"import time; time.sleep(0.3); print({k})" for k in range(8)])
    first = next(results)
    spare = confined(processes())[0]
    zygote = int(Path(f"/proc/{spare}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(zygote, signal.SIGKILL)
    assert [first.stdout, *(result.stdout for result in results)] == [f"{k}\n" for k in range(8)]
    started_again = time.monotonic()
    assert sandbox.run(PLOT.format(2)).ok
    assert time.monotonic() - started_again < 2, "a zygote is a fork of the launcher, not a new interpreter"


def test_a_forgotten_sandbox_ends_its_processes(started):
    others = set(children(os.getpid()))
    sandbox = CodeSandbox(workers=1)
    assert sandbox.run(PLOT.format(2)).ok
    (launcher,) = begun(others)
    processes = [launcher, *below(launcher)]
    assert len(processes) > 1
    del sandbox
    gc.collect()
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))


def test_several_figures_come_back_when_asked_for(started):
    sandbox, _ = started(workers=1, limits=Limits(figures=3))
    code = """
for k in (1, 2, 3, 4):
    plt.figure(k, figsize=(k, 1)); plt.plot([1, 2])
plt.figure(2)
"""
    result = sandbox.run(code)
    assert [picture.width for picture in result.pictures] == [200, 100, 300]
    assert result.picture == result.pictures[0]
    closed = "for k in (1, 2): plt.figure(figsize=(k, 1)); plt.plot([1]); plt.savefig(f'{k}.png'); plt.close()"
    assert [picture.width for picture in sandbox.run(closed).pictures] == [200, 100]
    with_a_blank = sandbox.run("plt.plot([1, 2]); plt.figure(2, figsize=(1, 1)); plt.figure(1)")
    assert with_a_blank.ok
    assert with_a_blank.others == ()
    assert sandbox.run("plt.figure(); plt.figure()").kind == "blank"


def test_what_was_saved_is_what_comes_back(in_a_container):
    code = "plt.plot([1, 2]); plt.savefig('a.png', dpi=50); plt.title('later'); plt.close()"
    assert in_a_container.run(code).picture.width == 320
    untitled = in_a_container.run(code.replace(" plt.title('later');", ""))
    assert in_a_container.run(code).picture.sha256 == untitled.picture.sha256


def test_resolution_and_sides_are_capped(started):
    sandbox, _ = started(workers=1, limits=Limits(max_dpi=40, max_side=300))
    assert sandbox.run("plt.figure(figsize=(3, 2), dpi=600); plt.plot([1, 2])").picture.width == 120
    saved = "plt.figure(figsize=(3, 2)); plt.plot([1, 2]); plt.savefig('a.png', dpi=300); plt.close()"
    assert sandbox.run(saved).picture.width == 120
    wide = sandbox.run("plt.figure(figsize=(10, 1)).add_subplot()")
    assert (wide.kind, "300 along a side" in wide.message) == ("render_error", True)


def test_further_packages_are_at_hand(started):
    sandbox, _ = started(workers=1, namespace={"nx": "networkx", "ndimage": "PIL.ImageFilter"})
    assert sandbox.run("nx.draw(nx.cycle_graph(4)); assert ndimage.BLUR").ok
    with pytest.raises(SandboxUnavailableError, match="no_such_package"):
        CodeSandbox(namespace={"x": "no_such_package"}).start()


def test_letters_that_the_usual_font_lacks_come_from_another(monkeypatch):
    """The rule alone: the file it adds is a known font's, and only where a text's own fonts are not that one."""
    manager = font_manager.fontManager
    found, serif = manager._find_fonts_by_props, "DejaVu Serif"
    monkeypatch.setattr(manager, "_find_fonts_by_props", found)
    monkeypatch.setattr(fonts, "_WIDE", ("No Such Font", serif))
    assert fonts.fall_back() == serif
    files = manager._find_fonts_by_props(font_manager.FontProperties(family="DejaVu Sans"))
    assert [Path(str(file)).name for file in files] == ["DejaVuSans.ttf", "DejaVuSerif.ttf"]
    assert len(manager._find_fonts_by_props(font_manager.FontProperties(family=serif))) == 1
    monkeypatch.setattr(fonts, "_WIDE", ("No Such Font",))
    assert fonts.fall_back() is None


def test_chinese_japanese_and_korean_are_drawn_where_there_is_a_font(in_a_container):
    known = {font.name for font in font_manager.fontManager.ttflist}
    if not known & set(fonts._WIDE):
        pytest.skip("no such font is installed here")
    for theme in ("", "sns.set_theme()\n", "plt.rcParams['font.family'] = 'SimHei'\n"):
        result = in_a_container.run(f"{theme}plt.title('图表 グラフ')\nplt.plot([1, 2])")
        assert result.ok
        assert "missing from" not in result.stderr


def test_another_system_is_refused_by_its_name(monkeypatch, tmp_path):
    monkeypatch.setattr(tiers.sys, "platform", "darwin")
    monkeypatch.setattr(tiers.platform, "system", lambda: "Darwin")
    found = tiers.measure(tmp_path, ())
    assert found.tier == "none"
    assert "Darwin has none" in found.sentence
    assert "unsafe=True" in found.sentence


@pytest.mark.parametrize("settings", [{"zygotes": 0}, {"spares": -1}, {"workers": -2}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValueError, match=r"CodeSandbox\("):
        CodeSandbox(**settings)


def test_no_input_raises_and_each_has_its_kind(in_a_container):
    """A sample; `benchmarks/sandbox.py fuzz` tries ten thousand, of more sorts."""
    lot = random.Random(7)
    inputs = [lot.randbytes(60).decode("latin-1") for _ in range(20)]
    inputs += ["".join(chr(lot.randrange(0x110000)) for _ in range(40)) for _ in range(20)]
    inputs += [PLOT[: lot.randrange(len(PLOT))] + lot.choice("()[]'\\\0\ud800") for _ in range(20)]
    inputs += ["(" * 50_000, "x = " + "9" * 9000, "#" * 10**6, "\ufeff", "\x00", ""]
    kinds = [result.kind for result in in_a_container.run_many(inputs)]
    assert len(kinds) == len(inputs)
    assert set(kinds) <= set(get_args(Kind)) - {"sandbox_error", "sandbox_lost"}
