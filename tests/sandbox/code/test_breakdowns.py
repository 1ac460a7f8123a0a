"""Processes that hang, die, or cannot be set up: whoever waits hears of it, and the next snippet runs."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from processes import below, children, eventually

from llmi_sandbox.code import CodeSandbox, Limits, SandboxUnavailableError, pool, scratch, wire
from llmi_sandbox.code.isolation.confine import Confinement
from llmi_sandbox.code.result import RunFiles, read_result
from llmi_sandbox.code.run import Run
from llmi_sandbox.code.start import Launcher
from llmi_sandbox.code.zygote import disk
from llmi_sandbox.code.zygote.figure import Saves
from llmi_sandbox.code.zygote.server import Server
from llmi_sandbox.code.zygote.warm import Warm

PLOT = "plt.plot([1, 2])"


@contextlib.contextmanager
def running(sandbox, code):
    """A snippet under way in a thread; yields the list its result goes into, and waits at the end."""
    results = []
    thread = threading.Thread(target=lambda: results.append(sandbox.run(code)))
    thread.start()
    yield results
    thread.join(60)


def zygotes(sandbox):
    return list(sandbox._pool._zygotes)


def at_work(sandbox, attempts):
    """The zygote that runs a snippet which has been sent that often."""
    return next((z for z in zygotes(sandbox) for run in list(z.running.values()) if run.attempts == attempts), None)


def test_a_snippet_whose_zygote_dies_twice_is_given_up(tier):
    with CodeSandbox(workers=1) as sandbox:
        with running(sandbox, "import time; time.sleep(60)") as results:
            for attempt in (1, 2):
                assert eventually(lambda attempt=attempt: at_work(sandbox, attempt))
                os.kill(at_work(sandbox, attempt).pid, signal.SIGKILL)
        assert (results[0].kind, results[0].message) == (
            "sandbox_lost",
            "the sandbox process died twice while the snippet ran",
        )
        assert sandbox.run(PLOT).ok


def test_a_zygote_that_hangs_is_ended_and_its_snippet_run_by_another(tier, monkeypatch):
    monkeypatch.setattr(pool, "_GRACE_SECONDS", 1)
    with CodeSandbox(workers=1, limits=Limits(wall_seconds=2), without=("namespaces",)) as sandbox:
        assert sandbox.run(PLOT).ok
        (hanging,) = zygotes(sandbox)
        os.kill(hanging.pid, signal.SIGSTOP)
        assert sandbox.run(PLOT).ok
        assert hanging not in zygotes(sandbox)


def test_a_zygote_that_cannot_be_replaced_leaves_its_work_to_the_others(tier):
    with CodeSandbox(workers=2, zygotes=2, without=("namespaces",)) as sandbox:
        in_the_way = sandbox._pool._launcher._folder / "3"
        in_the_way.mkdir()
        first, second = zygotes(sandbox)
        os.kill(first.pid, signal.SIGKILL)
        assert eventually(lambda: zygotes(sandbox) == [second] and not sandbox._pool._replacing)
        assert sandbox.run(PLOT).ok
        sandbox._pool._zygotes.remove(second)
        (in_the_way.parent / "4").mkdir()
        with pytest.raises(SandboxUnavailableError, match=r"did not start: .*File exists"):
            sandbox.start()
        second.hang_up()


def test_a_launcher_that_ends_as_it_begins_is_not_started_for_ever(tier, monkeypatch):
    def lose(_):
        raise wire.LostError

    monkeypatch.setattr(Launcher, "spawn", lose)
    with pytest.raises(SandboxUnavailableError, match="ended as soon as it began"):
        CodeSandbox(workers=1).start()


def test_a_run_that_was_given_up_before_it_was_handed_in_never_runs(in_a_container):
    assert in_a_container.run(PLOT).ok
    run = Run(PLOT, Limits())
    in_a_container._pool.abandon(run)
    in_a_container._pool.submit(run)
    assert in_a_container.run(PLOT).ok
    assert (run.attempts, run.finished.done()) == (0, False)


def test_an_interpreter_without_a_name_is_said(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(SandboxUnavailableError, match="does not know its own interpreter"):
        CodeSandbox(workers=1).start()


@pytest.mark.parametrize("spares", [0, 1])
def test_what_cannot_be_confined_does_not_run(tmp_path, spares):
    """The kernel refuses a filter that is none. The reason reaches the host, and the code reaches nobody."""
    ran = tmp_path / "ran"
    (tmp_path / "scratch").mkdir()
    unconfinable = Confinement(frozenset({"seccomp"}), Limits(), (), b"no filter", 0)
    host, control = socket.socketpair()
    zygote = os.fork()
    if zygote == 0:
        try:
            host.close()
            Server(control, None, unconfinable, Warm({}, Saves(1), ()), tmp_path / "scratch", spares).serve()
        finally:
            os._exit(0)
    control.close()
    with host:
        if spares:
            time.sleep(0.5)  # the spare fails, and no other is forked until a run asks for one
        for number in (1, 2):
            files = RunFiles.make(f"open({str(ran)!r}, 'w')", Limits())
            wire.send_request(host, number, files.descriptors)
            host.settimeout(60)
            result = read_result(wire.receive_finished(host), files, Limits(), "")
            assert result.kind == "sandbox_error"
            assert result.message.startswith("the snippet could not be confined: OSError: ")
    os.waitpid(zygote, 0)
    assert not ran.exists()


FORKING_HOST = """
import os, sys, time
from llmi_sandbox.code import CodeSandbox
sandbox = CodeSandbox(workers=1, without={without})
sandbox.start()
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("without", [(), ("namespaces",)], ids=["tier A", "tier B"])
def test_everything_ends_with_the_host_even_while_a_fork_of_it_lives(tier, without):
    """The fork keeps the sockets open, so they do not tell of the host's end."""
    if not hasattr(os, "pidfd_open"):
        pytest.skip("this interpreter cannot watch a process")
    with subprocess.Popen([sys.executable, "-c", FORKING_HOST.format(without=without)], stdout=subprocess.PIPE) as host:
        fork = int(host.stdout.readline())
        try:
            launchers = [pid for pid in children(host.pid) if pid != fork]
            processes = [pid for launcher in launchers for pid in (launcher, *below(launcher))]
            assert len(processes) >= 2
            host.kill()
            assert eventually(lambda: not any(is_running(pid) for pid in processes))
            assert is_running(fork)
        finally:
            os.kill(fork, signal.SIGKILL)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_folder_that_a_sweep_takes_is_made_anew(tmp_path, monkeypatch):
    """Between making a folder and locking it a sweep may lock it, or be done with it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lock, made = scratch._lock, []

    def meddle(folder):
        made.append(folder)
        if len(made) == 1:
            return None
        descriptor = lock(folder)
        if len(made) == 2:
            disk.remove(folder)
        return descriptor

    monkeypatch.setattr(scratch, "_lock", meddle)
    folder, descriptor = scratch.make()
    os.close(descriptor)
    assert folder == made[2]
    assert folder.exists()


def test_a_sweep_leaves_other_peoples_folders(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    theirs, lock = scratch.make()
    os.close(lock)
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    scratch.sweep()
    assert theirs.exists()


def test_folders_without_rights_are_removed_too(tmp_path):
    folder = tmp_path / "scratch"
    (folder / "closed").mkdir(parents=True)
    (folder / "closed" / "file").write_text("x")
    (folder / "closed").chmod(0o000)
    disk.remove(folder)
    assert not folder.exists()
