"""The layers on other machines than this one: other kernels, other processors, other systems."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from llmi_sandbox.code import wire
from llmi_sandbox.code.isolation import landlock, libc, readable, tier
from llmi_sandbox.code.isolation.tier import Isolation
from llmi_sandbox.code.zygote import pages

FIRST, REFER, TRUNCATE, DEVICES = (1 << 13) - 1, 1 << 13, 1 << 14, 1 << 15


@pytest.mark.parametrize(
    ("abi", "rights"),
    [
        (1, FIRST),
        (2, FIRST | REFER),
        (3, FIRST | REFER | TRUNCATE),
        (4, FIRST | REFER | TRUNCATE),
        (5, FIRST | REFER | TRUNCATE | DEVICES),
        (6, FIRST | REFER | TRUNCATE | DEVICES),
    ],
)
def test_landlock_is_asked_for_the_rights_a_kernel_knows(abi, rights):
    """A right that the kernel does not know would be refused with the whole rule set."""
    assert landlock._all_rights(abi) == rights


def test_a_kernel_without_landlock_says_so(monkeypatch):
    monkeypatch.setattr(landlock, "syscall", refuse)
    assert landlock.abi() == 0
    with pytest.raises(OSError, match="has it not, or not switched on"):
        tier._landlock()


def refuse(*_):
    raise OSError("no such system call")


def test_a_processor_without_the_call_says_so(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(OSError, match="alarm: no such system call on this machine"):
        libc.syscall("alarm", 0)


def test_a_processor_without_a_table_runs_unconfined_or_not_at_all(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(OSError, match="no table of system calls for riscv64"):
        tier._seccomp()
    assert pages.learn(list) == b""


def test_a_pagemap_that_may_not_be_read_teaches_nothing(monkeypatch):
    monkeypatch.setattr(pages, "_writable", refuse)
    assert pages.learn(list) == b""


def test_each_tier_has_its_sentence():
    assert Isolation("A", {}, {}).sentence == "Snippets are fully isolated (tier A)."
    assert "(tier B). Missing: namespaces: forbidden." in Isolation("B", {}, {"namespaces": "forbidden"}).sentence


def test_a_home_folder_and_what_holds_it_stay_closed():
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert readable._holds_home(home)
    assert readable._holds_home(home.parent)
    assert not readable._holds_home(home / "lib")


def test_a_user_without_a_name_has_no_home(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    assert not readable._holds_home(tmp_path)


def test_limits_stay_below_those_the_host_was_given():
    """As under `ulimit`: a limit can be lowered, never raised."""
    code = """
import resource
from llmi_sandbox.code.isolation import rlimits
resource.setrlimit(resource.RLIMIT_NOFILE, (50, 60))
rlimits._lower(resource.RLIMIT_NOFILE, 100, 200)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
rlimits._lower(resource.RLIMIT_NOFILE, 30, 40)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["60", "60", "30", "40"]


def test_memory_files_are_plain_files_on_other_systems(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    file = wire.memory_file("report", 4096)
    try:
        assert os.fstat(file).st_size == 4096
        assert os.fstat(file).st_nlink == 0
    finally:
        os.close(file)


def test_a_report_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="too long"):
        wire.write_report(bytearray(wire.PIXELS_AT), {"message": "x" * wire.PIXELS_AT})
