"""Starting, sharing, breaking and ending: threads, asyncio, forks, killed processes, nothing left behind."""

import asyncio
import contextlib
import itertools
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from processes import below, eventually

from llmi_sandbox.code import CodeSandbox, Limits, SandboxUnavailableError, probe, scratch, wire
from llmi_sandbox.code.isolation.confine import Confinement
from llmi_sandbox.code.isolation.tier import Isolation
from llmi_sandbox.code.result import RunFiles
from llmi_sandbox.code.zygote import child, disk
from llmi_sandbox.code.zygote.figure import Saves
from llmi_sandbox.code.zygote.warm import Warm
from llmi_schema import SystemRequirementError

PLOT = "plt.plot(np.arange({}))"


def descriptors():
    return {entry: os.readlink(f"/proc/self/fd/{entry}") for entry in os.listdir("/proc/self/fd") if _is_open(entry)}


def _is_open(entry):
    return os.path.lexists(f"/proc/self/fd/{entry}")


def test_sixteen_threads_all_succeed(sandbox):
    """Eight times oversubscribed: a busy machine must not look like bad code."""
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(sandbox.run, [PLOT.format(k + 2) for k in range(32)]))
    assert [result.kind for result in results] == ["ok"] * 32
    assert len({result.picture.sha256 for result in results}) == 32


async def test_arun_leaves_the_event_loop_free(in_a_container):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    results = await asyncio.gather(*(in_a_container.arun(PLOT.format(k + 2)) for k in range(6)))
    ticking.cancel()
    assert [result.kind for result in results] == ["ok"] * 6
    assert ticks > 5


async def test_a_cancelled_arun_harms_nobody(tier):
    async with CodeSandbox(workers=1) as sandbox:
        slow = asyncio.create_task(sandbox.arun("import time; time.sleep(0.5)"))
        queued = asyncio.create_task(sandbox.arun(PLOT.format(2)))
        await asyncio.sleep(0.2)
        slow.cancel()
        queued.cancel()
        assert (await sandbox.arun(PLOT.format(3))).ok


async def test_cancelled_runs_keep_no_descriptor_open(in_a_container):
    assert in_a_container.run("pass").kind == "no_figure"
    before = descriptors()
    for seconds in (0, 0.001, 0.01, 0.05):
        runs = [asyncio.create_task(in_a_container.arun("import time; time.sleep(0.05)")) for _ in range(4)]
        await asyncio.sleep(seconds)
        for run in runs:
            run.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*runs, return_exceptions=True)
        )
    assert (await in_a_container.arun(PLOT.format(3))).ok
    assert eventually(lambda: descriptors() == before)


def test_a_run_may_outlive_the_event_loop_that_began_it(in_a_container, caplog):
    async def give_up():
        async with asyncio.timeout(0.1):
            await in_a_container.arun("import time; time.sleep(0.3)")

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    assert [result.ok for result in in_a_container.run_many([PLOT.format(2)] * 4)] == [True] * 4
    time.sleep(0.3)
    assert caplog.records == []


def test_run_many_keeps_the_order_and_reads_only_ahead(in_a_container):
    read = []

    def codes():
        for k in itertools.count():
            read.append(k)
            yield f"import time; time.sleep({0.05 if k % 3 == 0 else 0}); print({k})"

    results = in_a_container.run_many(codes())
    first = [next(results).stdout for _ in range(8)]
    results.close()
    assert first == [f"{k}\n" for k in range(8)]
    assert len(read) <= 8 + 2 * in_a_container.workers
    assert in_a_container.run(PLOT.format(2)).ok


