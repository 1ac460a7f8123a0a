"""The few C calls Python has no function for. Every failure is an OSError that names the call."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

from llmi_sandbox.code.isolation.syscalls import number


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(function: str, *arguments: Any) -> int:
    """Call a libc function; integers travel as longs, bytes as pointers."""
    widened = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = getattr(_libc(), function)(*widened)
    if result < 0:
        problem = ctypes.get_errno()
        raise OSError(problem, f"{function}: {os.strerror(problem)}")
    return result


def syscall(name: str, *arguments: Any) -> int:
    """Make a system call by name. Raises OSError, also where this processor has no such call."""
    nr = number(name)
    if nr is None:
        raise OSError(f"{name}: no such system call on this machine")
    try:
        return call("syscall", nr, *arguments)
    except OSError as error:
        raise OSError(error.errno, f"{name}: {os.strerror(error.errno or 0)}") from None


PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38


def prctl(option: int, *arguments: Any) -> int:
    padded = (*arguments, 0, 0, 0, 0)[:4]
    return call("prctl", option, *padded)