@pytest.mark.parametrize("without", [(), ("namespaces",)], ids=["tier A", "tier B"])
def test_fifty_snippets_leave_no_process_descriptor_or_file(tier, without, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    time.sleep(0.1)  # until the other sandboxes have buried their last child and keep their spares
    before, others = descriptors(), set(below(os.getpid()))
    with CodeSandbox(workers=2, limits=Limits(cpu_seconds=1), without=without) as sandbox:
        sandbox.run("pass")
        time.sleep(0.1)  # until the spares wait again
        warm, processes = descriptors(), len(below(os.getpid()))
        codes = [
            "plt.plot([1, 2])",
            "1 / 0",
            "import os; os._exit(1)",
            "open('f', 'w').write('x' * 9999)",
            "plt.figure(",
        ]
        kinds = [result.kind for result in sandbox.run_many(codes * 10)]
        assert kinds == ["ok", "exception", "exited", "no_figure", "syntax_error"] * 10
        assert descriptors() == warm
        assert eventually(lambda: len(below(os.getpid())) == processes)
    assert eventually(lambda: descriptors() == before)
    assert set(below(os.getpid())) == others
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def kill_zygotes():
    """A function that kills every sandbox process this test has started, and says how many."""
    spared = set(below(os.getpid()))

    def kill():
        zygotes = [
            pid
            for pid in below(os.getpid())
            if pid not in spared and b"boot.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        for pid in zygotes:
            os.kill(pid, signal.SIGKILL)
        return len(zygotes)

    return kill


def test_a_dead_zygote_is_replaced_and_its_snippet_run_again(tier, kill_zygotes):
    with CodeSandbox(workers=1) as sandbox:
        results = []
        run = threading.Thread(target=lambda: results.append(sandbox.run("import time; time.sleep(1); plt.plot([1])")))
        run.start()
        time.sleep(0.3)
        assert kill_zygotes()
        run.join(30)
        assert results[0].ok
        assert sandbox.run(PLOT.format(2)).ok


def test_a_zygote_that_dies_twice_loses_the_snippet_and_goes_on(tier, kill_zygotes):
    with CodeSandbox(workers=1) as sandbox:
        results = []
        run = threading.Thread(target=lambda: results.append(sandbox.run("import time; time.sleep(60)")))
        run.start()
        while run.is_alive():
            time.sleep(0.4)
            kill_zygotes()
        assert results[0].kind == "sandbox_lost"
        assert sandbox.run(PLOT.format(2)).ok


HOST = """
import sys, threading, time
from llmi_sandbox.code import CodeSandbox
sandbox = CodeSandbox(workers=1, without={without})
sandbox.start()
threading.Thread(target=sandbox.run, args=("import time; time.sleep(60)",), daemon=True).start()
time.sleep(0.3)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("without", [(), ("namespaces",)], ids=["tier A", "tier B"])
def test_everything_ends_when_the_host_is_killed(tier, without):
    with subprocess.Popen([sys.executable, "-c", HOST.format(without=without)], stdout=subprocess.PIPE) as host:
        assert host.stdout.readline() == b"ready\n"
        processes = below(host.pid)
        assert len(processes) >= 2
        host.kill()
        assert eventually(lambda: not any(_is_running(pid) for pid in processes))


def _is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_snippet_whose_zygote_is_gone_already_never_runs(tmp_path):
    """The zygote may be killed between its fork and the moment the kernel has promised to tell the child."""
    ran = tmp_path / "ran"
    unconfined = Confinement(frozenset(), Limits(), (), b"", 0)
    outer = os.fork()
    if outer == 0:
        files = RunFiles.make(f"open({str(ran)!r}, 'w')", Limits())
        zygote, channel = socket.socketpair()
        wire.send_request(zygote, 1, files.descriptors)
        ready = Warm({}, Saves(1), ())
        child.live(channel, tmp_path, unconfined, ready, zygote=os.getpid())  # its parent has another number
    assert os.waitstatus_to_exitcode(os.waitpid(outer, 0)[1]) == 1
    assert not ran.exists()


def test_a_fork_of_the_host_starts_its_own(tier):
    with CodeSandbox(workers=1) as sandbox:
        assert sandbox.run(PLOT.format(2)).ok
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if sandbox.run(PLOT.format(3)).ok else 2
                sandbox.close()
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert sandbox.run(PLOT.format(4)).ok


def test_a_pickled_copy_starts_its_own(tier):
    with CodeSandbox(workers=1, limits=Limits(cpu_seconds=3)) as sandbox, pickle.loads(pickle.dumps(sandbox)) as copy:
        assert copy.limits == sandbox.limits
        assert copy.run(PLOT.format(2)).ok


def test_processes_start_with_the_first_snippet(tier):
    before = below(os.getpid())
    sandbox = CodeSandbox(workers=1)
    assert below(os.getpid()) == before
    assert sandbox.run(PLOT.format(2)).ok
    assert below(os.getpid()) != before
    sandbox.close()
    sandbox.close()
    assert sandbox.run("pass").kind == "sandbox_lost"
    with pytest.raises(SandboxUnavailableError, match="closed"):
        sandbox.start()


def test_closing_answers_those_who_wait(tier):
    sandbox = CodeSandbox(workers=1)
    sandbox.start()
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(sandbox.run, "import time; time.sleep(30)") for _ in range(3)]
        time.sleep(0.3)
        sandbox.close()
        assert {run.result(timeout=10).kind for run in waiting} == {"sandbox_lost"}


def test_too_little_isolation_is_refused_with_what_to_do():
    sandbox = CodeSandbox(without=("landlock",))
    with pytest.raises(SandboxUnavailableError, match="unsafe=True") as caught:
        sandbox.run("plt.plot([1, 2])")
    assert isinstance(caught.value, SystemRequirementError)
    assert "landlock" in str(caught.value)
    assert not [p for p in below(os.getpid()) if b'"landlock"' in Path(f"/proc/{p}/cmdline").read_bytes()]


def test_unsafe_runs_with_what_there_is_and_warns():
    sandbox = CodeSandbox(workers=1, unsafe=True, without=("namespaces", "landlock", "seccomp", "limits"))
    with pytest.warns(UserWarning, match="cannot isolate"):
        sandbox.start()
    with sandbox:
        assert sandbox.start().tier == "none"
        assert sandbox.run("plt.plot([1, 2])").ok
        assert sandbox.run("1 / 0").kind == "exception"
        assert sandbox.run("import os\nif os.fork() == 0: os.execvp('sleep', ['sleep', '61.73'])").kind == "no_figure"
        assert eventually(lambda: not _sleepers("61.73"))
        code = "import os, time\nif os.fork() == 0: os.execvp('sleep', ['sleep', '61.74'])\ntime.sleep(60)"
        threading.Thread(target=sandbox.run, args=(code,)).start()
        assert eventually(lambda: _sleepers("61.74"))
    assert eventually(lambda: not _sleepers("61.74"))


def _sleepers(seconds):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if (process / "cmdline").read_bytes() == f"sleep\0{seconds}\0".encode():
                found.append(process)
    return found


def test_a_broken_interpreter_is_an_error_with_a_reason(monkeypatch, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such wheel >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    for start in (CodeSandbox().start, probe):
        with pytest.raises(SandboxUnavailableError, match="no such wheel"):
            start()


def test_an_interpreter_that_cannot_be_started_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    before = descriptors()
    for start in (CodeSandbox().start, probe):
        with pytest.raises(SandboxUnavailableError, match="cannot be started"):
            start()
    assert descriptors() == before
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_may_have_no_more_threads_says_so(tier, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    others = below(os.getpid())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(SandboxUnavailableError, match="thread"):
            CodeSandbox(workers=1).run("pass")
    assert below(os.getpid()) == others
    assert list(tmp_path.iterdir()) == []


def test_memory_files_need_no_help_from_the_interpreter(monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    file = wire.memory_file("report", 4096)
    try:
        assert os.readlink(f"/proc/self/fd/{file}").startswith("/memfd:report")
        assert not os.get_inheritable(file)
        assert os.pwrite(file, b"x", 4095) == 1
        for size in (0, 8192):
            with pytest.raises(PermissionError):
                os.ftruncate(file, size)
    finally:
        os.close(file)


def test_the_probe_tells_tier_layers_and_what_is_missing():
    found = probe()
    assert isinstance(found, Isolation)
    assert set(found.layers) | set(found.missing) == {"namespaces", "landlock", "seccomp", "limits"}
    assert found.tier in found.sentence or found.tier == "none"
    assert "unsafe=True" in Isolation("none", {}, {"landlock": "not there"}).sentence


@pytest.mark.parametrize("limits", [{"cpu_seconds": 0}, {"max_pixels": -1}, {"dpi": 0}])
def test_limits_must_be_positive(limits):
    with pytest.raises(ValueError, match="positive"):
        Limits(**limits)


def test_at_least_one_worker_is_needed():
    with pytest.raises(ValueError, match="at least one"):
        CodeSandbox(workers=0)


def test_a_sweep_takes_the_dead_and_spares_the_living(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    living, lock = scratch.make()
    dead, gone = scratch.make()
    os.close(gone)
    (dead / "left").mkdir()
    (tmp_path / "llmi-sandbox-link").symlink_to(living)
    scratch.sweep()
    assert living.exists()
    assert not dead.exists()
    os.close(lock)


def test_a_scratch_nested_past_every_path_length_is_counted_and_removed(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(2200):
        os.mkdir("d", dir_fd=here)
        inside = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inside
    os.close(here)
    assert disk.is_over(folder, 10**9, 10**9)
    disk.remove(folder)
    assert not folder.exists()


def test_removing_does_not_follow_links(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    folder = tmp_path / "scratch"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "link").symlink_to(tmp_path / "kept")
    disk.remove(folder)
    assert not folder.exists()
    assert (tmp_path / "kept" / "file").exists()
